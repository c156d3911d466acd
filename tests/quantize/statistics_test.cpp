#include "quantize/statistics.h"

#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quantize/graphs.h"
#include "quantize/sample_store.h"
#include "support/expect_error.h"

namespace sotto::quantize {
namespace {

using sotto::test::expect_error;
using testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Site site(Site::Keep keep, std::size_t n_channels = 2) {
  return {"layer", 0, 2, n_channels, keep};
}

std::vector<std::vector<float>> samples(const Statistics::Impl& statistics) {
  std::vector<std::vector<float>> rows;
  statistics.for_each_sample(statistics.sites[0],
                             [&](std::span<const float> min, std::span<const float> max) {
                               rows.emplace_back(min.begin(), min.end());
                               rows.back().insert(rows.back().end(), max.begin(), max.end());
                             });
  return rows;
}

TEST(Statistics, KeepsTheExtremesOfEachSampleAndRunningMeans) {
  Statistics::Impl s(0, {site(Site::Keep::channels)});
  s.add(0, std::vector<float>{-1, 2, 3, 4, 0, 3});
  s.add(0, std::vector<float>{-5, 6, -5, 6, -5, 6});  // one token: minima are maxima
  EXPECT_THAT(samples(s), ElementsAre(ElementsAre(-1, 2, 3, 4), ElementsAre(-5, 6, -5, 6)));
  EXPECT_THAT(s.sites[0].min, ElementsAre(-5, 2));
  EXPECT_THAT(s.sites[0].max, ElementsAre(3, 6));
  EXPECT_THAT(s.sites[0].mean(), ElementsAre(-2.5, 4.5));
}

TEST(Statistics, ReducesChannelsWhereOnlyTheTensorIsKept) {
  Statistics::Impl s(0, {site(Site::Keep::tensor)});
  s.add(0, std::vector<float>{-1, 2, 3, 4, 0, 3});
  EXPECT_THAT(samples(s), ElementsAre(ElementsAre(-1, 4)));
}

TEST(Statistics, SkipsASampleOfAnEmptyTensor) {
  Statistics::Impl s(0, {site(Site::Keep::channels)});
  s.add(0, std::vector<float>{kInfinity, kInfinity, -kInfinity, -kInfinity, 0, 0});
  EXPECT_EQ(s.sites[0].n_samples, 0U);
  EXPECT_THAT(samples(s), testing::IsEmpty());
}

TEST(Statistics, CountsARepeatedSampleWithoutStoringItAgain) {
  Statistics::Impl s(0, {site(Site::Keep::channels)});
  for (int i = 0; i < 3; ++i) {
    s.add(0, std::vector<float>{-1, 2, 3, 4, 0, 3});
  }
  EXPECT_EQ(samples(s).size(), 3U);
  EXPECT_EQ(s.sites[0].rows[0].offset, s.sites[0].rows[2].offset);
}

TEST(Statistics, RefusesValuesThatAreNotFinite) {
  Statistics::Impl s(0, {site(Site::Keep::channels)});
  expect_error([&] { s.add(0, std::vector<float>{0, 0, 0, 0, 0, std::nanf("")}); }, ErrorCode::bad_format,
               "layer");
  expect_error([&] { s.add(0, std::vector<float>{0, 0, 0, kInfinity, 0, kInfinity}); }, ErrorCode::bad_format,
               "channel 1");
}

TEST(SampleStore, ReadsBackWhatItMovedToDisk) {
  SampleStore store(100 * sizeof(float));
  std::vector<SampleStore::Row> rows;
  for (std::size_t i = 0; i < 50; ++i) {
    rows.push_back(store.append(std::vector<float>(7, static_cast<float>(i))));
  }
  EXPECT_LE(store.memory_bytes(), 2 * 100 * sizeof(float));
  std::vector<float> row;
  for (const std::size_t i : {0U, 49U, 13U, 14U, 27U}) {
    store.read(rows[i], row);
    EXPECT_EQ(row, std::vector<float>(7, static_cast<float>(i)));
  }
}

}  // namespace
}  // namespace sotto::quantize
