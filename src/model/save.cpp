#include "model/save.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/openvino.hpp>

#include "core/atomic_file.h"
#include "model/generation_config.h"
#include "model/ir_error.h"
#include "model/ir_files.h"
#include "model/load_notebook.h"
#include "model/tokenizer_ir.h"
#include "sotto/error.h"
#include "sotto/model.h"

namespace sotto::model {
namespace fs = std::filesystem;
namespace {

using ov::op::v0::Constant;
using ov::op::v0::Convert;

/// Files that belong to a model beside its graphs, copied where they exist.
constexpr std::array<std::string_view, 16> kCopiedFiles = {
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "vocab.json",
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "normalizer.json",
    "README.md",
    "LICENSE",
    "openvino_tokenizer.xml",
    "openvino_tokenizer.bin",
    "openvino_detokenizer.xml",
    "openvino_detokenizer.bin",
};

/// One graph and the name of its .xml file.
struct GraphFile {
  std::shared_ptr<ov::Model> graph;
  std::string name;
};

bool is_quantized(const ov::Model& graph) {
  const auto ops = graph.get_ops();
  return std::any_of(ops.begin(), ops.end(),
                     [](const auto& node) { return ov::is_type<ov::op::v0::FakeQuantize>(node); });
}

/// Graphs that are shared with `model` are copied where their names have to change.
std::vector<GraphFile> graph_files(const WhisperModel& model) {
  switch (model.layout) {
    case Layout::notebook: {
      WhisperModel named = model;
      named.encoder = model.encoder->clone();
      named.decoder = model.decoder->clone();
      restore_notebook_names(named);
      return {{named.encoder, notebook_file(model.name, "encoder", is_quantized(*named.encoder))},
              {named.decoder, notebook_file(model.name, "decoder", is_quantized(*named.decoder))}};
    }
    case Layout::whisper_cpp:
      return {{model.encoder, whisper_cpp_file(model.name)}};
    case Layout::openvino:
      break;
  }
  return {{model.encoder, kEncoderFile}, {model.decoder, kDecoderFile}};
}

/// Everything in a directory that is replaced goes away: only what sotto writes there may.
void refuse_other_directories(const fs::path& directory, const std::vector<GraphFile>& files) {
  std::error_code error;
  if (!fs::is_directory(directory, error) || fs::exists(directory / kEncoderFile, error)) {
    return;
  }
  std::set<std::string> ours(kCopiedFiles.begin(), kCopiedFiles.end());
  ours.insert("generation_config.json");
  for (const GraphFile& file : files) {
    ours.insert(file.name);
    ours.insert(fs::path(file.name).replace_extension(".bin").string());
  }
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (!ours.contains(entry.path().filename().string())) {
      throw Error(
          ErrorCode::io, directory.string(),
          fmt::format("expected a new directory or one that holds an OpenVINO model, found {} and maybe "
                      "other files; nothing was written.",
                      entry.path().filename().string()));
    }
  }
}

/// A copy of the graph whose f16 weights are f32; all other constants are shared with it.
std::shared_ptr<ov::Model> unfold_f16(const std::shared_ptr<ov::Model>& model) {
  const auto unfolded = model->clone();
  for (const auto& node : unfolded->get_ordered_ops()) {
    const auto convert = ov::as_type_ptr<Convert>(node);
    const auto f16 = convert ? ov::as_type_ptr<Constant>(convert->get_input_node_shared_ptr(0)) : nullptr;
    if (!f16 || f16->get_element_type() != ov::element::f16 ||
        convert->get_destination_type() != ov::element::f32) {
      continue;
    }
    const auto f32 =
        std::make_shared<Constant>(ov::element::f32, f16->get_shape(), f16->cast_vector<float>());
    f32->set_friendly_name(f16->get_friendly_name());
    ov::replace_node(convert, f32);
  }
  return unfolded;
}

/// Writes one graph and reads it back: a full disk shows here, before anything is in place.
void save_graph(const std::shared_ptr<ov::Model>& graph,
                const fs::path& xml,
                std::optional<WeightFormat> format) {
  if (format == WeightFormat::fp32) {
    ov::save_model(unfold_f16(graph), xml.string(), false);
  } else {
    ov::save_model(graph, xml.string(), format == WeightFormat::fp16);
  }
  ov::Core().read_model(xml.string());
}

void copy_companions(const fs::path& from, const fs::path& to) {
  for (const std::string_view name : kCopiedFiles) {
    std::error_code error;
    if (fs::is_regular_file(from / name) && !fs::copy_file(from / name, to / name, error)) {
      throw Error(ErrorCode::io, (from / name).string(), fmt::format("copying failed: {}.", error.message()));
    }
  }
}

}  // namespace

void save_as(const WhisperModel& model, const fs::path& directory, std::optional<WeightFormat> format) {
  const std::vector<GraphFile> files = graph_files(model);
  refuse_other_directories(directory, files);
  AtomicDirectory out(directory);
  translate_ir_errors(directory.string(), ErrorCode::io, [&] {
    for (const GraphFile& file : files) {
      save_graph(file.graph, out.path() / file.name, format);
    }
  });
  if (model.layout != Layout::whisper_cpp) {
    copy_companions(model.directory, out.path());
    write_file_atomically(out.path() / "generation_config.json",
                          complete_generation_config(model.directory).dump(2) + "\n");
  }
  if (model.layout == Layout::openvino) {
    write_tokenizer_ir(out.path());
  }
  out.commit();
}

void expect_writable(const WhisperModel& model, const fs::path& directory) {
  refuse_other_directories(directory, graph_files(model));
  const AtomicDirectory taken_away_again(directory);
}

void save(const WhisperModel& model, const fs::path& directory, const ConvertOptions& options) {
  save_as(model, directory, options.weight_format);
}

}  // namespace sotto::model
