#include "model/sources/openai_names.h"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace sotto::model::sources {
namespace {

struct Renaming {
  std::string_view openai;
  std::string_view huggingface;
};

constexpr Renaming kOutsideBlocks[] = {
    {"encoder.conv1.weight", "encoder.conv1.weight"},
    {"encoder.conv1.bias", "encoder.conv1.bias"},
    {"encoder.conv2.weight", "encoder.conv2.weight"},
    {"encoder.conv2.bias", "encoder.conv2.bias"},
    {"encoder.positional_embedding", "encoder.embed_positions.weight"},
    {"encoder.ln_post.weight", "encoder.layer_norm.weight"},
    {"encoder.ln_post.bias", "encoder.layer_norm.bias"},
    {"decoder.token_embedding.weight", "decoder.embed_tokens.weight"},
    {"decoder.positional_embedding", "decoder.embed_positions.weight"},
    {"decoder.ln.weight", "decoder.layer_norm.weight"},
    {"decoder.ln.bias", "decoder.layer_norm.bias"},
};

/// Within "encoder.blocks.N." and "decoder.blocks.N.".
constexpr Renaming kBlock[] = {
    {"attn.query.weight", "self_attn.q_proj.weight"},
    {"attn.query.bias", "self_attn.q_proj.bias"},
    {"attn.key.weight", "self_attn.k_proj.weight"},
    {"attn.value.weight", "self_attn.v_proj.weight"},
    {"attn.value.bias", "self_attn.v_proj.bias"},
    {"attn.out.weight", "self_attn.out_proj.weight"},
    {"attn.out.bias", "self_attn.out_proj.bias"},
    {"attn_ln.weight", "self_attn_layer_norm.weight"},
    {"attn_ln.bias", "self_attn_layer_norm.bias"},
    {"mlp.0.weight", "fc1.weight"},
    {"mlp.0.bias", "fc1.bias"},
    {"mlp.2.weight", "fc2.weight"},
    {"mlp.2.bias", "fc2.bias"},
    {"mlp_ln.weight", "final_layer_norm.weight"},
    {"mlp_ln.bias", "final_layer_norm.bias"},
};

/// Within "decoder.blocks.N." only.
constexpr Renaming kCrossAttention[] = {
    {"cross_attn.query.weight", "encoder_attn.q_proj.weight"},
    {"cross_attn.query.bias", "encoder_attn.q_proj.bias"},
    {"cross_attn.key.weight", "encoder_attn.k_proj.weight"},
    {"cross_attn.value.weight", "encoder_attn.v_proj.weight"},
    {"cross_attn.value.bias", "encoder_attn.v_proj.bias"},
    {"cross_attn.out.weight", "encoder_attn.out_proj.weight"},
    {"cross_attn.out.bias", "encoder_attn.out_proj.bias"},
    {"cross_attn_ln.weight", "encoder_attn_layer_norm.weight"},
    {"cross_attn_ln.bias", "encoder_attn_layer_norm.bias"},
};

template <std::size_t n>
std::optional<std::string_view> find(const Renaming (&renamings)[n], std::string_view openai) {
  for (const Renaming& renaming : renamings) {
    if (renaming.openai == openai) {
      return renaming.huggingface;
    }
  }
  return std::nullopt;
}

std::optional<std::string> rename_in_block(std::string_view name) {
  for (const std::string_view side : {"encoder", "decoder"}) {
    const std::string prefix = fmt::format("{}.blocks.", side);
    if (!name.starts_with(prefix)) {
      continue;
    }
    const std::string_view rest = name.substr(prefix.size());
    const std::size_t dot = rest.find('.');
    int layer = 0;
    const std::string_view number = rest.substr(0, dot);
    if (dot == std::string_view::npos ||
        std::from_chars(number.begin(), number.end(), layer).ptr != number.end()) {
      return std::nullopt;
    }
    auto inside = find(kBlock, rest.substr(dot + 1));
    if (!inside && side == "decoder") {
      inside = find(kCrossAttention, rest.substr(dot + 1));
    }
    return inside ? std::optional(fmt::format("model.{}.layers.{}.{}", side, layer, *inside)) : std::nullopt;
  }
  return std::nullopt;
}

std::string renamed(const std::string& name) {
  if (const auto whole = find(kOutsideBlocks, name)) {
    return fmt::format("model.{}", *whole);
  }
  return rename_in_block(name).value_or(name);
}

}  // namespace

TensorMap to_huggingface_names(TensorMap tensors) {
  TensorMap result;
  for (auto& [name, tensor] : tensors) {
    result.emplace(renamed(name), std::move(tensor));
  }
  return result;
}

std::vector<std::string> required_tensors(const ModelDimensions& dims) {
  std::vector<std::string> names;
  for (const Renaming& renaming : kOutsideBlocks) {
    names.emplace_back(renaming.huggingface);
  }
  const auto add = [&](std::string_view side, std::int64_t layer, const auto& renamings) {
    for (const Renaming& renaming : renamings) {
      names.push_back(fmt::format("{}.layers.{}.{}", side, layer, renaming.huggingface));
    }
  };
  for (std::int64_t layer = 0; layer < dims.n_audio_layer; ++layer) {
    add("encoder", layer, kBlock);
  }
  for (std::int64_t layer = 0; layer < dims.n_text_layer; ++layer) {
    add("decoder", layer, kBlock);
    add("decoder", layer, kCrossAttention);
  }
  return names;
}

}  // namespace sotto::model::sources
