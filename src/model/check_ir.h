#pragma once

#include <filesystem>

namespace sotto::model {

/// Refuses what OpenVINO's reader (2026.4.1) takes on trust: a file that does not begin as an IR's XML of
/// version 10 or 11, which it would hand to the readers of other frameworks, and a state (ReadValue, Assign)
/// without variable_id in its data, where it reads through a null pointer. Throws Error(bad_format) naming
/// the file and the layer.
void check_ir(const std::filesystem::path& xml);

}  // namespace sotto::model
