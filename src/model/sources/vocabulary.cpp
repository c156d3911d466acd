#include "model/sources/vocabulary.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <set>
#include <span>

#include <fmt/format.h>

#include "core/json_file.h"
#include "model/safetensors.h"
#include "model/sources/byte_reader.h"
#include "sotto/error.h"

namespace sotto::model::sources {
namespace fs = std::filesystem;
namespace {

using Id = Vocabulary::Id;
constexpr Id kNoToken = std::numeric_limits<Id>::max();
constexpr std::size_t kLongestToken = 256;
constexpr std::size_t kMaxTokens = 1'000'000;

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::bad_format, where, what);
}

std::string utf8(char32_t c) {
  if (c < 0x80) {
    return {static_cast<char>(c)};
  }
  return {static_cast<char>(0xC0U | (c >> 6U)), static_cast<char>(0x80U | (c & 0x3FU))};
}

/// GPT-2's alphabet: printable Latin-1 stands for itself, the other bytes for U+0100 and on.
const std::array<std::string, 256>& alphabet() {
  static const std::array<std::string, 256> all_letters = [] {
    const auto is_printable = [](unsigned b) { return (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD); };
    std::array<std::string, 256> letters;
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < letters.size(); ++byte) {
      letters[byte] = utf8(is_printable(byte) ? byte : next++);
    }
    return letters;
  }();
  return all_letters;
}

/// The bytes a token of vocab.json stands for, or null if it has a letter outside the alphabet.
std::optional<std::string> bytes_of(std::string_view printable) {
  static const std::unordered_map<std::string_view, char> byte_of_letter = [] {
    std::unordered_map<std::string_view, char> bytes;
    for (unsigned byte = 0; byte < alphabet().size(); ++byte) {
      bytes.emplace(alphabet()[byte], static_cast<char>(byte));
    }
    return bytes;
  }();
  std::string bytes;
  while (!printable.empty()) {
    const std::size_t n = static_cast<unsigned char>(printable.front()) < 0x80 ? 1 : 2;
    const auto found = byte_of_letter.find(printable.substr(0, n));
    if (found == byte_of_letter.end()) {
      return std::nullopt;
    }
    bytes.push_back(found->second);
    printable.remove_prefix(std::min(n, printable.size()));
  }
  return bytes;
}

std::optional<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int n_bits = 0;
  for (const char c : text.substr(0, std::min(text.find('='), text.size()))) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    bits = (bits << 6U) | static_cast<unsigned>(digit);
    n_bits += 6;
    if (n_bits >= 8) {
      n_bits -= 8;
      bytes.push_back(static_cast<char>((bits >> static_cast<unsigned>(n_bits)) & 0xFFU));
    }
  }
  return bytes;
}

}  // namespace

Vocabulary::Vocabulary(std::vector<std::string> tokens, const std::string& where)
    : where_(where), tokens_(std::move(tokens)) {
  if (tokens_.size() > kMaxTokens) {
    fail(where, fmt::format("expected at most {} tokens, found {}.", kMaxTokens, tokens_.size()));
  }
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].size() > kLongestToken) {
      fail(where, fmt::format("token {}: expected at most {} bytes, found {}.", i, kLongestToken,
                              tokens_[i].size()));
    }
    if (!ids_.emplace(tokens_[i], static_cast<Id>(i)).second && !tokens_[i].empty()) {
      fail(where, fmt::format("token {}: {} is there twice.", i, shown(tokens_[i])));
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    if (id_of(std::string(1, static_cast<char>(byte))) == kNoToken) {
      fail(where, fmt::format("expected a token for each byte, found none for byte {}.", byte));
    }
  }
}

Vocabulary Vocabulary::read_tiktoken(const fs::path& path) {
  const MappedFile file(path);
  std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  std::vector<std::string> tokens;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size()));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t space = line.find(' ');
    if (line.empty()) {
      continue;
    }
    std::size_t rank = 0;
    const auto bytes = decode_base64(line.substr(0, std::min(space, line.size())));
    if (!bytes || space == std::string_view::npos ||
        std::from_chars(line.data() + space + 1, line.data() + line.size(), rank).ec != std::errc() ||
        rank != tokens.size()) {
      fail(path.string(),
           fmt::format("line {}: expected base64 and rank {}.", tokens.size() + 1, tokens.size()));
    }
    tokens.push_back(*bytes);
  }
  return {std::move(tokens), path.string()};
}

Vocabulary Vocabulary::read_json(const fs::path& path, std::size_t n_text_tokens) {
  const nlohmann::json json = read_json_object(path);
  const nlohmann::json* vocabulary = &json;
  if (json.contains("model")) {
    vocabulary =
        json["model"].is_object() && json["model"].contains("vocab") ? &json["model"]["vocab"] : nullptr;
  }
  if (vocabulary == nullptr || !vocabulary->is_object()) {
    fail(path.string(), "expected an object of tokens and ids, or one under \"model\", \"vocab\".");
  }
  std::vector<std::optional<std::string>> by_id(n_text_tokens);
  for (const auto& [token, id] : vocabulary->items()) {
    if (!id.is_number_unsigned()) {
      fail(path.string(), fmt::format("token {}: expected a whole number as id.", shown(token)));
    }
    if (id.get<std::size_t>() < n_text_tokens) {
      by_id[id.get<std::size_t>()] = bytes_of(token);
    }
  }
  std::vector<std::string> tokens;
  for (auto& token : by_id) {
    if (!token) {
      fail(path.string(),
           fmt::format("expected {} text tokens, found none (or no byte-level one) with id {}.",
                       n_text_tokens, tokens.size()));
    }
    tokens.push_back(std::move(*token));
  }
  return {std::move(tokens), path.string()};
}

Id Vocabulary::id_of(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? kNoToken : found->second;
}

/// Merges the bytes of `text` pair by pair, using tokens of ids below `end_rank`.
std::vector<Id> Vocabulary::merge(std::string_view text, Id end_rank) const {
  struct Part {
    std::size_t begin;
    Id with_next;  ///< the token this part and the next one make
  };
  std::vector<Part> parts;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    parts.push_back({i, kNoToken});
  }
  const auto update = [&](std::size_t i) {
    const Id id = i + 2 < parts.size()
                      ? id_of(text.substr(parts[i].begin, parts[i + 2].begin - parts[i].begin))
                      : kNoToken;
    parts[i].with_next = id < end_rank ? id : kNoToken;
  };
  for (std::size_t i = 0; i < parts.size(); ++i) {
    update(i);
  }
  for (;;) {
    const auto first = std::min_element(
        parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.with_next < b.with_next; });
    if (first->with_next == kNoToken) {
      break;
    }
    const auto i = static_cast<std::size_t>(first - parts.begin());
    parts.erase(first + 1);
    update(i);
    if (i > 0) {
      update(i - 1);
    }
  }
  std::vector<Id> ids;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    ids.push_back(id_of(text.substr(parts[i].begin, parts[i + 1].begin - parts[i].begin)));
  }
  return ids;
}

std::vector<std::pair<Id, Id>> Vocabulary::merges() const {
  std::vector<std::pair<Id, Id>> merges;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].size() < 2) {
      continue;
    }
    const std::vector<Id> parts = merge(tokens_[i], static_cast<Id>(i));
    if (parts.size() != 2) {
      fail(where_, fmt::format("token {}: expected {} to be made of two earlier tokens, found {}.", i,
                               shown(tokens_[i]), parts.size()));
    }
    merges.emplace_back(parts[0], parts[1]);
  }
  return merges;
}

std::vector<Id> Vocabulary::encode_piece(std::string_view text) const {
  return merge(text, kNoToken);
}

std::vector<Id> Vocabulary::non_speech_tokens() const {
  static constexpr std::string_view kSymbols[] = {
      "\"",  "#",  "(",  ")",  "*",   "+",  "/",  ":",   ";",   "<",  "=",  ">",  "@",  "[",   "\\",  "]",
      "^",   "_",  "`",  "{",  "|",   "}",  "~",  "「",  "」",  "『", "』", "<<", ">>", "<<<", ">>>", "--",
      "---", "-(", "-[", "('", "(\"", "((", "))", "(((", ")))", "[[", "]]", "{{", "}}", "♪♪",  "♪♪♪"};
  // Of these the first token is left out too where it takes several: no speech shares it.
  static constexpr std::string_view kMiscellaneous[] = {"♩", "♪", "♫", "♬", "♭", "♮", "♯"};
  std::set<Id> ids = {encode_piece(" -").front(), encode_piece(" '").front()};
  const auto add = [&](std::string_view symbol, bool may_be_split) {
    for (const std::string& text : {std::string(symbol), " " + std::string(symbol)}) {
      const std::vector<Id> tokens = encode_piece(text);
      if (tokens.size() == 1 || may_be_split) {
        ids.insert(tokens.front());
      }
    }
  };
  for (const std::string_view symbol : kSymbols) {
    add(symbol, false);
  }
  for (const std::string_view symbol : kMiscellaneous) {
    add(symbol, true);
  }
  return {ids.begin(), ids.end()};
}

std::optional<std::string> Vocabulary::bytes(std::string_view printable) {
  return bytes_of(printable);
}

std::string Vocabulary::printable(std::string_view token) {
  std::string text;
  for (const char c : token) {
    text += alphabet()[static_cast<unsigned char>(c)];
  }
  return text;
}

}  // namespace sotto::model::sources
