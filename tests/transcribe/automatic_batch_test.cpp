#include "transcribe/automatic_batch.h"

#include <gtest/gtest.h>

namespace sotto::transcribe {
namespace {

constexpr std::uint64_t kGigabyte = 1'000'000'000;

model::ModelDimensions dims_of(std::int64_t width, std::int64_t n_layers) {
  model::ModelDimensions dims;
  dims.n_audio_state = dims.n_text_state = width;
  dims.n_audio_head = dims.n_text_head = width / 64;
  dims.n_audio_layer = dims.n_text_layer = n_layers;
  dims.n_vocab = 51865;
  return dims;
}

const model::ModelDimensions kBase = dims_of(512, 6);
const model::ModelDimensions kLarge = dims_of(1280, 32);

TEST(WindowBytes, AreMostlyKeysAndValuesOfALargeModel) {
  // 32 layers of keys and values, 1500 + 448 of 1280 floats each, are 638 MB.
  EXPECT_GT(window_bytes(kLarge), 638'000'000U);
  EXPECT_LT(window_bytes(kLarge), 800'000'000U);
  EXPECT_LT(window_bytes(kBase), 100'000'000U);
}

TEST(AutomaticBatchSize, GrowsWithThreadsWithinItsBounds) {
  EXPECT_EQ(automatic_batch_size(kBase, {.n_threads = 1}), 4);
  EXPECT_EQ(automatic_batch_size(kBase, {.n_threads = 4}), 8);
  EXPECT_EQ(automatic_batch_size(kBase, {.n_threads = 6}), 12);
  EXPECT_EQ(automatic_batch_size(kBase, {.n_threads = 64}), 16);
}

TEST(AutomaticBatchSize, LeavesHalfOfTheMemoryFree) {
  EXPECT_EQ(automatic_batch_size(kBase, {.n_threads = 4, .free_bytes = 16 * kGigabyte}), 8);
  EXPECT_EQ(automatic_batch_size(kLarge, {.n_threads = 4, .free_bytes = 8 * kGigabyte}),
            static_cast<int>(4 * kGigabyte / window_bytes(kLarge)));
  EXPECT_EQ(automatic_batch_size(kBase, {.n_threads = 4, .free_bytes = 0}), 2);
}

TEST(AutomaticBatchSize, IsNoLargerThanWhatThereIsToHear) {
  EXPECT_EQ(automatic_batch_size(kBase, {.n_threads = 8, .duration_s = 100.0}), 5);
  EXPECT_EQ(automatic_batch_size(kBase, {.n_threads = 8, .duration_s = 1.0}), 2);
  EXPECT_EQ(automatic_batch_size(kBase, {.n_threads = 8, .duration_s = 36000.0}), 16);
}

TEST(BatchSurroundings, AreThisMachinesUnlessThreadsAreAskedFor) {
  EXPECT_GE(batch_surroundings({}).n_threads, 1);
  EXPECT_EQ(batch_surroundings({.threads = 3}).n_threads, 3);
}

}  // namespace
}  // namespace sotto::transcribe
