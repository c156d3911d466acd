#include "sotto/layers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include <openvino/openvino.hpp>
#include <openvino/opsets/opset13.hpp>

#include "core/log.h"
#include "model/ir_error.h"
#include "sotto/audio.h"
#include "sotto/model.h"
#include "sotto/text.h"

namespace sotto::evaluate {
namespace fs = std::filesystem;
namespace op = ov::opset13;
namespace {

constexpr std::int64_t kFrames = 64;  // looked at of an utterance

/// Past what quantizing puts between a value and the MatMul that reads it.
ov::Output<ov::Node> behind_quantizers(ov::Output<ov::Node> value) {
  while (ov::is_type<op::FakeQuantize>(value.get_node())) {
    value = value.get_node()->input_value(0);
  }
  return value;
}

bool is_constant(const ov::Output<ov::Node>& value) {
  const ov::Node* node = value.get_node();
  if (ov::is_type<op::Constant>(node)) {
    return true;
  }
  const auto inputs = node->input_values();
  return !inputs.empty() && std::all_of(inputs.begin(), inputs.end(), is_constant);
}

/// Layers that multiply [1, frames, channels] by weights, in order of execution.
std::vector<std::shared_ptr<op::MatMul>> layers_of(const ov::Model& graph) {
  std::vector<std::shared_ptr<op::MatMul>> layers;
  for (const auto& node : graph.get_ordered_ops()) {
    const auto layer = ov::as_type_ptr<op::MatMul>(node);
    if (layer && is_constant(layer->input_value(1)) && !is_constant(layer->input_value(0)) &&
        layer->get_output_partial_shape(0).rank().compatible(3)) {
      layers.push_back(layer);
    }
  }
  return layers;
}

/// What is looked at of a layer.
struct Observed {
  std::vector<float> input;
  std::vector<float> output;
  std::size_t n_channels = 0;  ///< of the input
};

/// The graph with a sample of each named layer's input and output as further results.
class ObservedGraph {
 public:
  ObservedGraph(const std::shared_ptr<ov::Model>& graph,
                const std::set<std::string>& names,
                std::int64_t n_frames)
      : graph_(graph->clone()), n_frames_(n_frames) {
    for (const auto& layer : layers_of(*graph_)) {
      if (names.contains(layer->get_friendly_name())) {
        names_.push_back(layer->get_friendly_name());
        observe(behind_quantizers(layer->input_value(0)));
        observe(layer->output(0));
      }
    }
  }

  ov::InferRequest compile(ov::Core& core) {
    return core.compile_model(graph_, "CPU", ov::hint::inference_precision(ov::element::f32))
        .create_infer_request();
  }

  /// After infer().
  std::map<std::string, Observed> observed(ov::InferRequest& request) const {
    std::map<std::string, Observed> values;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const ov::Tensor input = request.get_output_tensor(first_ + 2 * i);
      const ov::Tensor output = request.get_output_tensor(first_ + 2 * i + 1);
      values[names_[i]] = {
          .input = copy(input), .output = copy(output), .n_channels = input.get_shape().back()};
    }
    return values;
  }

  const std::vector<std::string>& names() const { return names_; }

 private:
  static std::vector<float> copy(const ov::Tensor& tensor) {
    const float* data = tensor.data<const float>();
    return {data, data + tensor.get_size()};
  }

  void observe(const ov::Output<ov::Node>& value) {
    const auto integers = [](std::int64_t i) { return op::Constant::create(ov::element::i64, {1}, {i}); };
    const std::int64_t step = std::max<std::int64_t>(1, n_frames_ / kFrames);
    const auto sample =
        std::make_shared<op::Slice>(value, integers(0), integers(n_frames_), integers(step), integers(1));
    const auto numbers = std::make_shared<op::Convert>(sample, ov::element::f32);
    graph_->add_results({std::make_shared<op::Result>(numbers)});
    first_ = first_ == 0 ? graph_->get_results().size() - 1 : first_;
  }

  std::shared_ptr<ov::Model> graph_;
  std::int64_t n_frames_;
  std::vector<std::string> names_;
  std::size_t first_ = 0;  ///< result of the first layer's input; the graph's own come before
};

double sqnr_db(const std::vector<float>& wanted, const std::vector<float>& found) {
  double signal = 0.0;
  double noise = 0.0;
  for (std::size_t i = 0; i < std::min(wanted.size(), found.size()); ++i) {
    signal += static_cast<double>(wanted[i]) * wanted[i];
    noise += (static_cast<double>(found[i]) - wanted[i]) * (static_cast<double>(found[i]) - wanted[i]);
  }
  constexpr double kExact = 150.0;  // beyond what f32 can tell
  return noise > 0.0 && signal > 0.0 ? std::min(kExact, 10.0 * std::log10(signal / noise)) : kExact;
}

/// Largest |value| of the widest channel / of the median one; 0 where that is 0.
double outlier_ratio(const Observed& layer) {
  std::vector<float> widest(layer.n_channels);
  for (std::size_t i = 0; i < layer.input.size(); ++i) {
    float& channel = widest[i % layer.n_channels];
    channel = std::max(channel, std::abs(layer.input[i]));
  }
  if (widest.empty()) {
    return 0.0;
  }
  const auto middle = widest.begin() + static_cast<std::ptrdiff_t>(widest.size() / 2);
  std::nth_element(widest.begin(), middle, widest.end());
  const float largest = *std::max_element(middle, widest.end());
  return *middle > 0.0F ? static_cast<double>(largest) / *middle : 0.0;
}

std::vector<LayerFidelity> fidelity(const std::vector<std::string>& names,
                                    const std::map<std::string, Observed>& first,
                                    const std::map<std::string, Observed>& other) {
  std::vector<LayerFidelity> layers;
  for (const std::string& name : names) {
    const Observed& a = first.at(name);
    const Observed& b = other.at(name);
    if (a.input.empty()) {
      continue;
    }
    const auto [low, high] = std::minmax_element(a.input.begin(), a.input.end());
    layers.push_back({.name = name,
                      .sqnr_db = sqnr_db(a.output, b.output),
                      .low = *low,
                      .high = *high,
                      .outlier_before = outlier_ratio(a),
                      .outlier_after = outlier_ratio(b)});
  }
  return layers;
}

std::set<std::string> shared_names(const ov::Model& first, const ov::Model& other) {
  std::set<std::string> of_first;
  for (const auto& layer : layers_of(first)) {
    of_first.insert(layer->get_friendly_name());
  }
  std::set<std::string> names;
  for (const auto& layer : layers_of(other)) {
    if (of_first.contains(layer->get_friendly_name())) {
      names.insert(layer->get_friendly_name());
    }
  }
  return names;
}

/// The window of the utterance's beginning as the encoder takes it.
ov::Tensor features(const Speech& speech, const model::ModelDimensions& dims) {
  const auto n = std::min(speech.samples.size(), static_cast<std::size_t>(audio::kWindowSamples));
  const audio::LogMel mel = audio::pad_or_trim(
      audio::log_mel_spectrogram(std::span(speech.samples).first(n), static_cast<int>(dims.n_mels),
                                 static_cast<std::size_t>(audio::kWindowSamples) - n));
  ov::Tensor tensor(ov::element::f32, {1, static_cast<std::size_t>(dims.n_mels), mel.n_frames});
  std::copy(mel.values.begin(), mel.values.end(), tensor.data<float>());
  return tensor;
}

/// Start, task and words of the utterance as tokens, as long as the decoder can take.
ov::Tensor tokens(const Speech& speech, const fs::path& directory, const model::ModelDimensions& dims) {
  const auto tokenizer = text::Tokenizer::load(directory);
  std::vector<std::int64_t> ids = {tokenizer.sot(), tokenizer.transcribe(), tokenizer.no_timestamps()};
  for (const text::TokenId id : tokenizer.encode(" " + speech.text)) {
    ids.push_back(id);
  }
  ids.resize(std::min(ids.size(), static_cast<std::size_t>(dims.n_text_ctx)));
  ov::Tensor tensor(ov::element::i64, {1, ids.size()});
  std::copy(ids.begin(), ids.end(), tensor.data<std::int64_t>());
  return tensor;
}

/// Both models' layers of one part, run on what `feed` sets.
template <typename Feed>
std::vector<LayerFidelity> compare_part(ov::Core& core,
                                        const std::shared_ptr<ov::Model>& first,
                                        const std::shared_ptr<ov::Model>& other,
                                        std::int64_t n_frames,
                                        const Feed& feed) {
  const std::set<std::string> names = shared_names(*first, *other);
  const auto run = [&](ObservedGraph& graph) {
    ov::InferRequest request = graph.compile(core);
    feed(request);
    request.infer();
    return graph.observed(request);
  };
  ObservedGraph first_graph(first, names, n_frames);
  ObservedGraph other_graph(other, names, n_frames);
  const auto of_first = run(first_graph);
  return fidelity(first_graph.names(), of_first, run(other_graph));
}

}  // namespace

ModelFidelity compare_layers(const fs::path& first,
                             const fs::path& other,
                             const Speech& speech,
                             const Progress& progress) {
  step(progress, "layers", 0, 2);
  const model::WhisperModel a = model::load(first);
  const model::WhisperModel b = model::load(other);
  return model::translate_ir_errors("layers", ErrorCode::unsupported, [&] {
    ov::Core core;
    const ov::Tensor mel = features(speech, a.dims);
    const auto n_frames = std::clamp<std::int64_t>(
        static_cast<std::int64_t>(speech.samples.size()) / (2 * audio::kHopSamples), 1, a.dims.n_audio_ctx);
    ov::Tensor hidden;
    ModelFidelity result;
    result.encoder = compare_part(core, a.encoder, b.encoder, n_frames, [&](ov::InferRequest& request) {
      request.set_tensor("input_features", mel);
    });
    step(progress, "layers", 1, 2);

    ov::InferRequest encoder =
        core.compile_model(a.encoder, "CPU", ov::hint::inference_precision(ov::element::f32))
            .create_infer_request();
    encoder.set_tensor("input_features", mel);
    encoder.infer();
    hidden = encoder.get_tensor("last_hidden_state");
    const ov::Tensor ids = tokens(speech, first, a.dims);
    ov::Tensor only_row(ov::element::i32, {1});
    only_row.data<std::int32_t>()[0] = 0;
    const auto n_tokens = static_cast<std::int64_t>(ids.get_size());
    result.decoder = compare_part(core, a.decoder, b.decoder, n_tokens, [&](ov::InferRequest& request) {
      request.set_tensor("encoder_hidden_states", hidden);
      request.set_tensor("input_ids", ids);
      request.set_tensor("beam_idx", only_row);
    });
    step(progress, "layers", 2, 2);
    return result;
  });
}

}  // namespace sotto::evaluate
