#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sotto::model {

/// Names in a directory of optimum-intel and openvino.genai; each graph has a .bin beside it.
inline constexpr const char* kEncoderFile = "openvino_encoder_model.xml";
inline constexpr const char* kDecoderFile = "openvino_decoder_model.xml";
inline constexpr const char* kDecoderWithPastFile = "openvino_decoder_with_past_model.xml";

/// The graphs of an OpenVINO model on disk.
struct IrFiles {
  enum class Kind {
    stateful,   ///< one decoder that keeps state
    with_past,  ///< a decoder for the first step, and one for the others with caches as inputs
    notebook,   ///< whisper_{name}_encoder[_int8].xml and _decoder[_int8].xml
  };
  Kind kind = Kind::stateful;
  std::string name;  ///< of a notebook's pair: "large-v2"
  std::filesystem::path directory;
  std::filesystem::path encoder;
  std::filesystem::path decoder;
  std::filesystem::path decoder_with_past;
};

/// The models of a directory, or the one that an .xml file belongs to: optimum's, else all of a notebook's
/// pairs. Empty where there is none.
std::vector<IrFiles> find_ir_files(const std::filesystem::path& path);

/// The one model there is. Throws Error(not_found) for none, (invalid_argument) naming all for several.
IrFiles expect_ir_files(const std::filesystem::path& path);

/// "whisper_base_encoder.xml" of "base", "whisper_base_encoder_int8.xml" if quantized.
std::string notebook_file(const std::string& name, const char* part, bool is_quantized);

/// "ggml-base-encoder-openvino.xml", where whisper.cpp looks for the encoder of ggml-base.bin and of its
/// quantized forms (src/whisper.cpp 1.8, whisper_openvino_get_path_encoder).
std::string whisper_cpp_file(const std::string& name);

/// The encoder that whisper.cpp loads, if it is in the directory.
std::optional<std::filesystem::path> find_whisper_cpp_encoder(const std::filesystem::path& directory);

}  // namespace sotto::model
