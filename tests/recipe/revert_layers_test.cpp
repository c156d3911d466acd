#include "recipe/revert_layers.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sotto {
namespace {

/// A model whose layers each cost so many points while quantized; nothing else does.
struct Costs {
  std::vector<double> points;
  bool is_shown = true;
  double base = 0.0;  ///< that no layer gives back
  std::size_t n_measured = 0;

  RevertResult revert(RevertOptions options) {
    options.n_layers = points.size();
    return revert_layers(options, [this](const LayerSet& reverted) {
      ++n_measured;
      double drop = base;
      for (std::size_t i = 0; i < points.size(); ++i) {
        drop += reverted.contains(i) ? 0.0 : points[i];
      }
      return RevertTrial{reverted,
                         100.0 - drop,
                         {.points = drop, .interval = {}, .is_shown = is_shown, .n_utterances_to_show = {}}};
    });
  }
};

RevertOptions bound(double max_drop) {
  return {.n_layers = 0, .max_drop = max_drop, .ignore_noise = true, .max_num_iterations = 0};
}

TEST(RevertLayers, LeavesAModelWithinTheBoundAsItIs) {
  Costs costs{.points = {0.1, 0.1}};
  const RevertResult result = costs.revert(bound(0.3));
  EXPECT_EQ(result.outcome, AccuracyOutcome::within);
  EXPECT_TRUE(result.reverted().empty());
  EXPECT_EQ(result.path.size(), 1U);
  EXPECT_EQ(result.n_iterations, 1U);
  EXPECT_EQ(costs.n_measured, 1U);
}

TEST(RevertLayers, FindsTheFewWhereverTheRankingHasThem) {
  Costs costs{.points = std::vector<double>(40, 0.0)};
  costs.points[2] = 1.5;
  costs.points[11] = 0.7;
  const RevertResult result = costs.revert(bound(0.3));
  EXPECT_EQ(result.outcome, AccuracyOutcome::within);
  EXPECT_EQ(result.reverted(), (LayerSet{2, 11}));
  ASSERT_EQ(result.drop_without.size(), 2U);
  EXPECT_DOUBLE_EQ(result.drop_without[0].value(), 1.5);
  EXPECT_DOUBLE_EQ(result.drop_without[1].value(), 0.7);
  EXPECT_LT(costs.n_measured, 25U);
  EXPECT_EQ(result.n_iterations, costs.n_measured);
  ASSERT_EQ(result.path.size(), 3U);
  EXPECT_DOUBLE_EQ(result.path[0].drop.points, 2.2);
  EXPECT_DOUBLE_EQ(result.path[1].drop.points, 0.7);
  EXPECT_DOUBLE_EQ(result.path[2].drop.points, 0.0);
}

TEST(RevertLayers, OneLayerIsFoundWithTwoMeasurements) {
  Costs costs{.points = {1.0, 0.0, 0.0}};
  const RevertResult result = costs.revert(bound(0.3));
  EXPECT_EQ(result.reverted(), LayerSet{0});
  EXPECT_DOUBLE_EQ(result.drop_without[0].value(), 1.0);
  EXPECT_EQ(costs.n_measured, 2U);
}

TEST(RevertLayers, KeepsNoLayerThatCouldBeQuantized) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    Costs costs{.points = std::vector<double>(1 + random() % 30)};
    std::ranges::generate(
        costs.points, [&] { return random() % 3 == 0 ? 0.01 * static_cast<double>(random() % 100) : 0.0; });
    const RevertResult result = costs.revert(bound(0.25));
    EXPECT_EQ(result.outcome, AccuracyOutcome::within);
    const double drop = result.path.back().drop.points;
    EXPECT_LE(drop, 0.25);
    for (const std::size_t i : result.reverted()) {
      EXPECT_GT(drop + costs.points[i], 0.25) << "layer " << i << " of round " << round;
    }
  }
}

TEST(RevertLayers, DoesNotChaseADropThatIsNotShown) {
  Costs costs{.points = {0.5, 0.1}, .is_shown = false};
  RevertResult result = costs.revert(bound(0.3));
  EXPECT_EQ(result.outcome, AccuracyOutcome::noise);
  EXPECT_TRUE(result.reverted().empty());
  RevertOptions options = bound(0.3);
  options.ignore_noise = false;
  result = costs.revert(options);
  EXPECT_EQ(result.outcome, AccuracyOutcome::within);
  EXPECT_EQ(result.reverted(), LayerSet{0});
}

TEST(RevertLayers, SaysWhereTheBoundIsOutOfReachAndTakesTheBest) {
  Costs costs{.points = {0.0, 0.4, 0.0}, .base = 1.0};
  RevertResult result = costs.revert(bound(0.3));
  EXPECT_EQ(result.outcome, AccuracyOutcome::exceeded);
  EXPECT_EQ(result.reverted(), (LayerSet{0, 1}));  // the fewest measured with the least drop
  EXPECT_DOUBLE_EQ(result.path.back().drop.points, 1.0);

  Costs none{.points = {}, .base = 1.0};
  result = none.revert(bound(0.3));
  EXPECT_EQ(result.outcome, AccuracyOutcome::exceeded);
  EXPECT_TRUE(result.reverted().empty());
}

TEST(RevertLayers, StopsAfterSoManyMeasurements) {
  Costs costs{.points = std::vector<double>(64, 0.1)};
  RevertOptions options = bound(0.0);
  options.max_num_iterations = 4;
  const RevertResult result = costs.revert(options);
  EXPECT_EQ(costs.n_measured, 4U);
  EXPECT_EQ(result.outcome, AccuracyOutcome::exceeded);
  EXPECT_EQ(result.reverted().size(), 4U);  // 0, 1, 2, 4 were tried
}

}  // namespace
}  // namespace sotto
