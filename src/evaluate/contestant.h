#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "sotto/evaluate.h"

namespace sotto::evaluate {

/// Who takes part in a comparison.
class Contestant {
 public:
  virtual ~Contestant() = default;
  /// Loads and warms up on `speech`, before anything is counted.
  virtual void prepare(const Speech& speech, const Progress& progress) = 0;
  /// What it hears in an utterance, its words not counted yet.
  virtual UtteranceResult run(const Speech& speech, const Progress& progress) = 0;
  /// What was measured beside the utterances. Once, at the end.
  virtual Measurement finish() = 0;
};

/// The IR directory or the folder of another program's results at `directory`. Options are kept by reference.
/// Throws Error(not_found) where it is neither.
std::unique_ptr<Contestant> make_contestant(const std::filesystem::path& directory,
                                            const CompareOptions& options);

}  // namespace sotto::evaluate
