#include "model/sources/openai_names.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace sotto::model::sources {
namespace {

TEST(OpenAiNames, BecomeHuggingFaces) {
  TensorMap tensors;
  for (const char* name :
       {"encoder.blocks.0.attn.query.weight", "decoder.blocks.12.cross_attn_ln.bias",
        "decoder.token_embedding.weight", "encoder.positional_embedding", "encoder.ln_post.weight",
        "decoder.blocks.3.mlp.2.bias", "encoder.blocks.0.cross_attn.key.weight", "decoder.mask",
        "decoder.blocks.x.mlp.2.bias", "decoder.blocks.3"}) {
    tensors.emplace(name, TensorView{});
  }
  std::vector<std::string> names;
  for (const auto& [name, tensor] : to_huggingface_names(std::move(tensors))) {
    names.push_back(name);
  }
  EXPECT_EQ(names,
            std::vector<std::string>(
                {"decoder.blocks.3", "decoder.blocks.x.mlp.2.bias", "decoder.mask",
                 "encoder.blocks.0.cross_attn.key.weight", "model.decoder.embed_tokens.weight",
                 "model.decoder.layers.12.encoder_attn_layer_norm.bias", "model.decoder.layers.3.fc2.bias",
                 "model.encoder.embed_positions.weight", "model.encoder.layer_norm.weight",
                 "model.encoder.layers.0.self_attn.q_proj.weight"}));
}

TEST(OpenAiNames, OfAWholeModelAreCounted) {
  ModelDimensions dims;
  dims.n_audio_layer = 4;
  dims.n_text_layer = 4;
  // whisper.cpp counts 167 tensors in tiny.
  EXPECT_EQ(required_tensors(dims).size(), 167U);
}

}  // namespace
}  // namespace sotto::model::sources
