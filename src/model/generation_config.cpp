#include "model/generation_config.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/json_file.h"
#include "model/sources/alignment_heads.h"
#include "model/sources/companion_files.h"
#include "sotto/error.h"
#include "sotto/model.h"

namespace sotto::model {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;
using TokenIds = std::map<std::string, std::int32_t>;

json read_if_there(const fs::path& path) {
  return fs::exists(path) ? read_json_object(path) : json::object();
}

/// Special tokens of added_tokens.json, tokenizer.json and vocab.json, whichever are there.
TokenIds special_tokens(const fs::path& directory) {
  TokenIds ids;
  const auto add = [&](const std::string& text, const json& id) {
    if (text.starts_with("<|") && text.ends_with("|>") && id.is_number_integer()) {
      ids.emplace(text, id.get<std::int32_t>());
    }
  };
  const json tokenizer = read_if_there(directory / "tokenizer.json");
  const json added = tokenizer.value("added_tokens", json::array());
  for (const json& token : added) {
    if (token.is_object() && token.contains("content") && token["content"].is_string()) {
      add(token["content"].get<std::string>(), token.value("id", json()));
    }
  }
  for (const char* file : {"added_tokens.json", "vocab.json"}) {
    const json vocabulary = read_if_there(directory / file);
    for (const auto& [text, id] : vocabulary.items()) {
      add(text, id);
    }
  }
  return ids;
}

/// "<|en|>", "<|haw|>": two or three small letters; no other special token of Whisper looks so.
bool is_language_token(std::string_view text) {
  const std::string_view code = text.substr(2, text.size() - 4);
  return (code.size() == 2 || code.size() == 3) &&
         std::all_of(code.begin(), code.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

bool is_missing(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null();
}

/// Fills fields of generation_config.json that are missing.
class Completion {
 public:
  Completion(json generation, const fs::path& directory)
      : generation_(std::move(generation)),
        directory_(directory),
        config_(read_if_there(directory / "config.json")),
        tokens_(special_tokens(directory)),
        official_(sources::official_special_tokens(
            json_field<std::int64_t>(config_, "vocab_size", 0, directory / "config.json"))) {
    if (official_ && !tokens_.contains("<|startoftranscript|>")) {
      const auto named = official_->named();
      tokens_.insert(named.begin(), named.end());
    }
  }

  json complete() {
    for (const char* key : {"suppress_tokens", "begin_suppress_tokens", "alignment_heads", "max_length"}) {
      fill_from_config(key);
    }
    fill_token("decoder_start_token_id", {"<|startoftranscript|>"});
    fill_token("eos_token_id", {"<|endoftext|>"});
    fill_token("pad_token_id", {"<|endoftext|>"});
    fill_token("no_timestamps_token_id", {"<|notimestamps|>"});
    fill_token("prev_sot_token_id", {"<|startofprev|>"});
    fill_default("max_initial_timestamp_index", 50);
    fill_default("is_multilingual", looks_multilingual());
    if (generation_["is_multilingual"] == true) {
      fill_languages();
      fill_tasks();
    }
    fill_alignment_heads();
    fill_suppressed_tokens();
    return generation_;
  }

 private:
  void fill_default(const char* key, json value) {
    if (is_missing(generation_, key)) {
      generation_[key] = std::move(value);
    }
  }

  void fill_from_config(const char* key) {
    if (is_missing(generation_, key) && !is_missing(config_, key)) {
      generation_[key] = config_[key];
    }
  }

  /// From the generation config, else the tokenizer's token of that text, else config.json.
  void fill_token(const char* key, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      if (const auto found = tokens_.find(text); found != tokens_.end()) {
        fill_default(key, found->second);
      }
    }
    fill_from_config(key);
    if (is_missing(generation_, key)) {
      throw Error(
          ErrorCode::bad_format, (directory_ / "generation_config.json").string(),
          fmt::format("field \"{}\" is missing and the tokenizer has no token {}.", key, texts.front()));
    }
  }

  /// English-only tokenizers carry the language tokens too; only the size of the vocabulary tells them apart
  /// (openai/whisper 20250625, model.py, is_multilingual).
  bool looks_multilingual() const {
    constexpr std::int64_t kEnglishOnlyVocabulary = 51864;
    const auto n_languages = std::count_if(tokens_.begin(), tokens_.end(),
                                           [](const auto& token) { return is_language_token(token.first); });
    return n_languages > 1 && json_field<std::int64_t>(config_, "vocab_size", 0,
                                                       directory_ / "config.json") != kEnglishOnlyVocabulary;
  }

  void fill_languages() {
    json languages = json::object();
    for (const auto& [text, id] : tokens_) {
      if (is_language_token(text)) {
        languages[text] = id;
      }
    }
    fill_default("lang_to_id", std::move(languages));
  }

  void fill_tasks() {
    json tasks = json::object();
    for (const char* task : {"transcribe", "translate"}) {
      if (const auto found = tokens_.find(fmt::format("<|{}|>", task)); found != tokens_.end()) {
        tasks[task] = found->second;
      }
    }
    fill_default("task_to_id", std::move(tasks));
  }

  /// The heads of the official model of these dimensions, as fine-tuning keeps them; without any, all of the
  /// upper half of the layers tell time (openai/whisper model.py, Whisper).
  void fill_alignment_heads() {
    if (!is_missing(generation_, "alignment_heads")) {
      return;
    }
    const auto official = sources::official_alignment_heads(read_dimensions(directory_), directory_);
    if (!official.empty()) {
      generation_["alignment_heads"] = official;
      return;
    }
    const fs::path path = directory_ / "config.json";
    const auto n_layer = required_json_field<int>(config_, "decoder_layers", path);
    const auto n_head = required_json_field<int>(config_, "decoder_attention_heads", path);
    json heads = json::array();
    for (int layer = n_layer / 2; layer < n_layer; ++layer) {
      for (int head = 0; head < n_head; ++head) {
        heads.push_back({layer, head});
      }
    }
    generation_["alignment_heads"] = std::move(heads);
  }

  /// Openai's lists, where the vocabulary is one of Whisper's and its text tokens can be read.
  void fill_suppressed_tokens() {
    const bool is_complete =
        !is_missing(generation_, "suppress_tokens") && !is_missing(generation_, "begin_suppress_tokens");
    const fs::path named = directory_ / "tokenizer.json";
    const fs::path path = fs::exists(named) ? named : directory_ / "vocab.json";
    if (is_complete || !official_ || !fs::exists(path)) {
      return;
    }
    try {
      const auto n_text_tokens = static_cast<std::size_t>(official_->n_text_tokens);
      const auto vocabulary = sources::Vocabulary::read_json(path, n_text_tokens);
      fill_default("suppress_tokens", sources::suppress_tokens(*official_, vocabulary));
      fill_default("begin_suppress_tokens", sources::begin_suppress_tokens(*official_, vocabulary));
    } catch (const Error&) {
      return;  // a vocabulary of its own under Whisper's size: nothing is known of its tokens
    }
  }

  json generation_;
  fs::path directory_;
  json config_;
  TokenIds tokens_;
  std::optional<sources::SpecialTokens> official_;
};

/// An id, or the first of a list of ids as newer exporters write eos_token_id.
std::int32_t token_field(const json& generation, const char* key, const fs::path& path) {
  const auto found = generation.find(key);
  if (found != generation.end() && found->is_array() && !found->empty() &&
      found->front().is_number_integer()) {
    return found->front().get<std::int32_t>();
  }
  return required_json_field<std::int32_t>(generation, key, path);
}

}  // namespace

json complete_generation_config(const fs::path& directory) {
  return Completion(read_if_there(directory / "generation_config.json"), directory).complete();
}

GenerationConfig read_generation_config(const fs::path& directory) {
  using Ids = std::vector<std::int32_t>;
  const fs::path path = directory / "generation_config.json";
  const json from = complete_generation_config(directory);
  GenerationConfig config;
  config.lang_to_id = json_field<TokenIds>(from, "lang_to_id", {}, path);
  config.task_to_id = json_field<TokenIds>(from, "task_to_id", {}, path);
  config.suppress_tokens = json_field<Ids>(from, "suppress_tokens", {}, path);
  config.begin_suppress_tokens = json_field<Ids>(from, "begin_suppress_tokens", {}, path);
  config.alignment_heads = json_field<std::vector<std::pair<int, int>>>(from, "alignment_heads", {}, path);
  config.decoder_start_token_id = token_field(from, "decoder_start_token_id", path);
  config.eos_token_id = token_field(from, "eos_token_id", path);
  config.no_timestamps_token_id = token_field(from, "no_timestamps_token_id", path);
  config.prev_sot_token_id = token_field(from, "prev_sot_token_id", path);
  config.max_initial_timestamp_index = json_field(from, "max_initial_timestamp_index", 50, path);
  config.is_multilingual = json_field(from, "is_multilingual", true, path);
  return config;
}

}  // namespace sotto::model
