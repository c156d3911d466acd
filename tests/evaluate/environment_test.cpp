#include <algorithm>

#include <gtest/gtest.h>

#include "sotto/evaluate.h"

namespace sotto::evaluate {
namespace {

TEST(Environment, NamesVersionsAndCores) {
  const Environment e = environment();
  EXPECT_EQ(e.sotto_version.find_first_not_of("0123456789."), std::string::npos) << e.sotto_version;
  EXPECT_TRUE(e.openvino_version.starts_with("20")) << e.openvino_version;
  EXPECT_GE(e.n_cores, 1U);
}

TEST(Devices, HoldTheProcessor) {
  const auto found = devices();
  const auto cpu = std::find_if(found.begin(), found.end(), [](const Device& d) { return d.name == "CPU"; });
  ASSERT_NE(cpu, found.end());
  EXPECT_FALSE(cpu->full_name.empty());
  EXPECT_NE(std::find(cpu->capabilities.begin(), cpu->capabilities.end(), "INT8"), cpu->capabilities.end());
}

}  // namespace
}  // namespace sotto::evaluate
