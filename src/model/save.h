#pragma once

#include <filesystem>
#include <optional>

#include "sotto/model.h"

namespace sotto::model {

/// save() (sotto/model.h) with weights of `format`; without one they stay as they are.
void save_as(const WhisperModel& model,
             const std::filesystem::path& directory,
             std::optional<WeightFormat> format);

/// Throws what save() would of a directory that holds other files or cannot be written: to be asked before
/// long work. Writes nothing that stays.
void expect_writable(const WhisperModel& model, const std::filesystem::path& directory);

}  // namespace sotto::model
