#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sotto/evaluate.h"

namespace sotto::evaluate {

/// Where a comparison keeps the utterances it has finished.
struct ResumeOptions {
  std::filesystem::path file = {};  ///< begun where it is not there, gone on with where it is; empty: none
  std::string settings = {};        ///< how it runs, in any words: a file of other settings is refused
};

/// compare() that goes on with what an earlier one with the same models, speech and settings left in a file
/// when it was stopped or killed. Figures of time are of both runs. The file stays when all is done.
/// Throws what compare() does, and Error(invalid_argument) for a file of other models, settings or speech,
/// (bad_format) for one that is something else, (io).
Comparison compare(const std::vector<std::filesystem::path>& models,
                   SpeechStream& speech,
                   const CompareOptions& options,
                   const ResumeOptions& resume,
                   const Progress& progress = {});

}  // namespace sotto::evaluate
