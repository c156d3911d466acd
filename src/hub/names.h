#pragma once

#include <string>
#include <string_view>

namespace sotto::hub {

/// Throws Error(invalid_argument) unless `name` is "org/name" as hubs allow it (huggingface_hub 2.4.0,
/// utils/_validators.py): letters, digits, "-", "_", "."; neither "--" nor "..".
void check_repository(std::string_view name);

/// Throws Error(invalid_argument) unless `revision` is a branch, tag or commit that can name a file in refs.
void check_revision(std::string_view revision);

/// True for a relative path of plain components that stays inside its directory: what a server may name.
bool is_safe_path(std::string_view path);

/// ", nearest names: a, b, c" of the plain and hub names that sotto knows, or "" if none is near.
std::string nearest_names_hint(std::string_view name);

}  // namespace sotto::hub
