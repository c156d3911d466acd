#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace sotto {

/// A directory in which a control group tells its limits.
struct ControlGroup {
  std::filesystem::path directory;
  bool is_v2 = false;  ///< which files there are
};

/// Where the limits of this process on a controller ("cpu", "memory") may stand under `root`: in its own
/// groups and in every group above them. Inside a container the path may be the host's and lead nowhere; the
/// mount itself, which is always among them, is then the container's group. Directories need not exist.
/// Source: the kernel's Documentation/admin-guide/cgroup-v2.rst.
std::vector<ControlGroup> control_groups(std::string_view controller,
                                         const std::filesystem::path& root = "/");

}  // namespace sotto
