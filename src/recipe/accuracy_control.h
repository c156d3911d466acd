#pragma once

#include <map>
#include <memory>
#include <string>

#include "recipe/quantize_part.h"
#include "sotto/data_set.h"
#include "sotto/model.h"
#include "sotto/recipe.h"

namespace sotto {

/// What both parts of a model are quantized with.
struct QuantizePlan {
  const QuantizeWhisperOptions& options;
  const quantize::StatisticsSet& statistics;
  PartFormat encoder_format = PartFormat::int8;  ///< never automatic
  PartFormat decoder_format = PartFormat::int8;
  std::map<std::string, quantize::Replay> replays = {};  ///< by part, for full bias correction
};

/// One part of a plan: its options with some layers left in floating point, and its statistics.
struct PlannedPart {
  PartFormat format = PartFormat::fp;
  quantize::QuantizeOptions options;
  quantize::CompressWeightsOptions weights;
  const quantize::Statistics* statistics = nullptr;
  quantize::Replay replay = {};
};
PlannedPart planned_part(const QuantizePlan& plan,
                         const std::string& part,
                         const std::vector<std::string>& kept_names);

/// Speech that accuracy is measured on. Refuses what can be refused before a model is read: neither test nor
/// calibration speech, a bound out of range.
std::unique_ptr<evaluate::SpeechStream> open_test(const QuantizeWhisperOptions& options);

/// Finds which layers stay in floating point. Quantizes as `plan` says, again for each model that is
/// measured; calibration is not repeated.
AccuracyControlReport control_accuracy(const model::WhisperModel& fp,
                                       const QuantizePlan& plan,
                                       evaluate::SpeechStream& speech,
                                       const Progress& progress);

/// Notes in a part's graph what was kept in floating point, and reports it as a step of each such layer.
void note_kept_layers(const AccuracyControlReport& report,
                      const std::string& part,
                      quantize::QuantizeResult& result);

}  // namespace sotto
