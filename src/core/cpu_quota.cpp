#include "core/cpu_quota.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

namespace sotto {
namespace fs = std::filesystem;
namespace {

constexpr double kMaxProcessors = 1 << 20;

/// A controller's hierarchy and this process's place in it.
struct Group {
  fs::path mount;
  std::string path;
  bool is_v2 = false;
};

bool names_cpu(const std::string& controllers) {
  return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

/// Lines of /proc/self/cgroup: "0::/path" for v2, "4:cpu,cpuacct:/path" for v1.
std::vector<Group> groups(const fs::path& root) {
  std::vector<Group> found;
  const fs::path mount = root / "sys/fs/cgroup";
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      found.push_back({mount, path, true});
      found.push_back({mount / "unified", path, true});
    } else if (names_cpu(controllers)) {
      found.push_back({mount / controllers, path, false});
      found.push_back({mount / "cpu", path, false});
    }
  }
  return found;
}

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

/// The smallest limit from the group's own directory up to the mount. Inside a container the path may be the
/// host's and lead nowhere; the mount itself is then the container's group.
std::optional<double> group_limit(const Group& group) {
  std::optional<double> least;
  fs::path path = fs::path(group.path).relative_path().lexically_normal();
  while (true) {
    const fs::path directory = group.mount / path;
    const auto limit = group.is_v2 ? v2_limit(directory) : v1_limit(directory);
    if (limit && (!least || *limit < *least)) {
      least = limit;
    }
    if (path.empty() || path == ".") {
      return least;
    }
    path = path.parent_path();
  }
}

}  // namespace

std::optional<int> cpu_quota(const fs::path& root) {
  std::optional<double> least;
  for (const Group& group : groups(root)) {
    const auto limit = group_limit(group);
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
