#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

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

StatisticsSet set_of(std::size_t n_inferences) {
  static const auto encoder = test::mlp(1);
  static const auto decoder = test::mlp(2);
  StatisticsSet set;
  set.parts["encoder"] = test::calibrate(encoder, test::mlp_inputs(n_inferences));
  set.parts["decoder"] = test::calibrate(decoder, test::mlp_inputs(n_inferences));
  set.inputs = {"one", "two"};
  set.inputs_s = 2.5;
  set.settings = "language en";
  set.inference_precision = "bf16";
  return set;
}

TEST(StatisticsSet, KeepsPartsAndWhatTheyWereTakenFrom) {
  const TempDir dir;
  set_of(2).save(dir / "set.bin");
  const StatisticsSet loaded = StatisticsSet::load(dir / "set.bin");
  EXPECT_EQ(loaded.inputs, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(loaded.inputs_s, 2.5);
  EXPECT_EQ(loaded.settings, "language en");
  EXPECT_EQ(loaded.inference_precision, "bf16");
  ASSERT_EQ(loaded.parts.size(), 2U);
  EXPECT_EQ(loaded.parts.at("encoder").n_samples(), 2U);
  loaded.save(dir / "again.bin");
  EXPECT_EQ(read_file(dir / "again.bin"), read_file(dir / "set.bin"));
  expect_error([&] { Statistics::load(dir / "set.bin"); }, ErrorCode::bad_format, "found those of 2");
}

TEST(StatisticsSet, MergesAllPartsOrNone) {
  StatisticsSet set;
  set.merge(set_of(2));
  set.merge(set_of(3));
  EXPECT_EQ(set.parts.at("decoder").n_samples(), 5U);
  EXPECT_EQ(set.inputs.size(), 4U);
  EXPECT_EQ(set.inputs_s, 5.0);
  StatisticsSet other = set_of(1);
  other.inference_precision = "f32";
  expect_error([&] { set.merge(other); }, ErrorCode::invalid_argument,
               "expected statistics observed in bf16, found some in f32");
  other.inference_precision = "bf16";
  other.parts["encoder"] = test::calibrate(test::mlp(7), test::mlp_inputs(1));
  expect_error([&] { set.merge(other); }, ErrorCode::invalid_argument, "same model");
  EXPECT_EQ(set.parts.at("decoder").n_samples(), 5U);
  other.parts.erase("encoder");
  expect_error([&] { set.merge(other); }, ErrorCode::invalid_argument, "same parts");
}

TEST(StatisticsSet, LeavesNoFileWhereTheDiskIsFull) {
  const TempDir dir;
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{.rlim_cur = 1000, .rlim_max = limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string found;
  try {
    set_of(2).save(dir / "set.bin");
  } catch (const Error& e) {
    found = e.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, old);
  EXPECT_THAT(found, testing::HasSubstr("set.bin: writing failed"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(StatisticsSet, DoesNotTakeThePlaceOfAPipe) {
  const TempDir dir;
  const auto pipe = dir / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_error([&] { set_of(2).save(pipe); }, ErrorCode::io, "found a device or a pipe");
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

TEST(Summary, NamesTheChannelsThatStandOut) {
  const auto model = test::mlp();
  auto inputs = test::mlp_inputs(2);
  const std::vector<TensorSummary> plain = summarize(test::calibrate(model, inputs));
  ASSERT_FALSE(plain.empty());
  EXPECT_EQ(plain[0].outlier_channels, (std::vector<std::size_t>{2}));
  auto* values = inputs[1].data<float>();
  values[3] = -400.0F;
  values[5] = 100.0F;
  const TensorSummary tensor = summarize(test::calibrate(model, inputs)).at(0);
  EXPECT_EQ(tensor.outlier_channels, (std::vector<std::size_t>{3, 5, 2}));
  EXPECT_EQ(tensor.channel_magnitude[3], 400.0F);
  EXPECT_EQ(tensor.min, -400.0F);
  EXPECT_EQ(tensor.max, 100.0F);
  EXPECT_EQ(tensor.n_samples, 2U);
  EXPECT_TRUE(summarize(Statistics()).empty());
}

}  // namespace
}  // namespace sotto::quantize
