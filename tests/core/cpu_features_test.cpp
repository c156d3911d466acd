#include "core/cpu_features.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sotto {
namespace {

/// The first processor's flags as the kernel sees them, which leaves out those whose registers it does not
/// keep.
std::vector<std::string> flags_of_kernel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("flags")) {
      std::istringstream words(line.substr(line.find(':') + 1));
      return {std::istream_iterator<std::string>(words), {}};
    }
  }
  return {};
}

TEST(CpuFeatures, AreThoseThatTheKernelTells) {
  const std::vector<std::string> flags = flags_of_kernel();
  if (flags.empty()) {
    GTEST_SKIP() << "/proc/cpuinfo tells no flags";
  }
  std::vector<std::string> expected;
  for (const char* name :
       {"avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16"}) {
    if (std::ranges::find(flags, name) != flags.end()) {
      expected.emplace_back(name);
    }
  }
  EXPECT_EQ(cpu_features(), expected);
}

}  // namespace
}  // namespace sotto
