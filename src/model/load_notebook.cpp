#include "model/load_notebook.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <openvino/op/scaled_dot_product_attention.hpp>
#include <openvino/op/softmax.hpp>

#include "model/read_graph.h"
#include "model/sources/companion_files.h"
#include "sotto/error.h"

namespace sotto::model {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kAudioPositions = 1500;
constexpr std::int64_t kTextPositions = 448;
constexpr std::int64_t kHeadSize = 64;
using Attention = ov::op::v13::ScaledDotProductAttention;
using Port = ov::Output<ov::Node>;

[[noreturn]] void refuse(const fs::path& file, const std::string& what) {
  throw Error(ErrorCode::bad_format, file.string(), what);
}

/// The fixed size of an axis of a port.
std::int64_t axis(
    const Port& port, std::size_t n_axes, std::size_t index, const std::string& name, const fs::path& file) {
  const ov::PartialShape shape = port.get_partial_shape();
  if (shape.rank().is_dynamic() || shape.size() != n_axes || shape[index].is_dynamic()) {
    refuse(file, fmt::format("{}: expected {} axes and a fixed size of axis {}, found shape {}.", name,
                             n_axes, index, shape.to_string()));
  }
  return shape[index].get_length();
}

void expect_type(const Port& port,
                 const ov::element::Type& type,
                 const std::string& name,
                 const fs::path& file) {
  if (port.get_element_type() != type) {
    refuse(file, fmt::format("{}: expected {}, found {}.", name, type.to_string(),
                             port.get_element_type().to_string()));
  }
}

/// Attention nodes, or softmaxes where attention is in parts.
std::int64_t count_attentions(const ov::Model& graph) {
  const auto ops = graph.get_ops();
  return std::count_if(ops.begin(), ops.end(), [](const auto& node) {
    return ov::is_type<Attention>(node) || ov::is_type<ov::op::v1::Softmax>(node) ||
           ov::is_type<ov::op::v8::Softmax>(node);
  });
}

/// Heads as an attention node shows them; 64 wide, as every Whisper's, where there is none.
std::int64_t count_heads(const ov::Model& graph, std::int64_t n_state) {
  for (const auto& node : graph.get_ops()) {
    if (!ov::is_type<Attention>(node)) {
      continue;
    }
    const ov::PartialShape query = node->get_input_partial_shape(0);
    if (query.rank() == 4 && query[1].is_static() && query[1].get_length() > 0) {
      return query[1].get_length();
    }
  }
  return std::max<std::int64_t>(1, n_state / kHeadSize);
}

void bind_encoder(ov::Model& encoder, ModelDimensions& dims, const fs::path& file) {
  if (encoder.inputs().size() != 1 || encoder.outputs().empty()) {
    refuse(file, fmt::format("expected one input and one output, found {} and {}.", encoder.inputs().size(),
                             encoder.outputs().size()));
  }
  const Port features = encoder.input(0);
  const Port hidden = encoder.output(0);
  expect_type(features, ov::element::f32, "input 0", file);
  dims.n_mels = axis(features, 3, 1, "input 0", file);
  dims.n_audio_state = axis(hidden, 3, 2, "output 0", file);
  const ov::Dimension positions = hidden.get_partial_shape()[1];
  dims.n_audio_ctx = positions.is_static() ? positions.get_length() : kAudioPositions;
  dims.n_audio_head = count_heads(encoder, dims.n_audio_state);
  dims.n_audio_layer = std::max<std::int64_t>(1, count_attentions(encoder));
}

void bind_decoder(ov::Model& decoder, ModelDimensions& dims, const fs::path& file) {
  const std::size_t n_inputs = decoder.inputs().size();
  const std::size_t n_caches = n_inputs < 2 ? 0 : n_inputs - 2;
  if (n_caches == 0 || n_caches % 2 != 0 || decoder.outputs().size() != 1 + n_caches) {
    refuse(file,
           fmt::format("expected tokens, the encoder's output and two caches a layer as inputs, logits and "
                       "the caches as outputs, found {} inputs and {} outputs.",
                       n_inputs, decoder.outputs().size()));
  }
  expect_type(decoder.input(0), ov::element::i64, "input 0", file);
  expect_type(decoder.input(1), ov::element::f32, "input 1", file);
  dims.n_text_state = axis(decoder.input(2), 3, 2, "input 2", file);
  for (std::size_t i = 0; i < n_caches; ++i) {
    const std::string name = fmt::format("input {}", i + 2);
    expect_type(decoder.input(i + 2), ov::element::f32, name, file);
    if (axis(decoder.input(i + 2), 3, 2, name, file) != dims.n_text_state) {
      refuse(file, fmt::format("{}: expected caches of one width, {}.", name, dims.n_text_state));
    }
  }
  dims.n_vocab = axis(decoder.output(0), 3, 2, "output 0", file);
  dims.n_text_ctx = kTextPositions;
  dims.n_text_layer = static_cast<std::int64_t>(n_caches / 2);
  dims.n_text_head = count_heads(decoder, dims.n_text_state);
}

/// The files beside the pair if there are any, else such as its dimensions imply.
void set_directory(WhisperModel& model, const IrFiles& files) {
  model.directory = files.directory;
  if (fs::exists(files.directory / "config.json") && fs::exists(files.directory / "tokenizer.json")) {
    const ModelDimensions told = read_dimensions(files.directory);
    if (told.n_vocab != model.dims.n_vocab || told.n_mels != model.dims.n_mels ||
        told.n_text_state != model.dims.n_text_state || told.n_text_layer != model.dims.n_text_layer) {
      refuse(files.directory / "config.json",
             fmt::format(
                 "expected {} mels, {} tokens and {} layers of width {} as the graphs have, found {}, {}, "
                 "{} and {}.",
                 model.dims.n_mels, model.dims.n_vocab, model.dims.n_text_layer, model.dims.n_text_state,
                 told.n_mels, told.n_vocab, told.n_text_layer, told.n_text_state));
    }
    model.dims = told;
    return;
  }
  const sources::Source source{.kind = sources::Source::Kind::openai,
                               .path = files.encoder,
                               .directory = files.directory,
                               .dims = model.dims,
                               .tensors = {},
                               .tokens = {},
                               .keep_alive = {}};
  const auto companions = std::make_shared<const sources::CompanionDirectory>(source);
  model.directory = companions->path();
  model.directory_owner = companions;
}

/// Calls visit(port, name) for the five ports that WhisperModel names.
template <typename Visit>
void visit_named_ports(const WhisperModel& model, Visit&& visit) {
  visit(model.encoder->input(0), "input_features");
  visit(model.encoder->output(0), "last_hidden_state");
  visit(model.decoder->input(0), "input_ids");
  visit(model.decoder->input(1), "encoder_hidden_states");
  visit(model.decoder->output(0), "logits");
}

}  // namespace

void name_notebook_ports(WhisperModel& model) {
  visit_named_ports(model, [](Port port, const char* name) { port.add_names({name}); });
}

void restore_notebook_names(WhisperModel& model) {
  visit_named_ports(model, [](Port port, const char* name) {
    auto names = port.get_names();
    names.erase(name);
    if (!names.empty()) {
      port.set_names(names);
    }
  });
}

WhisperModel load_notebook(const IrFiles& files) {
  WhisperModel model;
  model.layout = Layout::notebook;
  model.name = files.name;
  model.encoder = read_graph(files.encoder);
  bind_encoder(*model.encoder, model.dims, files.encoder);
  model.decoder = read_graph(files.decoder);
  bind_decoder(*model.decoder, model.dims, files.decoder);
  if (model.dims.n_audio_state != model.dims.n_text_state) {
    refuse(files.decoder, fmt::format("expected caches as wide as the encoder's output, {}, found {}.",
                                      model.dims.n_audio_state, model.dims.n_text_state));
  }
  name_notebook_ports(model);
  set_directory(model, files);
  model.generation = read_generation_config(model.directory);
  return model;
}

}  // namespace sotto::model
