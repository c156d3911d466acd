#include "quantize/aggregate.h"

#include <vector>

#include <gtest/gtest.h>

namespace sotto::quantize {
namespace {

const std::vector<float> kValues = {4, 1, 100, 2, 3};

TEST(Quantile, InterpolatesBetweenNeighbours) {
  EXPECT_FLOAT_EQ(quantile({1, 2, 3, 4}, 0.5), 2.5F);
  EXPECT_FLOAT_EQ(quantile({5, 1}, 0.1), 1.4F);
  EXPECT_FLOAT_EQ(quantile({7}, 0.3), 7);
}

TEST(Aggregate, OfSamples) {
  EXPECT_FLOAT_EQ(aggregate(kValues, Aggregator::minimum, 0), 1);
  EXPECT_FLOAT_EQ(aggregate(kValues, Aggregator::maximum, 0), 100);
  EXPECT_FLOAT_EQ(aggregate(kValues, Aggregator::mean, 0), 22);
  EXPECT_FLOAT_EQ(aggregate(kValues, Aggregator::median, 0), 3);
}

TEST(Aggregate, LeavesOutlyingSamplesOut) {
  EXPECT_FLOAT_EQ(aggregate(kValues, Aggregator::mean_no_outliers, 0.01), 3);
  EXPECT_FLOAT_EQ(aggregate(kValues, Aggregator::median_no_outliers, 0.01), 3);
  EXPECT_FLOAT_EQ(aggregate({5}, Aggregator::mean_no_outliers, 0.01), 5);
}

TEST(WeightedQuantile, CountsAValueAsOftenAsItsWeightSays) {
  EXPECT_EQ(weighted_quantile({{5.0F, 1.0}, {1.0F, 8.0}, {-2.0F, 1.0}}, 0.5), 1.0F);
  EXPECT_EQ(weighted_quantile({{5.0F, 1.0}, {1.0F, 8.0}, {-2.0F, 1.0}}, 0.0), -2.0F);
  EXPECT_EQ(weighted_quantile({{5.0F, 1.0}, {1.0F, 8.0}, {-2.0F, 1.0}}, 0.95), 5.0F);
  EXPECT_EQ(weighted_quantile({{5.0F, 8.0}, {1.0F, 1.0}}, 0.2), 5.0F);
}

}  // namespace
}  // namespace sotto::quantize
