#include "core/cpu_quota.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include "core/control_groups.h"

namespace sotto {
namespace fs = std::filesystem;
namespace {

constexpr double kMaxProcessors = 1 << 20;

std::optional<double> ratio(double quota_us, double period_us) {
  const bool is_limit = quota_us > 0.0 && period_us > 0.0;
  return is_limit ? std::optional(quota_us / period_us) : std::nullopt;
}

/// "200000 100000" is two processors; "max 100000" no limit.
std::optional<double> v2_limit(const fs::path& directory) {
  std::ifstream in(directory / "cpu.max");
  double quota_us = 0.0;
  double period_us = 0.0;
  return in >> quota_us >> period_us ? ratio(quota_us, period_us) : std::nullopt;
}

/// A quota of -1 is no limit.
std::optional<double> v1_limit(const fs::path& directory) {
  std::ifstream quota(directory / "cpu.cfs_quota_us");
  std::ifstream period(directory / "cpu.cfs_period_us");
  double quota_us = 0.0;
  double period_us = 0.0;
  return quota >> quota_us && period >> period_us ? ratio(quota_us, period_us) : std::nullopt;
}

}  // namespace

std::optional<int> cpu_quota(const fs::path& root) {
  std::optional<double> least;
  for (const ControlGroup& group : control_groups("cpu", root)) {
    const auto limit = group.is_v2 ? v2_limit(group.directory) : v1_limit(group.directory);
    if (limit && (!least || *limit < *least)) {
      least = limit;
    }
  }
  if (!least) {
    return std::nullopt;
  }
  return static_cast<int>(std::ceil(std::clamp(*least, 1.0, kMaxProcessors)));
}

}  // namespace sotto
