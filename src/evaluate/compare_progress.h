#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "evaluate/contestant.h"

namespace sotto::evaluate {

/// What all contestants did in one utterance.
struct HeardUtterance {
  std::string id = {};
  std::string reference = {};
  std::size_t n_samples = 0;
  std::vector<Turn> turns = {};  ///< [contestant]
};

/// Finished utterances in a file, a line of JSON each behind a line that says what was compared, so that a
/// comparison that was killed goes on. A line that was cut off is dropped.
class CompareProgress {
 public:
  /// Reads what `path` holds, or begins it; no path: nothing is kept. Throws Error(invalid_argument) for a
  /// file of other models or settings, (bad_format) for one that is something else, (io).
  CompareProgress(std::filesystem::path path,
                  const std::vector<std::filesystem::path>& models,
                  const std::string& settings);

  const std::vector<HeardUtterance>& done() const { return done_; }
  /// Throws Error(io).
  void add(const HeardUtterance& utterance);

 private:
  void read(const std::string& header, std::size_t n_models);

  std::filesystem::path path_;
  std::vector<HeardUtterance> done_;
  std::ofstream file_;
};

}  // namespace sotto::evaluate
