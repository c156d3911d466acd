#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sotto/error.h"
#include "sotto/text.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/languages.h"
#include "text/non_speech_tokens.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer_files.h"
#include "text/unicode.h"

namespace sotto::text {
namespace {

constexpr int kTimestamps = 1501;  // 0.00 to 30.00 s
constexpr TokenId kGpt2Eot = 50256;

std::string timestamp_text(TokenId index) {
  return fmt::format("<|{:.2f}|>", 0.02 * index);
}

std::optional<TokenId> added_id(const TokenizerFiles& files, std::string_view content) {
  const auto found = std::find_if(files.added.begin(), files.added.end(),
                                  [&](const AddedToken& token) { return token.content == content; });
  return found == files.added.end() ? std::nullopt : std::optional(found->id);
}

/// Files written before 2023 end at <|notimestamps|>; the model's timestamps follow it all the same.
TokenizerFiles with_timestamps(TokenizerFiles files) {
  const auto last = added_id(files, "<|notimestamps|>");
  if (last && !added_id(files, timestamp_text(0))) {
    for (TokenId i = 0; i < kTimestamps; ++i) {
      files.added.push_back({.id = *last + 1 + i, .content = timestamp_text(i), .special = false});
    }
  }
  return files;
}

bool is_control(const AddedToken& token) {
  return token.special || (token.content.starts_with("<|") && token.content.ends_with("|>"));
}

}  // namespace

/// One entry of the vocabulary by id.
struct Entry {
  std::string text;         ///< bytes, or the content of an added token
  bool in_use = false;      ///< false for ids no file names
  bool is_control = false;  ///< special or timestamp: no part of the text
};

struct Tokenizer::Impl {
  explicit Impl(const TokenizerFiles& files);

  void add_entries(const TokenizerFiles& files);
  void put(TokenId id, std::string text, bool is_control);
  void find_special_tokens();
  TokenId required(std::initializer_list<std::string_view> spellings) const;
  void append_text(std::string_view text, std::vector<TokenId>& ids) const;

  std::string source;
  AddedTokens added;
  Bpe bpe;
  std::unordered_map<std::string, TokenId> vocabulary;
  std::vector<Entry> entries;
  bool add_prefix_space;

  TokenId eot = 0;
  TokenId sot = 0;
  TokenId transcribe = 0;
  TokenId translate = 0;
  TokenId sot_lm = 0;
  TokenId sot_prev = 0;
  TokenId no_speech = 0;
  TokenId no_timestamps = 0;
  TokenId timestamp_begin = 0;
  bool is_multilingual = false;
  std::map<std::string, TokenId> languages;
  std::vector<TokenId> non_speech;
};

Tokenizer::Impl::Impl(const TokenizerFiles& files)
    : source(files.source.string()),
      added(files.added),
      bpe(files.vocabulary, files.merges, source),
      vocabulary(files.vocabulary),
      add_prefix_space(files.add_prefix_space) {
  add_entries(files);
  find_special_tokens();
}

void Tokenizer::Impl::put(TokenId id, std::string text, bool is_control_token) {
  const auto index = static_cast<std::size_t>(id);
  if (index >= entries.size()) {
    entries.resize(index + 1);
  }
  entries[index] = {std::move(text), true, is_control_token};
}

void Tokenizer::Impl::add_entries(const TokenizerFiles& files) {
  for (const auto& [bytes, id] : files.vocabulary) {
    put(id, bytes, false);
  }
  for (const AddedToken& token : files.added) {
    put(token.id, token.content, is_control(token));
  }
}

TokenId Tokenizer::Impl::required(std::initializer_list<std::string_view> spellings) const {
  for (const std::string_view spelling : spellings) {
    if (const auto id = added.id_of(spelling)) {
      return *id;
    }
  }
  throw Error(
      ErrorCode::bad_format, source,
      fmt::format("expected Whisper's token {}, found none: is this a Whisper model?", *spellings.begin()));
}

void Tokenizer::Impl::find_special_tokens() {
  eot = required({"<|endoftext|>"});
  sot = required({"<|startoftranscript|>"});
  transcribe = required({"<|transcribe|>"});
  translate = required({"<|translate|>"});
  sot_lm = required({"<|startoflm|>"});
  sot_prev = required({"<|startofprev|>"});
  no_speech = required({"<|nospeech|>", "<|nocaptions|>"});
  no_timestamps = required({"<|notimestamps|>"});
  timestamp_begin = required({"<|0.00|>"});
  for (const Language& language : kLanguages) {
    if (const auto id = added.id_of(fmt::format("<|{}|>", language.code))) {
      languages.emplace(language.code, *id);
    }
  }
  // English-only checkpoints keep every language token; what tells them is GPT-2's own vocabulary.
  is_multilingual =
      eot != kGpt2Eot && (languages.size() > 1 || (languages.size() == 1 && !languages.contains("en")));
  if (!is_multilingual) {
    languages.clear();
  }
}

void Tokenizer::Impl::append_text(std::string_view text, std::vector<TokenId>& ids) const {
  std::string prefixed;
  if (add_prefix_space && !text.starts_with(' ')) {
    prefixed = fmt::format(" {}", text);
    text = prefixed;
  }
  for (const std::string_view piece : split_gpt2(text)) {
    bpe.append(piece, ids);
  }
}

Tokenizer Tokenizer::load(const std::filesystem::path& directory) {
  const auto impl = std::make_shared<Impl>(with_timestamps(read_tokenizer_files(directory)));
  Tokenizer tokenizer;
  tokenizer.impl_ = impl;
  impl->non_speech = find_non_speech_tokens(tokenizer);
  return tokenizer;
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, bool parse_special) const {
  std::vector<TokenId> ids;
  if (!parse_special) {
    impl_->append_text(text, ids);
    return ids;
  }
  for (const TextPart& part : impl_->added.split(text)) {
    if (part.id) {
      ids.push_back(*part.id);
    } else {
      impl_->append_text(part.text, ids);
    }
  }
  return ids;
}

std::string Tokenizer::decode_bytes(std::span<const TokenId> ids) const {
  std::string bytes;
  for (const TokenId id : ids) {
    if (id >= 0 && static_cast<std::size_t>(id) < impl_->entries.size()) {
      const Entry& entry = impl_->entries[static_cast<std::size_t>(id)];
      bytes += entry.is_control ? std::string_view() : std::string_view(entry.text);
    }
  }
  return bytes;
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  return replace_invalid_utf8(decode_bytes(ids));
}

std::string Tokenizer::decode_with_timestamps(std::span<const TokenId> ids) const {
  std::string bytes;
  for (const TokenId id : ids) {
    if (id >= 0 && static_cast<std::size_t>(id) < impl_->entries.size()) {
      bytes += impl_->entries[static_cast<std::size_t>(id)].text;
    }
  }
  return replace_invalid_utf8(bytes);
}

std::optional<TokenId> Tokenizer::id_of(std::string_view token) const {
  if (const auto id = impl_->added.id_of(token)) {
    return id;
  }
  if (const auto found = impl_->vocabulary.find(std::string(token)); found != impl_->vocabulary.end()) {
    return found->second;
  }
  return std::nullopt;
}

std::string Tokenizer::token(TokenId id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= impl_->entries.size()) {
    throw Error(ErrorCode::invalid_argument, "Tokenizer::token",
                fmt::format("expected an id below {}, found {}.", impl_->entries.size(), id));
  }
  return impl_->entries[static_cast<std::size_t>(id)].text;
}

TokenId Tokenizer::eot() const {
  return impl_->eot;
}
TokenId Tokenizer::sot() const {
  return impl_->sot;
}
TokenId Tokenizer::transcribe() const {
  return impl_->transcribe;
}
TokenId Tokenizer::translate() const {
  return impl_->translate;
}
TokenId Tokenizer::sot_lm() const {
  return impl_->sot_lm;
}
TokenId Tokenizer::sot_prev() const {
  return impl_->sot_prev;
}
TokenId Tokenizer::no_speech() const {
  return impl_->no_speech;
}
TokenId Tokenizer::no_timestamps() const {
  return impl_->no_timestamps;
}
TokenId Tokenizer::timestamp_begin() const {
  return impl_->timestamp_begin;
}
bool Tokenizer::is_multilingual() const {
  return impl_->is_multilingual;
}
const std::map<std::string, TokenId>& Tokenizer::language_ids() const {
  return impl_->languages;
}
const std::vector<TokenId>& Tokenizer::non_speech_tokens() const {
  return impl_->non_speech;
}
std::size_t Tokenizer::vocabulary_size() const {
  return impl_->entries.size();
}

}  // namespace sotto::text
