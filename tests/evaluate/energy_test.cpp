#include "evaluate/energy.h"

#include <gtest/gtest.h>

#include "evaluate/process_memory.h"
#include "support/temp_dir.h"

namespace sotto::evaluate {
namespace {

void write_counter(const std::filesystem::path& package, const std::string& energy_uj) {
  std::filesystem::create_directories(package);
  test::write_file(package / "energy_uj", energy_uj);
  test::write_file(package / "max_energy_range_uj", "262143328850\n");
}

TEST(EnergyMeter, AddsPackagesUpAndLeavesTheirPartsOut) {
  const test::TempDir dir;
  write_counter(dir / "intel-rapl:0", "1000000\n");
  write_counter(dir / "intel-rapl:0:0", "1000000\n");
  write_counter(dir / "intel-rapl:1", "5000000\n");
  EnergyMeter meter(dir.path());
  EXPECT_TRUE(meter.is_available());
  meter.start();
  write_counter(dir / "intel-rapl:0", "3500000\n");
  write_counter(dir / "intel-rapl:0:0", "9000000\n");
  write_counter(dir / "intel-rapl:1", "5500000\n");
  EXPECT_DOUBLE_EQ(meter.stop().value(), 3.0);
}

TEST(EnergyMeter, CountsOnWhereACounterStartsAgain) {
  const test::TempDir dir;
  write_counter(dir / "intel-rapl:0", "262143000000\n");
  EnergyMeter meter(dir.path());
  meter.start();
  write_counter(dir / "intel-rapl:0", "671150\n");
  EXPECT_DOUBLE_EQ(meter.stop().value(), 1.0);
}

TEST(EnergyMeter, IsLeftOutWhereTheKernelHasNoCounter) {
  const test::TempDir dir;
  EnergyMeter none(dir / "missing");
  none.start();
  EXPECT_FALSE(none.is_available());
  EXPECT_FALSE(none.stop());
  write_counter(dir / "intel-rapl:0", "not a number");
  EXPECT_FALSE(EnergyMeter(dir.path()).is_available());
}

TEST(ProcessMemory, SeesWhatThisProcessTouches) {
  const auto before = process_memory();
  ASSERT_TRUE(before);
  const std::string block(64U << 20U, 'x');
  const auto after = process_memory();
  EXPECT_GT(after->now_bytes, before->now_bytes + (32U << 20U));
  EXPECT_GE(after->peak_bytes, after->now_bytes);
  EXPECT_EQ(block.back(), 'x');
}

}  // namespace
}  // namespace sotto::evaluate
