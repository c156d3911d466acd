#pragma once

#include <memory>

#include "sotto/data_set.h"
#include "sotto/model.h"
#include "sotto/recipe.h"

namespace sotto {

/// Calibration speech as the options name it. Refuses what can be refused before a model is read: no speech,
/// options out of range.
std::unique_ptr<evaluate::SpeechStream> open_calibration(const CalibrateWhisperOptions& options);

/// calibrate_whisper() for a model in memory and speech that open_calibration() gave. The instrumented graphs
/// and their compiled forms are gone when this returns.
quantize::StatisticsSet calibrate(const model::WhisperModel& fp,
                                  evaluate::SpeechStream& speech,
                                  const CalibrateWhisperOptions& options,
                                  const Progress& progress);

/// Reads an IR directory or builds from a checkpoint.
model::WhisperModel read_whisper(const std::filesystem::path& model, const Progress& progress);

}  // namespace sotto
