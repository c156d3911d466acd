#include <array>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/openvino.hpp>

#include "core/atomic_file.h"
#include "model/generation_config.h"
#include "model/ir_error.h"
#include "model/ir_files.h"
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

void refuse_other_directories(const fs::path& directory) {
  std::error_code ignored;
  if (fs::is_directory(directory) && !fs::is_empty(directory, ignored) && !is_ir_directory(directory)) {
    throw Error(ErrorCode::io, directory.string(),
                "expected a new directory or one that holds an OpenVINO model, found other files; nothing "
                "was written.");
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
void save_graph(const std::shared_ptr<ov::Model>& graph, const fs::path& xml, WeightFormat format) {
  if (format == WeightFormat::fp16) {
    ov::save_model(graph, xml.string(), true);
  } else {
    ov::save_model(unfold_f16(graph), xml.string(), false);
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

void save(const WhisperModel& model, const fs::path& directory, const ConvertOptions& options) {
  refuse_other_directories(directory);
  AtomicDirectory out(directory);
  translate_ir_errors(directory.string(), ErrorCode::io, [&] {
    save_graph(model.encoder, out.path() / kEncoderFile, options.weight_format);
    save_graph(model.decoder, out.path() / kDecoderFile, options.weight_format);
  });
  copy_companions(model.directory, out.path());
  write_file_atomically(out.path() / "generation_config.json",
                        complete_generation_config(model.directory).dump(2) + "\n");
  out.commit();
}

}  // namespace sotto::model
