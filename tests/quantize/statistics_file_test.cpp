#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quantize/graphs.h"
#include "sotto/quantize.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::quantize {
namespace {

using sotto::test::expect_error;
using sotto::test::read_file;
using sotto::test::TempDir;
using sotto::test::write_file;

/// Everything quantization decided, as text.
std::string result_of(const std::shared_ptr<ov::Model>& model, const Statistics& statistics) {
  const QuantizeResult result = quantize(model, statistics);
  std::string text;
  for (const auto& node : result.model->get_ordered_ops()) {
    text += node->get_friendly_name() + ":";
    if (const auto constant = std::dynamic_pointer_cast<test::op::Constant>(node)) {
      for (const float value : constant->cast_vector<float>()) {
        text += std::to_string(value) + " ";
      }
    }
  }
  return text;
}

TEST(StatisticsFile, GivesBackWhatWasSaved) {
  const TempDir dir;
  const auto model = test::mlp();
  const Statistics statistics = test::calibrate(model, test::mlp_inputs(5));
  statistics.save(dir / "stats.bin");
  const Statistics loaded = Statistics::load(dir / "stats.bin");
  EXPECT_EQ(loaded.n_samples(), 5U);
  EXPECT_EQ(result_of(model, loaded), result_of(model, statistics));
  loaded.save(dir / "again.bin");
  EXPECT_EQ(read_file(dir / "again.bin"), read_file(dir / "stats.bin"));
}

TEST(StatisticsFile, MergedIsWhatOnePassOverBothWouldHaveTaken) {
  const TempDir dir;
  const auto model = test::mlp();
  const auto inputs = test::mlp_inputs(7);
  Statistics first = test::calibrate(model, {inputs.begin(), inputs.begin() + 3});
  first.merge(test::calibrate(model, {inputs.begin() + 3, inputs.end()}));
  EXPECT_EQ(first.n_samples(), 7U);
  EXPECT_EQ(result_of(model, first), result_of(model, test::calibrate(model, inputs)));
  Statistics none;
  none.merge(first);
  EXPECT_EQ(result_of(model, none), result_of(model, first));
}

TEST(StatisticsFile, RefusesToMergeThoseOfAnotherModel) {
  Statistics a = test::calibrate(test::mlp(1), test::mlp_inputs(1));
  expect_error([&] { a.merge(test::calibrate(test::mlp(2), test::mlp_inputs(1))); },
               ErrorCode::invalid_argument, "same model");
}

TEST(StatisticsFile, RefusesAFileCutAnywhere) {
  const TempDir dir;
  test::calibrate(test::mlp(), test::mlp_inputs(2)).save(dir / "stats.bin");
  const std::string whole = read_file(dir / "stats.bin");
  for (std::size_t n = 0; n < whole.size(); n += 7) {
    write_file(dir / "cut.bin", whole.substr(0, n));
    expect_error([&] { Statistics::load(dir / "cut.bin"); }, ErrorCode::bad_format, "cut.bin");
  }
}

TEST(StatisticsFile, RefusesAFileChangedAnywhere) {
  const TempDir dir;
  test::calibrate(test::mlp(), test::mlp_inputs(2)).save(dir / "stats.bin");
  const std::string whole = read_file(dir / "stats.bin");
  for (std::size_t i = 0; i < whole.size(); i += 5) {
    std::string changed = whole;
    changed[i] = static_cast<char>(~changed[i]);
    write_file(dir / "changed.bin", changed);
    expect_error([&] { Statistics::load(dir / "changed.bin"); }, ErrorCode::bad_format, "changed.bin");
  }
}

TEST(StatisticsFile, RefusesWhatIsNotOneAndWhatCannotBeWritten) {
  const TempDir dir;
  write_file(dir / "text.bin", "these are not statistics at all");
  expect_error([&] { Statistics::load(dir / "text.bin"); }, ErrorCode::bad_format, "another kind of file");
  expect_error([&] { Statistics::load(dir / "no.bin"); }, ErrorCode::not_found, "no.bin");
  const Statistics statistics = test::calibrate(test::mlp(), test::mlp_inputs(1));
  expect_error([&] { statistics.save(dir / "no" / "stats.bin"); }, ErrorCode::io, "stats.bin");
  expect_error([&] { statistics.save("/dev/full/stats.bin"); }, ErrorCode::io, "stats.bin");
  expect_error([&] { Statistics().save(dir / "none.bin"); }, ErrorCode::invalid_argument, "found none");
}

}  // namespace
}  // namespace sotto::quantize
