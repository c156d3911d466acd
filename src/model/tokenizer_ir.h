#pragma once

#include <filesystem>

namespace sotto::model {

/// Writes openvino_tokenizer.xml and openvino_detokenizer.xml, which openvino.genai loads, from the
/// directory's tokenizer.json and generation_config.json; files of these names that are there stay. Does
/// nothing where there is no byte-level tokenizer.json, for sotto itself does not need them.
///
/// The operations are those of the openvino_tokenizers extension, in the order its converter puts them for
/// Whisper's tokenizer (openvino_tokenizers 2026.4.1, hf_parser.py).
void write_tokenizer_ir(const std::filesystem::path& directory);

}  // namespace sotto::model
