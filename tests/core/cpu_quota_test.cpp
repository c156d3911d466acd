#include "core/cpu_quota.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "support/temp_dir.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;

class CpuQuota : public ::testing::Test {
 protected:
  void put(const std::string& path, const std::string& content) {
    const fs::path file = root_.path() / path;
    fs::create_directories(file.parent_path());
    test::write_file(file, content);
  }
  std::optional<int> quota() const { return cpu_quota(root_.path()); }

 private:
  test::TempDir root_;
};

TEST_F(CpuQuota, IsNoneWithoutControlGroups) {
  EXPECT_EQ(quota(), std::nullopt);
}

TEST_F(CpuQuota, ReadsTheContainersOwnGroup) {
  put("proc/self/cgroup", "0::/\n");
  put("sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(quota(), 2);
}

TEST_F(CpuQuota, RoundsUpAndIsAtLeastOne) {
  put("proc/self/cgroup", "0::/\n");
  put("sys/fs/cgroup/cpu.max", "250000 100000\n");
  EXPECT_EQ(quota(), 3);
  put("sys/fs/cgroup/cpu.max", "1000 100000\n");
  EXPECT_EQ(quota(), 1);
}

TEST_F(CpuQuota, TakesTheSmallestOnTheWayUp) {
  put("proc/self/cgroup", "0::/a.slice/b.scope\n");
  put("sys/fs/cgroup/a.slice/b.scope/cpu.max", "max 100000\n");
  put("sys/fs/cgroup/a.slice/cpu.max", "300000 100000\n");
  EXPECT_EQ(quota(), 3);
  put("sys/fs/cgroup/a.slice/b.scope/cpu.max", "150000 50000\n");
  put("sys/fs/cgroup/a.slice/cpu.max", "400000 100000\n");
  EXPECT_EQ(quota(), 3);
}

TEST_F(CpuQuota, ReadsTheMountWhereThePathIsTheHosts) {
  put("proc/self/cgroup", "4:cpu,cpuacct:/docker/0123abcd\n3:cpuset:/docker/0123abcd\n");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "400000\n");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 4);
}

TEST_F(CpuQuota, IsNoneWhereNothingLimits) {
  put("proc/self/cgroup", "1:cpu:/\n0::/\n");
  put("sys/fs/cgroup/cpu.max", "max 100000\n");
  put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST_F(CpuQuota, IgnoresWhatItCannotRead) {
  put("proc/self/cgroup", "nonsense\n:\n1:cpu\n0::../../..\n1:cpu:/x\n");
  for (const char* content : {"", "100000", "a b", "0 100000", "100000 0", "-5 100000", "nan nan"}) {
    put("sys/fs/cgroup/cpu.max", content);
    EXPECT_EQ(quota(), std::nullopt) << content;
  }
}

}  // namespace
}  // namespace sotto
