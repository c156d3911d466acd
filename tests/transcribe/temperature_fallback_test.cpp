#include "transcribe/temperature_fallback.h"

#include <limits>
#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sotto::transcribe {
namespace {

using testing::ElementsAre;

DecodingResult result(double avg_logprob, double compression_ratio, double no_speech_prob) {
  DecodingResult r;
  r.avg_logprob = avg_logprob;
  r.compression_ratio = compression_ratio;
  r.no_speech_prob = no_speech_prob;
  return r;
}

TEST(NeedsFallback, AboveTheCompressionRatioOrBelowTheLogProbability) {
  const TranscribeOptions options;
  EXPECT_FALSE(needs_fallback(result(-0.99, 2.4, 0.0), options));
  EXPECT_TRUE(needs_fallback(result(-0.5, 2.41, 0.0), options));
  EXPECT_TRUE(needs_fallback(result(-1.01, 1.0, 0.0), options));
}

TEST(NeedsFallback, NotOnSilence) {
  const TranscribeOptions options;
  EXPECT_FALSE(needs_fallback(result(-1.01, 9.0, 0.61), options));
  EXPECT_TRUE(needs_fallback(result(-0.5, 9.0, 0.61), options));  // a loop that the model is sure of
}

TEST(NeedsFallback, NotForGatesThatAreOff) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  TranscribeOptions options;
  options.compression_ratio_threshold = kInfinity;
  options.logprob_threshold = -kInfinity;
  EXPECT_FALSE(needs_fallback(result(-99.0, 99.0, 0.0), options));
}

TEST(IsSilence, NeedsBothNoSpeechAndALowLogProbability) {
  TranscribeOptions options;
  EXPECT_TRUE(is_silence(result(-1.5, 1.0, 0.61), options));
  EXPECT_FALSE(is_silence(result(-1.5, 1.0, 0.6), options));
  EXPECT_FALSE(is_silence(result(-0.9, 1.0, 0.99), options));
  options.logprob_threshold = -std::numeric_limits<double>::infinity();  // off: no-speech alone decides
  EXPECT_TRUE(is_silence(result(-0.9, 1.0, 0.61), options));
}

TEST(DecodeWithFallback, StopsAtTheFirstGoodTemperature) {
  std::vector<double> tried;
  const auto decode = [&](double temperature) {
    tried.push_back(temperature);
    return result(temperature < 0.4 ? -2.0 : -0.1, 1.0, 0.0);
  };
  EXPECT_EQ(decode_with_fallback(decode, {}).avg_logprob, -0.1);
  EXPECT_THAT(tried, ElementsAre(0.0, 0.2, 0.4));
}

TEST(DecodeWithFallback, GivesTheLastResultIfNoneIsGood) {
  int n = 0;
  const auto decode = [&](double) { return result(-2.0 - ++n, 1.0, 0.0); };
  EXPECT_EQ(decode_with_fallback(decode, {}).avg_logprob, -8.0);
}

}  // namespace
}  // namespace sotto::transcribe
