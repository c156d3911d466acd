#pragma once

#include "sotto/model.h"
#include "sotto/recipe.h"

namespace sotto {

/// calibrate_whisper() for a model in memory. The instrumented graphs and their compiled forms are gone when
/// this returns.
quantize::StatisticsSet calibrate(const model::WhisperModel& fp,
                                  const CalibrateWhisperOptions& options,
                                  const Progress& progress);

/// Refuses what can be refused before a model is read: no speech, options out of range.
void validate_calibration(const std::filesystem::path& calibration,
                          std::size_t samples,
                          const transcribe::TranscribeOptions& options);

/// Reads an IR directory or builds from a checkpoint.
model::WhisperModel read_whisper(const std::filesystem::path& model, const Progress& progress);

}  // namespace sotto
