#pragma once

#include <cstdint>
#include <optional>

namespace sotto::evaluate {

/// Resident bytes of this process as Linux counts them.
struct ProcessMemory {
  std::uint64_t now_bytes = 0;
  std::uint64_t peak_bytes = 0;  ///< since it began, or since reset_peak_memory()
};
/// nullopt where the system does not tell.
std::optional<ProcessMemory> process_memory();

/// Hands freed memory back and begins a new peak; false where the system cannot.
bool reset_peak_memory();

}  // namespace sotto::evaluate
