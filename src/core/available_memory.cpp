#include "core/available_memory.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "core/control_groups.h"

namespace sotto {
namespace fs = std::filesystem;
namespace {

/// The number behind a name in a file of lines "NAME NUMBER ...".
std::optional<std::uint64_t> value_of(const fs::path& file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + " ") || line.starts_with(name + ":")) {
      std::istringstream rest(line.substr(name.size() + 1));
      std::uint64_t value = 0;
      return rest >> value ? std::optional(value) : std::nullopt;
    }
  }
  return std::nullopt;
}

/// The number a file holds; none for "max" and where there is no such file.
std::optional<std::uint64_t> number_in(const fs::path& file) {
  std::ifstream in(file);
  std::uint64_t value = 0;
  return in >> value ? std::optional(value) : std::nullopt;
}

/// What a group has left of its limit; none where it has no limit.
std::optional<std::uint64_t> left_of(const ControlGroup& group) {
  const fs::path& directory = group.directory;
  const auto limit = number_in(directory / (group.is_v2 ? "memory.max" : "memory.limit_in_bytes"));
  const auto used = number_in(directory / (group.is_v2 ? "memory.current" : "memory.usage_in_bytes"));
  if (!limit || !used) {
    return std::nullopt;
  }
  const std::uint64_t cache =
      value_of(directory / "memory.stat", group.is_v2 ? "inactive_file" : "total_inactive_file").value_or(0);
  const std::uint64_t kept = *used - std::min(*used, cache);
  return *limit - std::min(*limit, kept);
}

}  // namespace

std::optional<std::uint64_t> available_memory_bytes(const fs::path& root) {
  auto least = value_of(root / "proc/meminfo", "MemAvailable");
  if (least) {
    *least *= 1024;
  }
  for (const ControlGroup& group : control_groups("memory", root)) {
    const auto left = left_of(group);
    if (left && (!least || *left < *least)) {
      least = left;
    }
  }
  return least;
}

}  // namespace sotto
