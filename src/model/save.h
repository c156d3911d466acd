#pragma once

#include <filesystem>
#include <optional>

#include "sotto/model.h"

namespace sotto::model {

/// save() (sotto/model.h) with weights of `format`; without one they stay as they are.
void save_as(const WhisperModel& model,
             const std::filesystem::path& directory,
             std::optional<WeightFormat> format);

}  // namespace sotto::model
