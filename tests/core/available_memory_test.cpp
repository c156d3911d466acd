#include "core/available_memory.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "support/temp_dir.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;

class AvailableMemory : public ::testing::Test {
 protected:
  void put(const std::string& path, const std::string& content) {
    const fs::path file = root_.path() / path;
    fs::create_directories(file.parent_path());
    test::write_file(file, content);
  }
  std::optional<std::uint64_t> available() const { return available_memory_bytes(root_.path()); }

 private:
  test::TempDir root_;
};

TEST_F(AvailableMemory, IsUnknownWhereNothingTellsIt) {
  EXPECT_EQ(available(), std::nullopt);
  put("proc/meminfo", "MemTotal:  8000 kB\n");
  EXPECT_EQ(available(), std::nullopt);
}

TEST_F(AvailableMemory, IsWhatTheKernelSays) {
  put("proc/meminfo", "MemTotal:        8000 kB\nMemFree:  10 kB\nMemAvailable:    4000 kB\n");
  EXPECT_EQ(available(), 4000U * 1024);
}

TEST_F(AvailableMemory, IsWhatAGroupHasLeftWithItsUnusedCache) {
  put("proc/meminfo", "MemAvailable:    4000 kB\n");
  put("proc/self/cgroup", "0::/a.slice/b.scope\n");
  put("sys/fs/cgroup/a.slice/b.scope/memory.max", "max\n");
  put("sys/fs/cgroup/a.slice/b.scope/memory.current", "900000\n");
  put("sys/fs/cgroup/a.slice/memory.max", "1000000\n");
  put("sys/fs/cgroup/a.slice/memory.current", "900000\n");
  put("sys/fs/cgroup/a.slice/memory.stat", "anon 1\nactive_file 5\ninactive_file 300000\n");
  EXPECT_EQ(available(), 400000U);
  put("sys/fs/cgroup/a.slice/memory.max", "500000\n");
  EXPECT_EQ(available(), 0U);
}

TEST_F(AvailableMemory, ReadsGroupsOfTheFirstVersionWithoutALimit) {
  put("proc/meminfo", "MemAvailable:    4000 kB\n");
  put("proc/self/cgroup", "4:memory:/docker/0123abcd\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000\n");
  EXPECT_EQ(available(), 4000U * 1024);
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "5000\n");
  put("sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 600\n");
  EXPECT_EQ(available(), 4600U);
}

}  // namespace
}  // namespace sotto
