#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <openvino/op/constant.hpp>

#include "engine/decoder.h"
#include "sotto/error.h"
#include "support/expect_error.h"
#include "support/sqnr.h"
#include "tested_kernels.h"

namespace sotto::engine {
namespace {

constexpr std::size_t kState = 2 * kHeadSize;
constexpr std::size_t kInner = 4 * kState;
constexpr std::size_t kVocabulary = 77;
constexpr std::size_t kCtx = 100;
constexpr std::size_t kFrames = 31;
constexpr std::size_t kLayers = 2;

/// A decoder of random weights, the first layer in INT8.
class RandomDecoder {
 public:
  DecoderWeights weights() {
    DecoderWeights w;
    w.n_state = kState;
    w.n_head = kState / kHeadSize;
    w.n_ctx = kCtx;
    const auto table = ov::op::v0::Constant::create(ov::element::f32, {kVocabulary, kState},
                                                    floats(kVocabulary * kState, 1.0F));
    w.tokens = TokenTable(table, {}, {});
    w.positions = floats(kCtx * kState, 0.1F);
    for (std::size_t i = 0; i < kLayers; ++i) {
      w.layers.push_back(layer(i == 0));
    }
    w.norm = norm();
    w.logits = linear(kVocabulary, kState, true);
    return w;
  }

  std::vector<float> floats(std::size_t n, float magnitude) {
    std::normal_distribution<float> normal(0.0F, magnitude);
    std::vector<float> values(n);
    std::ranges::generate(values, [&] { return normal(random_); });
    return values;
  }

 private:
  Norm norm() { return {floats(kState, 1.0F), floats(kState, 0.1F), 1e-5F}; }

  Linear linear(std::size_t n_out, std::size_t n_in, bool is_int8, float factor = 1.0F) {
    const std::vector<float> bias = floats(n_out, 0.1F);
    if (!is_int8) {
      const std::vector<float> values = floats(n_out * n_in, 1.0F / std::sqrt(static_cast<float>(n_in)));
      return {{.store = WeightStore::f32, .values = values.data(), .n_out = n_out, .n_in = n_in},
              {},
              bias,
              factor};
    }
    std::vector<std::int8_t> values(n_out * n_in);
    std::ranges::generate(values, [&] { return static_cast<std::int8_t>(random_() % 255 - 127); });
    const InputForm form{
        .scale = floats(n_in, 1.0F), .is_quantized = true, .low = -4.0F, .step = 8.0F / 255.0F};
    return {{.store = WeightStore::int8,
             .values = values.data(),
             .n_out = n_out,
             .n_in = n_in,
             .scale = std::vector<float>(n_out, 0.001F)},
            form,
            bias,
            factor};
  }

  DecoderLayer layer(bool is_int8) {
    DecoderLayer l;
    l.self_norm = norm();
    l.query = linear(kState, kState, is_int8, 0.125F);
    l.key = linear(kState, kState, is_int8);
    l.value = linear(kState, kState, is_int8);
    l.self_output = linear(kState, kState, is_int8);
    l.cross_norm = norm();
    l.cross_query = linear(kState, kState, is_int8, 0.125F);
    l.cross_output = linear(kState, kState, is_int8);
    l.feed_forward = {norm(), linear(kInner, kState, is_int8), linear(kState, kInner, is_int8)};
    return l;
  }

  std::mt19937 random_{7};
};

/// Everything that comes out of a prompt longer than what is computed at once, and of steps of three beams.
std::vector<float> logits_of(Decoder& decoder, const std::vector<float>& window) {
  std::vector<WindowKeys> windows;
  for (std::size_t i = 0; i < kLayers; ++i) {
    windows.push_back({window.data() + i * window.size() / 4, window.data() + (i + 2) * window.size() / 4});
  }
  std::vector<float> all;
  const auto run = [&](const std::vector<std::int64_t>& tokens, const std::vector<std::int32_t>& rows,
                       const std::vector<std::int64_t>& positions) {
    const std::vector<std::size_t> row_windows(rows.size(), 0);
    const std::span<float> logits = decoder.run({tokens, rows, positions, windows, row_windows, kFrames});
    EXPECT_EQ(logits.size(), rows.size() * positions.size() * kVocabulary);
    all.insert(all.end(), logits.begin(), logits.end());
  };
  decoder.reset();
  std::vector<std::int64_t> prompt(70);
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    prompt[i] = static_cast<std::int64_t>(i * 31 % kVocabulary);
  }
  run(prompt, {0}, {3, 69});
  run({1, 2, 3}, {0, 0, 0}, {0});
  run({4, 5, 6}, {2, 0, 0}, {0});
  return all;
}

TEST(AnyKernels, ComputeTheSameOnAnyProcessorAndNumberOfThreads) {
  RandomDecoder random;
  const std::vector<float> window = random.floats(4 * kState * kFrames, 1.0F);
  std::vector<float> plain;
  for (auto kernels = tested_kernels(); !kernels.empty(); kernels.pop_back()) {
    std::vector<float> first;
    for (const std::size_t n_threads : {1, 3, 6}) {
      Team team(n_threads);
      Decoder decoder(RandomDecoder().weights(), Store::f32, team, *kernels.back());
      const std::vector<float> got = logits_of(decoder, window);
      if (first.empty()) {
        first = got;
      }
      EXPECT_EQ(got, first) << kernels.back()->name << " on " << n_threads << " threads";
      EXPECT_EQ(logits_of(decoder, window), first) << "after reset()";
    }
    if (plain.empty()) {
      plain = first;
    }
    EXPECT_GT(test::sqnr_db(plain, first), 40.0)
        << kernels.back()->name;  // a level of 256 may be another one
  }
}

TEST(AnyKernels, TokensThatAreNoneAreRefusedBeforeAnythingIsKept) {
  Team team(2);
  Decoder decoder(RandomDecoder().weights(), Store::f32, team, plain_kernels());
  const std::vector<float> window = RandomDecoder().floats(4 * kState * kFrames, 1.0F);
  const std::vector<float> before = logits_of(decoder, window);
  decoder.reset();
  const std::vector<std::int32_t> rows = {0};
  const std::vector<std::int64_t> positions = {0};
  const auto feed = [&](const std::vector<std::int64_t>& tokens) {
    decoder.run({tokens, rows, positions, {}, {}, kFrames});
  };
  test::expect_error([&] { feed({static_cast<std::int64_t>(kVocabulary)}); }, ErrorCode::invalid_argument,
                     "expected a token below 77, found 77");
  test::expect_error([&] { feed({-1}); }, ErrorCode::invalid_argument, "found -1");
  test::expect_error([&] { feed(std::vector<std::int64_t>(kCtx + 1, 0)); }, ErrorCode::invalid_argument,
                     "expected at most 100 tokens, found 101");
  EXPECT_EQ(logits_of(decoder, window), before);
}

}  // namespace
}  // namespace sotto::engine
