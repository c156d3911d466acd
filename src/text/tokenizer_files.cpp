#include "text/tokenizer_files.h"

#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/json_file.h"
#include "sotto/error.h"
#include "text/byte_level.h"

namespace sotto::text {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw Error(ErrorCode::bad_format, path.string(), what);
}

constexpr TokenId kMaxId = 1'000'000;  // far above any vocabulary; ids index arrays

TokenId token_id(const json& value, const std::string& token, const fs::path& path) {
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0 || value.get<std::int64_t>() >= kMaxId) {
    fail(path, fmt::format("expected an id of 0 or more for token \"{}\", found {}.", token, value.dump()));
  }
  return value.get<TokenId>();
}

void add_vocabulary(TokenizerFiles& files, const json& vocabulary, const fs::path& path) {
  for (const auto& [spelling, value] : vocabulary.items()) {
    const TokenId id = token_id(value, spelling, path);
    if (const auto bytes = bytes_of_spelling(spelling);
        bytes && !(spelling.starts_with("<|") && spelling.ends_with("|>"))) {
      files.vocabulary.emplace(*bytes, id);
    } else {
      files.added.push_back({.id = id, .content = spelling});
    }
  }
}

void add_merge(TokenizerFiles& files, std::string_view left, std::string_view right, const fs::path& path) {
  auto left_bytes = bytes_of_spelling(left);
  auto right_bytes = bytes_of_spelling(right);
  if (!left_bytes || !right_bytes || left.empty() || right.empty()) {
    fail(path, fmt::format("merge {} is not a pair of byte-level tokens: \"{} {}\".", files.merges.size(),
                           left, right));
  }
  files.merges.emplace_back(std::move(*left_bytes), std::move(*right_bytes));
}

void add_merge_line(TokenizerFiles& files, std::string_view line, const fs::path& path) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) {
    fail(path, fmt::format("merge {} is not two tokens: \"{}\".", files.merges.size(), line));
  }
  add_merge(files, line.substr(0, space), line.substr(space + 1), path);
}

/// Merges are pairs since tokenizers 0.20, strings with one space before.
void add_merges(TokenizerFiles& files, const json& merges, const fs::path& path) {
  for (const json& merge : merges) {
    if (merge.is_string()) {
      add_merge_line(files, merge.get<std::string>(), path);
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      add_merge(files, merge[0].get<std::string>(), merge[1].get<std::string>(), path);
    } else {
      fail(path, fmt::format("merge {} is neither a string nor a pair of strings.", files.merges.size()));
    }
  }
}

/// What this tokenizer does is byte-level BPE and nothing before it; other files would give other ids.
void require_byte_level(TokenizerFiles& files, const json& root, const json& model, const fs::path& path) {
  const auto type = json_field<std::string>(model, "type", "BPE", path);
  if (type != "BPE" || json_field(model, "byte_fallback", false, path)) {
    throw Error(ErrorCode::unsupported, path.string(),
                fmt::format("expected a byte-level BPE model, found {}.", type));
  }
  const auto normalizer = root.find("normalizer");
  if (normalizer != root.end() && !normalizer->is_null()) {
    throw Error(ErrorCode::unsupported, path.string(),
                "expected no normalizer (Whisper has none), found one.");
  }
  const auto pre_tokenizer = json_field(root, "pre_tokenizer", json::object(), path);
  if (const auto name = json_field<std::string>(pre_tokenizer, "type", "ByteLevel", path);
      name != "ByteLevel") {
    throw Error(ErrorCode::unsupported, path.string(),
                fmt::format("expected pre_tokenizer ByteLevel, found {}.", name));
  }
  files.add_prefix_space = json_field(pre_tokenizer, "add_prefix_space", false, path);
}

TokenizerFiles read_tokenizer_json(const fs::path& path) {
  const json root = read_json_object(path);
  TokenizerFiles files{.source = path};
  const auto model = required_json_field<json>(root, "model", path);
  if (!model.is_object()) {
    fail(path, fmt::format("expected an object in \"model\", found {}.", model.type_name()));
  }
  require_byte_level(files, root, model, path);
  for (const json& token : json_field(root, "added_tokens", json::array(), path)) {
    if (!token.is_object()) {
      fail(path, "expected objects in \"added_tokens\".");
    }
    const auto content = required_json_field<std::string>(token, "content", path);
    files.added.push_back({.id = token_id(required_json_field<json>(token, "id", path), content, path),
                           .content = content,
                           .special = json_field(token, "special", false, path),
                           .lstrip = json_field(token, "lstrip", false, path),
                           .rstrip = json_field(token, "rstrip", false, path),
                           .single_word = json_field(token, "single_word", false, path)});
  }
  add_vocabulary(files, required_json_field<json>(model, "vocab", path), path);
  add_merges(files, required_json_field<json>(model, "merges", path), path);
  return files;
}

TokenizerFiles read_vocab_and_merges(const fs::path& directory) {
  TokenizerFiles files{.source = directory / "vocab.json"};
  add_vocabulary(files, read_json_object(files.source), files.source);
  const fs::path added_path = directory / "added_tokens.json";
  if (fs::exists(added_path)) {
    const json added = read_json_object(added_path);
    for (const auto& [content, id] : added.items()) {
      files.added.push_back({.id = token_id(id, content, added_path), .content = content});
    }
  }
  const fs::path merges_path = directory / "merges.txt";
  std::ifstream merges(merges_path);
  if (!merges) {
    throw Error(ErrorCode::not_found, merges_path.string(),
                "expected the merges of vocab.json, found no file.");
  }
  for (std::string line; std::getline(merges, line);) {
    if (!line.empty() && !line.starts_with("#version")) {
      add_merge_line(files, line, merges_path);
    }
  }
  return files;
}

}  // namespace

TokenizerFiles read_tokenizer_files(const fs::path& directory) {
  if (fs::exists(directory / "tokenizer.json")) {
    return read_tokenizer_json(directory / "tokenizer.json");
  }
  if (!fs::exists(directory / "vocab.json")) {
    throw Error(ErrorCode::not_found, directory.string(),
                "expected tokenizer.json, or vocab.json and merges.txt, found neither.");
  }
  return read_vocab_and_merges(directory);
}

}  // namespace sotto::text
