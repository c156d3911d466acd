#include "support/peak_memory.h"

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sotto::test {
namespace {

TEST(PeakMemory, CountsWhatIsHeldAtOnce) {
  const auto before = std::make_unique<std::vector<char>>(5000);
  const PeakMemory peak;
  for (int i = 0; i < 3; ++i) {
    const std::vector<char> some(100'000);
    EXPECT_EQ(some.back(), '\0');
  }
  EXPECT_GE(peak.bytes(), 100'000U);
  EXPECT_LT(peak.bytes(), 110'000U);
  std::string text(300'000, 'x');
  text.resize(300'001);
  EXPECT_GE(peak.bytes(), 400'000U);
}

TEST(PeakMemory, CountsOtherWaysToTakeMemory) {
  const PeakMemory peak;
  void* block = std::calloc(10, 1000);
  block = std::realloc(block, 50'000);
  EXPECT_GE(peak.bytes(), 50'000U);
  EXPECT_LT(peak.bytes(), 70'000U);
  std::free(block);
#if !defined(__SANITIZE_THREAD__)  // GCC 12's tells nobody of aligned memory
  void* aligned = std::aligned_alloc(64, 64'000);
  *static_cast<volatile char*>(aligned) = 1;
  EXPECT_GE(peak.bytes(), 64'000U);
  std::free(aligned);
  EXPECT_LT(peak.bytes(), 80'000U);
#endif
}

}  // namespace
}  // namespace sotto::test
