#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace sotto {

/// Bytes that this process can still take without swapping: what the kernel says is available, or less where
/// one of its control groups (a container's --memory) has less left. None where /proc tells nothing.
///
/// A group's page cache that nobody used lately counts as free, as the kernel takes it back first. Source:
/// the kernel's Documentation/filesystems/proc.rst (MemAvailable) and admin-guide/cgroup-v2.rst.
std::optional<std::uint64_t> available_memory_bytes(const std::filesystem::path& root = "/");

}  // namespace sotto
