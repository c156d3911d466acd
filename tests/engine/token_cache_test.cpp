#include "engine/token_cache.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sotto::engine {
namespace {

constexpr std::size_t kLayers = 2;
constexpr std::size_t kCtx = 24;
constexpr std::size_t kState = 4;

/// What a row's tokens wrote, read through its stretches.
std::vector<float> read(const TokenCache& cache, std::size_t layer, std::size_t row, bool keys) {
  std::vector<float> all;
  for (std::size_t first = 0; first < cache.length();) {
    const TokenCache::Stretch s = cache.stretch(layer, row, first, cache.length());
    EXPECT_EQ(s.first, first);
    const std::byte* const from = keys ? s.keys : s.values;
    for (std::size_t i = 0; i < s.n; ++i) {
      float value = 0.0F;
      std::memcpy(&value, from + i * kState * sizeof(float), sizeof(float));
      all.push_back(value);
    }
    first += s.n;
  }
  return all;
}

// Against rows that are copied, as beams change places in every step.
TEST(TokenCache, RowsReadWhatTheRowsTheyComeFromWrote) {
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    TokenCache cache(kLayers, kCtx, kState, sizeof(float));
    std::vector<std::vector<float>> expected(1);
    float next = 1.0F;
    std::size_t n_rows = 1;
    std::size_t n_tokens = 3;
    while (cache.length() + n_tokens <= kCtx) {
      std::vector<std::int32_t> sources(n_rows);
      for (std::int32_t& source : sources) {
        source = static_cast<std::int32_t>(random() % expected.size());
      }
      std::vector<std::vector<float>> rows;
      for (const std::int32_t source : sources) {
        rows.push_back(cache.length() == 0 ? std::vector<float>()
                                           : expected[static_cast<std::size_t>(source)]);
      }
      const std::size_t first = cache.length();
      cache.extend(sources, n_tokens);
      for (std::size_t row = 0; row < n_rows; ++row) {
        for (std::size_t t = 0; t < n_tokens; ++t, next += 1.0F) {
          for (std::size_t layer = 0; layer < kLayers; ++layer) {
            const float key = next * 10.0F + static_cast<float>(layer);
            const float value = -key;
            std::memcpy(cache.key(layer, row, first + t), &key, sizeof(float));
            std::memcpy(cache.value(layer, row, first + t), &value, sizeof(float));
          }
          rows[row].push_back(next);
        }
      }
      expected = rows;
      for (std::size_t row = 0; row < n_rows; ++row) {
        for (std::size_t layer = 0; layer < kLayers; ++layer) {
          const std::vector<float> keys = read(cache, layer, row, true);
          const std::vector<float> values = read(cache, layer, row, false);
          ASSERT_EQ(keys.size(), expected[row].size());
          for (std::size_t i = 0; i < keys.size(); ++i) {
            ASSERT_EQ(keys[i], expected[row][i] * 10.0F + static_cast<float>(layer));
            ASSERT_EQ(values[i], -keys[i]);
          }
        }
      }
      n_rows = 1 + random() % 5;
      n_tokens = 1;
    }
  }
}

TEST(TokenCache, ResetForgets) {
  TokenCache cache(kLayers, kCtx, kState, sizeof(float));
  const std::array<std::int32_t, 2> two = {0, 1};
  cache.extend(two, 5);
  EXPECT_EQ(cache.length(), 5U);
  cache.reset();
  EXPECT_EQ(cache.length(), 0U);
  const std::array<std::int32_t, 3> from_nowhere = {7, 7, 7};
  cache.extend(from_nowhere, 1);
  EXPECT_EQ(cache.n_rows(), 3U);
}

}  // namespace
}  // namespace sotto::engine
