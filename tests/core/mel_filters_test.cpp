#include "core/mel_filters.h"

#include <gtest/gtest.h>

#include "support/golden.h"

namespace sotto {
namespace {

TEST(MelFilters, AreThoseOfWhisper) {
  const std::vector<float> golden = test::golden_floats("audio", "mel_filters.f32");
  std::size_t row = 0;
  for (const int n_mels : {80, 128}) {
    for (const MelFilter& filter : mel_filters(n_mels)) {
      for (std::size_t bin = 0; bin < kMelFilterBins; ++bin) {
        const bool inside = bin >= filter.first_bin && bin < filter.first_bin + filter.weights.size();
        EXPECT_NEAR(inside ? filter.weights[bin - filter.first_bin] : 0.0F,
                    golden.at(row * kMelFilterBins + bin), 1e-8F)
            << "row " << row << " bin " << bin;
      }
      ++row;
    }
  }
  EXPECT_EQ(row * kMelFilterBins, golden.size());
}

}  // namespace
}  // namespace sotto
