#include "transcribe/alignment_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include <fmt/format.h>
#include <openvino/op/constant.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/op/gather.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/result.hpp>
#include <openvino/op/scaled_dot_product_attention.hpp>

#include "model/cross_attention.h"
#include "model/ir_error.h"
#include "sotto/error.h"
#include "transcribe/compile.h"
#include "transcribe/logit_positions.h"
#include "transcribe/tensor_of.h"

namespace sotto::transcribe {
namespace {

using ov::op::v0::Constant;
using Attention = ov::op::v13::ScaledDotProductAttention;

/// Null where there is none.
std::shared_ptr<ov::Node> find_cross_attention(const ov::Model& decoder, int layer) {
  const auto nodes = model::cross_attention_nodes(decoder);
  return layer < 0 || static_cast<std::size_t>(layer) >= nodes.size()
             ? nullptr
             : nodes[static_cast<std::size_t>(layer)];
}

std::shared_ptr<ov::Node> cross_attention_of(const ov::Model& decoder, int layer) {
  if (auto node = find_cross_attention(decoder, layer)) {
    return node;
  }
  throw Error(
      ErrorCode::unsupported, "word_timestamps",
      fmt::format("expected a decoder with a cross-attention node in layer {}, found none; convert the "
                  "checkpoint with sotto.",
                  layer));
}

ov::Output<ov::Node> scale_of(const ov::Node& attention) {
  constexpr std::size_t kScaleInput = 4;
  if (attention.get_input_size() > kScaleInput) {
    return attention.input_value(kScaleInput);
  }
  const auto head_size = attention.get_input_partial_shape(0)[3].get_length();
  return Constant::create(ov::element::f32, {}, {1.0F / std::sqrt(static_cast<float>(head_size))});
}

std::string output_name(std::size_t index) {
  return fmt::format("cross_attention.{}", index);
}

/// Copies the first n_tokens of [1, n_heads, any, n_frames] behind what is there.
void append(TokenAttention& attention, ov::Tensor scores, std::size_t n_tokens) {
  const ov::Shape shape = scores.get_shape();
  attention.n_heads += shape[1];
  attention.n_tokens = n_tokens;
  attention.n_frames = shape[3];
  const std::size_t n_read = shape[2] * shape[3];
  for (std::size_t head = 0; head < shape[1]; ++head) {
    const float* const values = scores.data<float>() + head * n_read;
    attention.scores.insert(attention.scores.end(), values, values + n_tokens * shape[3]);
  }
}

/// Lengths that the device sees are multiples of it: for each it keeps a plan of its own.
constexpr std::size_t kLengthStep = 32;

/// Repeats the last value up to a multiple of kLengthStep, but at most `most` values.
std::vector<std::int64_t> padded(std::vector<std::int64_t> values, std::size_t most) {
  const std::size_t wanted = (values.size() + kLengthStep - 1) / kLengthStep * kLengthStep;
  const std::int64_t last = values.empty() ? 0 : values.back();
  values.resize(std::max(values.size(), std::min(wanted, most)), last);
  return values;
}

/// True for a weight that is stored in floating point and not quantized on its way to the product.
bool is_float_weight(const ov::Node* node) {
  while (!ov::is_type<Constant>(node)) {
    if (ov::is_type<ov::op::v0::FakeQuantize>(node) || node->get_input_size() == 0) {
      return false;
    }
    node = node->get_input_node_ptr(0);
  }
  return node->get_element_type().is_real();
}

/// f32 on a CPU where weights are floating-point: OpenVINO 2026.4's products of them in bf16 give NaN, or
/// read memory that is not theirs, for some hundred tokens at once. INT8 products are fine.
SessionOptions for_many_tokens(SessionOptions options, const ov::Model& decoder) {
  const auto nodes = decoder.get_ops();
  if (is_cpu(options) && std::ranges::any_of(nodes, [](const auto& node) {
        return ov::is_type<ov::op::v0::MatMul>(node) && is_float_weight(node->get_input_node_ptr(1));
      })) {
    options.inference_precision = "f32";
  }
  return options;
}

}  // namespace

std::map<int, std::vector<int>> alignment_heads(const model::WhisperModel& model) {
  std::map<int, std::vector<int>> heads;
  for (const auto& [layer, head] : model.generation.alignment_heads) {
    heads[layer].push_back(head);
  }
  if (heads.empty()) {
    const int n_layer = static_cast<int>(model.dims.n_text_layer);
    for (int layer = n_layer / 2; layer < n_layer; ++layer) {
      heads[layer].resize(static_cast<std::size_t>(model.dims.n_text_head));
      std::iota(heads[layer].begin(), heads[layer].end(), 0);
    }
  }
  return heads;
}

std::shared_ptr<ov::Model> with_cross_attention(const ov::Model& decoder,
                                                const std::map<int, std::vector<int>>& heads) {
  auto model = decoder.clone();
  std::size_t index = 0;
  for (const auto& [layer, chosen] : heads) {
    const auto attention = cross_attention_of(*model, layer);
    const auto ids = Constant::create(ov::element::i64, {chosen.size()}, chosen);
    const auto axis = Constant::create(ov::element::i64, {}, {1});
    const auto query = std::make_shared<ov::op::v8::Gather>(attention->input_value(0), ids, axis);
    const auto key = std::make_shared<ov::op::v8::Gather>(attention->input_value(1), ids, axis);
    const auto product = std::make_shared<ov::op::v0::MatMul>(query, key, false, true);
    const auto scores = std::make_shared<ov::op::v1::Multiply>(product, scale_of(*attention));
    scores->output(0).set_names({output_name(index++)});
    model->add_results({std::make_shared<ov::op::v0::Result>(scores)});
  }
  return model;
}

bool has_cross_attention(const ov::Model& decoder, const std::map<int, std::vector<int>>& heads) {
  return std::all_of(heads.begin(), heads.end(), [&](const auto& layer_heads) {
    return find_cross_attention(decoder, layer_heads.first) != nullptr;
  });
}

AlignmentModel::AlignmentModel(ov::Core& core,
                               const model::WhisperModel& model,
                               const SessionOptions& options)
    : n_vocab_(static_cast<std::size_t>(model.dims.n_vocab)),
      n_text_ctx_(static_cast<std::size_t>(model.dims.n_text_ctx)),
      caches_(*model.decoder) {
  const auto heads = alignment_heads(model);
  const auto decoder = with_cross_attention(*model.decoder, heads);
  n_layers_ = heads.size();
  chooses_logits_ = add_logit_positions(*decoder);
  request_ = compile(core, decoder, for_many_tokens(options, *decoder), "decoder with word times")
                 .create_infer_request();
}

TokenAttention AlignmentModel::attend(const ov::Tensor& hidden_states,
                                      std::span<const TokenId> tokens,
                                      std::span<const std::int64_t> logit_positions) {
  // No token sees those behind it.
  const std::vector<std::int64_t> ids = padded({tokens.begin(), tokens.end()}, n_text_ctx_);
  const std::vector<std::int64_t> positions =
      padded({logit_positions.begin(), logit_positions.end()}, n_text_ctx_);
  const std::vector<std::int32_t> only_row = {0};
  request_.reset_state();
  request_.set_tensor("encoder_hidden_states", hidden_states);
  request_.set_tensor("input_ids", tensor_of<std::int64_t>(ids, {1, ids.size()}));
  if (caches_.empty()) {
    request_.set_tensor("beam_idx", tensor_of<std::int32_t>(only_row, {1}));
  } else {
    caches_.reset(request_, 1);
  }
  if (chooses_logits_) {
    request_.set_tensor(kLogitPositions, tensor_of<std::int64_t>(positions, {positions.size()}));
  }
  model::translate_ir_errors("decoder with word times", ErrorCode::internal, [&] { request_.infer(); });

  TokenAttention attention;
  for (std::size_t layer = 0; layer < n_layers_; ++layer) {
    append(attention, request_.get_tensor(output_name(layer)), tokens.size());
  }
  ov::Tensor logits = request_.get_tensor("logits");
  const std::span<const float> all(logits.data<float>(), logits.get_size());
  logits_.clear();
  for (std::size_t i = 0; i < logit_positions.size(); ++i) {
    const std::size_t row = chooses_logits_ ? i : static_cast<std::size_t>(logit_positions[i]);
    const auto one = all.subspan(row * n_vocab_, n_vocab_);
    logits_.insert(logits_.end(), one.begin(), one.end());
  }
  attention.n_vocab = n_vocab_;
  attention.logits = logits_;
  return attention;
}

}  // namespace sotto::transcribe
