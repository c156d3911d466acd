#pragma once

#include <vector>

#include "recipe/quantize_part.h"
#include "sotto/model.h"

namespace sotto {

/// Runs the model with both parts as fp, int8_weights and int8 in turn over noise, on the device and with the
/// precision of `session`, a few windows and steps each.
std::vector<FormatTrial> try_formats(const model::WhisperModel& fp,
                                     const PartInput& encoder,
                                     const PartInput& decoder,
                                     const transcribe::SessionOptions& session,
                                     const Progress& progress);

/// The format with the least of `time`; the earlier one where equal.
PartFormat fastest(const std::vector<FormatTrial>& trials, double FormatTrial::* time);

}  // namespace sotto
