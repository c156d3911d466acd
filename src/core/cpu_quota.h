#pragma once

#include <filesystem>
#include <optional>

namespace sotto {

/// Processors' worth of time that this process's control groups grant it, at least 1, rounded up; none where
/// nothing limits it. A container with `--cpus 2` on a machine of 64 cores sees 64 cores and gets the time of
/// two: more threads than that only wait for each other.
///
/// Reads cpu.max (cgroup v2) and cpu.cfs_quota_us (v1) of the process's group and of every group above it,
/// under `root`; the smallest counts. What cannot be read limits nothing. Source: the kernel's
/// Documentation/admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst.
std::optional<int> cpu_quota(const std::filesystem::path& root = "/");

}  // namespace sotto
