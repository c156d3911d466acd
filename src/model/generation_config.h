#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

namespace sotto::model {

/// generation_config.json with every field transcription needs: what the file lacks is taken from config.json
/// and from the tokenizer by the text of the special tokens, never by the ids of another Whisper version.
/// Other fields are left as they are. Throws Error(bad_format | not_found) naming what cannot be found.
nlohmann::json complete_generation_config(const std::filesystem::path& directory);

}  // namespace sotto::model
