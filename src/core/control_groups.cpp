#include "core/control_groups.h"

#include <fstream>
#include <string>

namespace sotto {
namespace fs = std::filesystem;
namespace {

bool names(const std::string& controllers, std::string_view controller) {
  return ("," + controllers + ",").find("," + std::string(controller) + ",") != std::string::npos;
}

/// The group at `path` below `mount` and those above it.
void add_with_parents(const fs::path& mount,
                      const std::string& path,
                      bool is_v2,
                      std::vector<ControlGroup>& out) {
  fs::path below = fs::path(path).relative_path().lexically_normal();
  while (!below.empty() && below != ".") {
    out.push_back({mount / below, is_v2});
    below = below.parent_path();
  }
  out.push_back({mount, is_v2});
}

}  // namespace

/// Lines of /proc/self/cgroup: "0::/path" for v2, "4:cpu,cpuacct:/path" for v1.
std::vector<ControlGroup> control_groups(std::string_view controller, const fs::path& root) {
  std::vector<ControlGroup> found;
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
      add_with_parents(mount, path, true, found);
      add_with_parents(mount / "unified", path, true, found);
    } else if (names(controllers, controller)) {
      add_with_parents(mount / controllers, path, false, found);
      add_with_parents(mount / controller, path, false, found);
    }
  }
  return found;
}

}  // namespace sotto
