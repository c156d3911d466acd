#include "audio/fft400.h"

#include <cmath>
#include <complex>
#include <numbers>

#include <gtest/gtest.h>

#include "audio/test_signal.h"

namespace sotto::audio {
namespace {

double dft_power(const std::vector<float>& x, std::size_t k) {
  std::complex<double> sum = 0;
  for (std::size_t n = 0; n < x.size(); ++n) {
    sum += static_cast<double>(x[n]) *
           std::polar(1.0, -2.0 * std::numbers::pi * static_cast<double>(k * n % x.size()) /
                               static_cast<double>(x.size()));
  }
  return std::norm(sum);
}

TEST(PowerSpectrum, IsTheSquaredDftOfEachLane) {
  TestSignal signal;
  std::vector<std::vector<float>> lanes(kLanes, std::vector<float>(kNFft));
  FrameBatch batch;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    for (std::size_t n = 0; n < kNFft; ++n) {
      lanes[lane][n] = signal.next();
      batch[n][lane] = lanes[lane][n];
    }
  }
  PowerBatch power;
  power_spectrum(batch, power);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    for (std::size_t k = 0; k < kBins; ++k) {
      const double expected = dft_power(lanes[lane], k);
      EXPECT_NEAR(std::sqrt(power[k][lane]), std::sqrt(expected), 2e-5) << "bin " << k << " lane " << lane;
    }
  }
}

TEST(PowerSpectrum, OfACosineIsOneBin) {
  FrameBatch batch;
  for (std::size_t n = 0; n < kNFft; ++n) {
    batch[n] = Lanes{} +
               static_cast<float>(std::cos(2.0 * std::numbers::pi * 37.0 * static_cast<double>(n) / kNFft));
  }
  PowerBatch power;
  power_spectrum(batch, power);
  EXPECT_NEAR(power[37][0], 200.0F * 200.0F, 0.1F);
  EXPECT_LT(power[36][0] + power[38][0] + power[0][0] + power[200][0], 1e-6F);
}

TEST(Log10, IsWithinAMillionthOfTheTruth) {
  for (float x = 1e-10F; x < 1e10F; x *= 1.0137F) {
    EXPECT_NEAR(log10(Lanes{} + x)[3], std::log10(static_cast<double>(x)), 1e-6) << x;
  }
  EXPECT_EQ(log10(Lanes{} + 1.0F)[0], 0.0F);
}

}  // namespace
}  // namespace sotto::audio
