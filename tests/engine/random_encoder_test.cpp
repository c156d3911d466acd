#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/encoder.h"
#include "support/sqnr.h"
#include "tested_kernels.h"

namespace sotto::engine {
namespace {

using Values = std::vector<float>;

constexpr std::size_t kState = 3 * kHeadSize;  // no multiple of what is computed at once
constexpr std::size_t kInner = 4 * kState;
constexpr std::size_t kMels = 20;
constexpr std::size_t kFrames = 61;

/// A linear layer, and the numbers that it stands for.
struct Layer {
  Linear linear;
  InputForm form;
  Values weights;  ///< [n_out, n_in]
  Values bias;

  Values operator()(Values x) const {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float scaled = form.scale.empty() ? x[i] : x[i] * form.scale[i];
      x[i] = rounded(form, scaled);
    }
    Values y = bias;
    for (std::size_t out = 0; out < y.size(); ++out) {
      for (std::size_t i = 0; i < x.size(); ++i) {
        y[out] += x[i] * weights[out * x.size() + i];
      }
    }
    return y;
  }

  static float rounded(const InputForm& form, float x) {
    if (!form.is_quantized) {
      return x;
    }
    return form.low + form.step * std::clamp(std::nearbyint((x - form.low) / form.step), 0.0F, 255.0F);
  }
};

struct Block {
  Norm norm;
  Layer query;
  Layer key;
  Layer value;
  Layer output;
  Norm feed_forward_norm;
  Layer inner;
  Layer outer;
};

constexpr InputForm kQueryForm{.is_quantized = true, .low = -3.0F, .step = 6.5F / 255.0F};
constexpr InputForm kKeyForm{.is_quantized = true, .low = -4.5F, .step = 8.0F / 255.0F};
constexpr float kFactor = 0.7F;
constexpr std::uint8_t kSilence = 100;

/// A small encoder of random weights: the second layer's feed-forward and an output are not quantized, and
/// query and key take their input in forms of their own.
class RandomEncoder {
 public:
  RandomEncoder()
      : first_(layer(kState, 3 * kMels, true, false)),
        second_(layer(kState, 3 * kState, true, false)),
        positions_(floats(kFrames * kState, 0.5F)),
        norm_(norm()) {
    for (const bool is_int8 : {true, false}) {
      Block b;
      b.norm = norm();
      b.query = layer(kState, kState, true, true);
      b.key = layer(kState, kState, true, true);
      b.value = layer(kState, kState, true, false);
      b.output = layer(kState, kState, is_int8, true);
      b.feed_forward_norm = norm();
      b.inner = layer(kInner, kState, is_int8, true);
      b.outer = layer(kState, kInner, is_int8, true);
      blocks_.push_back(std::move(b));
    }
  }

  EncoderWeights take() {
    EncoderWeights w;
    w.n_mels = kMels;
    w.n_state = kState;
    w.n_head = kState / kHeadSize;
    w.n_frames = kFrames;
    w.first = {std::move(first_.linear), kSilence};
    w.second = {std::move(second_.linear), kSilence};
    w.positions = positions_;
    w.norm = norm_;
    for (Block& b : blocks_) {
      w.layers.push_back(
          {.norm = b.norm,
           .query = std::move(b.query.linear),
           .key = std::move(b.key.linear),
           .value = std::move(b.value.linear),
           .query_form = kQueryForm,
           .key_form = kKeyForm,
           .factor = kFactor,
           .output = std::move(b.output.linear),
           .feed_forward = {b.feed_forward_norm, std::move(b.inner.linear), std::move(b.outer.linear)}});
    }
    return w;
  }

  /// What should come out, one number after the other.
  Values expected(const Values& features) const {
    std::vector<Values> frames(2 * kFrames, Values(kMels));
    for (std::size_t i = 0; i < features.size(); ++i) {
      frames[i % (2 * kFrames)][i / (2 * kFrames)] = features[i];
    }
    frames = convolved(first_, frames, 1);
    frames = convolved(second_, frames, 2);
    for (std::size_t i = 0; i < kFrames * kState; ++i) {
      frames[i / kState][i % kState] += positions_[i];
    }
    for (const Block& block : blocks_) {
      attend(block, frames);
      for (Values& x : frames) {
        Values inner = block.inner(normalized(block.feed_forward_norm, x));
        std::ranges::transform(inner, inner.begin(), gelu);
        add(x, block.outer(inner));
      }
    }
    Values all;
    for (const Values& x : frames) {
      const Values y = normalized(norm_, x);
      all.insert(all.end(), y.begin(), y.end());
    }
    return all;
  }

  Values floats(std::size_t n, float magnitude) {
    std::normal_distribution<float> normal(0.0F, magnitude);
    Values values(n);
    std::ranges::generate(values, [&] { return normal(random_); });
    return values;
  }

 private:
  Norm norm() { return {floats(kState, 1.0F), floats(kState, 0.2F), 1e-5F}; }

  Layer layer(std::size_t n_out, std::size_t n_in, bool is_int8, bool is_smoothed) {
    Layer layer;
    layer.bias = floats(n_out, 0.1F);
    const float magnitude = 1.0F / std::sqrt(static_cast<float>(n_in));
    layer.weights = floats(n_out * n_in, magnitude);
    layer.form.scale = is_smoothed ? floats(n_in, 1.0F) : Values();
    if (!is_int8) {
      layer.linear = {{.values = layer.weights.data(), .n_out = n_out, .n_in = n_in}, layer.form, layer.bias};
      return layer;
    }
    layer.form.is_quantized = true;
    layer.form.step = 0.025F;
    layer.form.low = -layer.form.step * kSilence;
    std::vector<std::int8_t> integers(layer.weights.size());
    const float step = 4.0F * magnitude / 127.0F;
    for (std::size_t i = 0; i < integers.size(); ++i) {
      integers[i] =
          static_cast<std::int8_t>(std::clamp(std::round(layer.weights[i] / step), -127.0F, 127.0F));
      layer.weights[i] = step * integers[i];
    }
    layer.linear = {{.store = WeightStore::int8,
                     .values = integers.data(),
                     .n_out = n_out,
                     .n_in = n_in,
                     .scale = Values(n_out, step)},
                    layer.form,
                    layer.bias};
    return layer;
  }

  static float gelu(float x) { return 0.5F * x * (1.0F + std::erf(x / std::sqrt(2.0F))); }

  static void add(Values& x, const Values& more) {
    std::ranges::transform(x, more, x.begin(), std::plus<>());
  }

  static Values normalized(const Norm& norm, const Values& x) {
    double mean = 0.0;
    double squares = 0.0;
    for (const float value : x) {
      mean += static_cast<double>(value) / static_cast<double>(x.size());
    }
    for (const float value : x) {
      squares += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean);
    }
    const double deviation =
        std::sqrt(squares / static_cast<double>(x.size()) + static_cast<double>(norm.epsilon));
    Values y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      y[i] =
          static_cast<float>((static_cast<double>(x[i]) - mean) / deviation) * norm.gain[i] + norm.shift[i];
    }
    return y;
  }

  /// gelu of a convolution over three frames, 0 beyond the ends.
  static std::vector<Values> convolved(const Layer& layer,
                                       const std::vector<Values>& frames,
                                       std::size_t stride) {
    const std::size_t n_channels = frames.front().size();
    std::vector<Values> out;
    for (std::size_t at = 0; at < frames.size(); at += stride) {
      Values x;
      for (std::size_t i = at; i < at + 3; ++i) {
        const bool is_outside = i == 0 || i > frames.size();
        const Values frame = is_outside ? Values(n_channels, 0.0F) : frames[i - 1];
        x.insert(x.end(), frame.begin(), frame.end());
      }
      Values y = layer(x);
      std::ranges::transform(y, y.begin(), gelu);
      out.push_back(std::move(y));
    }
    return out;
  }

  static void attend(const Block& block, std::vector<Values>& frames) {
    std::array<std::vector<Values>, 3> qkv;
    for (const Values& x : frames) {
      const Values normed = normalized(block.norm, x);
      qkv[0].push_back(block.query(normed));
      qkv[1].push_back(block.key(normed));
      qkv[2].push_back(block.value(normed));
    }
    for (std::size_t frame = 0; frame < frames.size(); ++frame) {
      Values attended;
      for (std::size_t head = 0; head < kState / kHeadSize; ++head) {
        attend(qkv, frame, head * kHeadSize, attended);
      }
      add(frames[frame], block.output(attended));
    }
  }

  static void attend(const std::array<std::vector<Values>, 3>& qkv,
                     std::size_t frame,
                     std::size_t first,
                     Values& attended) {
    const auto& [queries, keys, values] = qkv;
    std::vector<double> weights;
    for (const Values& key : keys) {
      float score = 0.0F;
      for (std::size_t i = first; i < first + kHeadSize; ++i) {
        score += Layer::rounded(kQueryForm, queries[frame][i]) * Layer::rounded(kKeyForm, key[i]);
      }
      weights.push_back(static_cast<double>(kFactor * score));
    }
    const double max = *std::ranges::max_element(weights);
    double total = 0.0;
    for (double& weight : weights) {
      weight = std::exp(weight - max);
      total += weight;
    }
    for (std::size_t i = first; i < first + kHeadSize; ++i) {
      double sum = 0.0;
      for (std::size_t j = 0; j < weights.size(); ++j) {
        sum += weights[j] * static_cast<double>(values[j][i]);
      }
      attended.push_back(static_cast<float>(sum / total));
    }
  }

  std::mt19937 random_{11};
  Layer first_;
  Layer second_;
  Values positions_;
  std::vector<Block> blocks_;
  Norm norm_;
};

Values features() {
  return RandomEncoder().floats(kMels * 2 * kFrames, 1.0F);
}

/// Of two windows one after the other: nothing of the first may be left in the second.
Values hidden_states(SoftmaxPrecision softmax, std::size_t n_threads, const Kernels& kernels) {
  Team team(n_threads);
  Encoder encoder(RandomEncoder().take(), softmax, team, kernels);
  Values hidden(kFrames * kState);
  encoder.run(Values(kMels * 2 * kFrames, 1.0F), hidden);
  encoder.run(features(), hidden);
  return hidden;
}

TEST(RandomEncoder, ComputesWhatItsLayersSay) {
  const Values expected = RandomEncoder().expected(features());
  for (const Kernels* kernels : tested_kernels()) {
    // A level of 256 may be another one where a sum is rounded otherwise.
    EXPECT_GT(test::sqnr_db(expected, hidden_states(SoftmaxPrecision::f32, 3, *kernels)), 40.0)
        << kernels->name;
    EXPECT_GT(test::sqnr_db(expected, hidden_states(SoftmaxPrecision::int8, 3, *kernels)), 30.0)
        << kernels->name;
  }
}

TEST(RandomEncoder, ComputesTheSameInTilesAndInRegisters) {
  for (const Kernels* kernels : tested_kernels()) {
    if (kernels->n_queries != 16) {
      continue;  // those for AMX are
    }
    for (const SoftmaxPrecision softmax : {SoftmaxPrecision::f32, SoftmaxPrecision::int8}) {
      EXPECT_EQ(hidden_states(softmax, 2, *kernels), hidden_states(softmax, 2, *avx512_kernels()))
          << kernels->name;
    }
  }
}

TEST(RandomEncoder, ComputesTheSameOnAnyNumberOfThreads) {
  for (const Kernels* kernels : tested_kernels()) {
    for (const SoftmaxPrecision softmax : {SoftmaxPrecision::f32, SoftmaxPrecision::int8}) {
      const Values one = hidden_states(softmax, 1, *kernels);
      EXPECT_EQ(hidden_states(softmax, 2, *kernels), one) << kernels->name;
      EXPECT_EQ(hidden_states(softmax, 5, *kernels), one) << kernels->name;
    }
  }
}

}  // namespace
}  // namespace sotto::engine
