#include <string>

#include <gtest/gtest.h>

#include "transcribe/hearing.h"

namespace sotto::transcribe {
namespace {

std::string reason(std::int64_t n_vocab,
                   std::int64_t n_state,
                   std::int64_t n_audio_layer,
                   std::int64_t n_text_layer,
                   const model::GenerationConfig& generation = {}) {
  model::WhisperModel model;
  model.dims = {.n_audio_layer = n_audio_layer,
                .n_vocab = n_vocab,
                .n_text_state = n_state,
                .n_text_layer = n_text_layer};
  model.generation = generation;
  return reason_against_translation(model);
}

TEST(Translation, IsForModelsThatWereTrainedForIt) {
  EXPECT_EQ(reason(51865, 384, 4, 4), "");    // tiny
  EXPECT_EQ(reason(51865, 512, 6, 6), "");    // base
  EXPECT_EQ(reason(51865, 768, 12, 12), "");  // small
  EXPECT_EQ(reason(51865, 1024, 24, 24), "");
  EXPECT_EQ(reason(51865, 1280, 32, 32), "");  // large-v2
  EXPECT_EQ(reason(51866, 1280, 32, 32), "");  // large-v3
}

TEST(Translation, IsNotForTurboDistilledAndEnglishModels) {
  const std::string cut_down = "turbo and distilled models were not trained to translate";
  EXPECT_EQ(reason(51866, 1280, 32, 4), cut_down);  // turbo
  EXPECT_EQ(reason(51866, 1280, 32, 2), cut_down);  // distil-large-v3
  EXPECT_EQ(reason(51865, 1280, 32, 2), cut_down);  // distil-large-v2
  for (const auto& [n_state, n_layer] : {std::pair(384, 4), {512, 6}, {768, 12}, {1024, 24}}) {
    EXPECT_EQ(reason(51864, n_state, n_layer, n_layer), "it knows English only");
  }
  EXPECT_EQ(reason(51864, 1024, 24, 2), "it knows English only");  // distil-medium.en
  EXPECT_EQ(reason(400, 384, 4, 4, {.is_multilingual = false}), "it knows English only");
  EXPECT_EQ(reason(51865, 512, 6, 6, {.task_to_id = {{"transcribe", 50359}}}),
            "its generation_config.json has no such task");
}

}  // namespace
}  // namespace sotto::transcribe
