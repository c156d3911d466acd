#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sotto/evaluate.h"

namespace sotto::evaluate {

/// What a contestant did in one utterance.
struct Turn {
  std::string hypothesis = {};
  std::string language = {};
  bool is_missing = false;  ///< a peer without a result
  double transcription_s = 0.0;
  std::optional<double> first_segment_s = {};
  std::optional<double> energy_j = {};
  std::vector<double> encoder_ms = {};
  std::vector<double> decoder_ms = {};
};

/// Who takes part in a comparison.
class Contestant {
 public:
  virtual ~Contestant() = default;
  /// Loads and warms up on `speech`, before anything is counted.
  virtual void prepare(const Speech& speech, const Progress& progress) = 0;
  virtual Turn run(const Speech& speech, const Progress& progress) = 0;
  /// Makes figures of a turn, of this run or of an earlier one.
  virtual void count(const Turn& turn) = 0;
  /// What was measured beside the utterances. Once, at the end.
  virtual Measurement finish() = 0;
};

/// The IR directory or the folder of another program's results at `directory`. Options are kept by reference.
/// Throws Error(not_found) where it is neither.
std::unique_ptr<Contestant> make_contestant(const std::filesystem::path& directory,
                                            const CompareOptions& options);

}  // namespace sotto::evaluate
