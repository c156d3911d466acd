#include "evaluate/figures.h"

#include <gtest/gtest.h>

#include "evaluate/measurements.h"

namespace sotto::evaluate {
namespace {

TEST(Ratios, AreTheNotebooksFigures) {
  const auto m = test::two_measurements();
  const Ratios r = ratios(m[0], m[1]);
  EXPECT_DOUBLE_EQ(*r.encoder_compression, 2.0);
  EXPECT_DOUBLE_EQ(*r.decoder_compression, 2.0);
  EXPECT_DOUBLE_EQ(*r.encoder_speedup, 2.0);
  EXPECT_DOUBLE_EQ(*r.decoder_speedup, 1.25);
  EXPECT_DOUBLE_EQ(*r.transcription_speedup, 1.5);
  EXPECT_NEAR(*r.accuracy_drop_points, 20.0, 1e-9);  // 90 % and 70 %
}

TEST(Ratios, OfAModelWithNothingMeasuredAreNone) {
  const Measurement nothing;
  const Ratios r = ratios(test::two_measurements()[0], nothing);
  EXPECT_FALSE(r.encoder_compression);
  EXPECT_FALSE(r.decoder_speedup);
  EXPECT_FALSE(r.transcription_speedup);
  EXPECT_FALSE(r.accuracy_drop_points);
  EXPECT_FALSE(realtime_factor(nothing));
}

TEST(RealtimeFactor, IsAudioPerTranscriptionTime) {
  EXPECT_DOUBLE_EQ(*realtime_factor(test::two_measurements()[0]), 10.0);
}

TEST(CountKernels, TellsInt8ByTheEndOfTheName) {
  const KernelCount count = count_kernels({{"FullyConnected brgemm_avx512_amx_I8", 3},
                                           {"MatMul jit_u8", 1},
                                           {"Convolution jit_i8_f32", 5},
                                           {"MatMul ref_any", 2}});
  EXPECT_EQ(count.int8, 4);
  EXPECT_EQ(count.total, 11);
  EXPECT_EQ(count_kernels({}).total, 0);
}

}  // namespace
}  // namespace sotto::evaluate
