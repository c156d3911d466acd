#include "model/sources/companion_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdlib.h>

#include "core/atomic_file.h"
#include "model/generation_config.h"
#include "model/sources/alignment_heads.h"
#include "model/sources/special_tokens.h"
#include "model/sources/vocabulary.h"
#include "sotto/error.h"

namespace sotto::model::sources {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 7> kTokenizerFiles = {"tokenizer.json",
                                                             "vocab.json",
                                                             "merges.txt",
                                                             "added_tokens.json",
                                                             "special_tokens_map.json",
                                                             "tokenizer_config.json",
                                                             "generation_config.json"};

void write_json(const fs::path& path, const Json& json) {
  write_file_atomically(path, json.dump(2) + "\n");
}

/// Encoder and decoder of every Whisper but distilled ones are alike; the inner width is four times the
/// outer.
Json config_json(const ModelDimensions& dims, const std::optional<SpecialTokens>& special) {
  Json config = {{"architectures", {"WhisperForConditionalGeneration"}},
                 {"model_type", "whisper"},
                 {"is_encoder_decoder", true},
                 {"activation_function", "gelu"},
                 {"d_model", dims.n_audio_state},
                 {"num_mel_bins", dims.n_mels},
                 {"max_source_positions", dims.n_audio_ctx},
                 {"max_target_positions", dims.n_text_ctx},
                 {"encoder_layers", dims.n_audio_layer},
                 {"encoder_attention_heads", dims.n_audio_head},
                 {"encoder_ffn_dim", 4 * dims.n_audio_state},
                 {"decoder_layers", dims.n_text_layer},
                 {"decoder_attention_heads", dims.n_text_head},
                 {"decoder_ffn_dim", 4 * dims.n_text_state},
                 {"num_hidden_layers", dims.n_audio_layer},
                 {"scale_embedding", false},
                 {"vocab_size", dims.n_vocab}};
  if (special) {
    config["bos_token_id"] = special->is_multilingual ? special->eot() : special->sot();
    config["eos_token_id"] = special->eot();
    config["pad_token_id"] = special->eot();
    config["decoder_start_token_id"] = special->sot();
  }
  return config;
}

Json preprocessor_json(const ModelDimensions& dims) {
  constexpr std::int64_t kRateHz = 16000;
  constexpr std::int64_t kHop = 160;
  const std::int64_t n_frames = 2 * dims.n_audio_ctx;
  return {{"feature_extractor_type", "WhisperFeatureExtractor"},
          {"processor_class", "WhisperProcessor"},
          {"feature_size", dims.n_mels},
          {"sampling_rate", kRateHz},
          {"hop_length", kHop},
          {"n_fft", 400},
          {"chunk_length", n_frames * kHop / kRateHz},
          {"n_samples", n_frames * kHop},
          {"nb_max_frames", n_frames},
          {"padding_side", "right"},
          {"padding_value", 0.0},
          {"return_attention_mask", false}};
}

Json generation_json(const Source& source, const SpecialTokens& special, const Vocabulary& vocabulary) {
  Json generation;
  if (const auto heads = official_alignment_heads(source.dims, source.path); !heads.empty()) {
    generation["alignment_heads"] = heads;
  }
  generation["begin_suppress_tokens"] = begin_suppress_tokens(special, vocabulary);
  generation["bos_token_id"] = special.is_multilingual ? special.eot() : special.sot();
  generation["decoder_start_token_id"] = special.sot();
  generation["eos_token_id"] = special.eot();
  generation["is_multilingual"] = special.is_multilingual;
  if (special.is_multilingual) {
    Json& languages = generation["lang_to_id"] = Json::object();
    for (std::int32_t i = 0; i < special.n_languages; ++i) {
      languages[fmt::format("<|{}|>", whisper_languages()[static_cast<std::size_t>(i)])] =
          special.language(i);
    }
    generation["task_to_id"] = {{"transcribe", special.transcribe()}, {"translate", special.translate()}};
  }
  generation["max_initial_timestamp_index"] = 50;
  generation["max_length"] = source.dims.n_text_ctx;
  generation["no_timestamps_token_id"] = special.no_timestamps();
  generation["pad_token_id"] = special.eot();
  generation["prev_sot_token_id"] = special.sot_prev();
  generation["return_timestamps"] = false;
  generation["suppress_tokens"] = suppress_tokens(special, vocabulary);
  return generation;
}

Json vocab_json(const Vocabulary& vocabulary) {
  Json vocab = Json::object();
  for (std::size_t id = 0; id < vocabulary.tokens().size(); ++id) {
    vocab[Vocabulary::printable(vocabulary.tokens()[id])] = id;
  }
  return vocab;
}

Json added_tokens_json(const SpecialTokens& special) {
  Json added = Json::array();
  for (const auto& [text, id] : special.named()) {
    added.push_back({{"id", id},
                     {"content", text},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", id < special.timestamp_begin()}});
  }
  return added;
}

std::vector<std::string> merge_lines(const Vocabulary& vocabulary) {
  std::vector<std::string> lines;
  for (const auto& [first, second] : vocabulary.merges()) {
    const auto spell = [&](Vocabulary::Id id) {
      return Vocabulary::printable(vocabulary.tokens()[static_cast<std::size_t>(id)]);
    };
    lines.push_back(spell(first) + " " + spell(second));
  }
  return lines;
}

/// What transformers puts around a text: <|startoftranscript|><|notimestamps|> text <|endoftext|>.
Json post_processor_json(const SpecialTokens& special) {
  const Json start = {{"SpecialToken", {{"id", "<|startoftranscript|>"}, {"type_id", 0}}}};
  const Json plain = {{"SpecialToken", {{"id", "<|notimestamps|>"}, {"type_id", 0}}}};
  const Json end = {{"SpecialToken", {{"id", "<|endoftext|>"}, {"type_id", 0}}}};
  const auto sequence = [](const char* id, int type) -> Json {
    return {{"Sequence", {{"id", id}, {"type_id", type}}}};
  };
  const auto token = [](const char* text, std::int32_t id) -> Json {
    return {{"id", text}, {"ids", Json::array({id})}, {"tokens", Json::array({text})}};
  };
  return {{"type", "TemplateProcessing"},
          {"single", Json::array({start, plain, sequence("A", 0), end})},
          {"pair", Json::array({start, plain, sequence("A", 0), sequence("B", 1), end})},
          {"special_tokens",
           {{"<|endoftext|>", token("<|endoftext|>", special.eot())},
            {"<|notimestamps|>", token("<|notimestamps|>", special.no_timestamps())},
            {"<|startoftranscript|>", token("<|startoftranscript|>", special.sot())}}}};
}

Json tokenizer_json(const SpecialTokens& special, const Json& vocab, const std::vector<std::string>& merges) {
  const Json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_tokens_json(special)},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level},
          {"post_processor", post_processor_json(special)},
          {"decoder", byte_level},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", ""},
            {"end_of_word_suffix", ""},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"vocab", vocab},
            {"merges", merges}}}};
}

void write_tokenizer(const SpecialTokens& special, const Vocabulary& vocabulary, const fs::path& directory) {
  const Json vocab = vocab_json(vocabulary);
  const std::vector<std::string> merges = merge_lines(vocabulary);
  write_json(directory / "tokenizer.json", tokenizer_json(special, vocab, merges));
  write_json(directory / "vocab.json", vocab);
  std::string merges_text = "#version: 0.2\n";
  for (const std::string& line : merges) {
    merges_text += line + "\n";
  }
  write_file_atomically(directory / "merges.txt", merges_text);
  Json added = Json::object();
  for (const auto& [text, id] : special.named()) {
    added[text] = id;
  }
  write_json(directory / "added_tokens.json", added);
  write_json(directory / "tokenizer_config.json", {{"tokenizer_class", "WhisperTokenizer"},
                                                   {"processor_class", "WhisperProcessor"},
                                                   {"bos_token", "<|endoftext|>"},
                                                   {"eos_token", "<|endoftext|>"},
                                                   {"pad_token", "<|endoftext|>"},
                                                   {"unk_token", "<|endoftext|>"},
                                                   {"add_prefix_space", false},
                                                   {"clean_up_tokenization_spaces", false},
                                                   {"model_max_length", 1024}});
}

/// Files converted before whisper.cpp 1.0 (October 2022) hold tokens as text: bytes that are no UTF-8 became
/// U+FFFD.
bool has_lost_bytes(const std::vector<std::string>& tokens) {
  return std::count(tokens.begin(), tokens.end(), "\xef\xbf\xbd") > 1;
}

/// The text tokens: from the ggml file itself, else from what lies beside the checkpoint.
Vocabulary find_vocabulary(const Source& source, const SpecialTokens& special) {
  const auto n_text_tokens = static_cast<std::size_t>(special.n_text_tokens);
  const auto fitting = [&](Vocabulary vocabulary, const fs::path& path) {
    if (vocabulary.tokens().size() != n_text_tokens) {
      throw Error(ErrorCode::bad_format, path.string(),
                  fmt::format("expected {} text tokens for a vocabulary of {}, found {}.", n_text_tokens,
                              source.dims.n_vocab, vocabulary.tokens().size()));
    }
    return vocabulary;
  };
  if (!source.tokens.empty() && !has_lost_bytes(source.tokens)) {
    std::vector<std::string> tokens = source.tokens;
    if (tokens.size() == n_text_tokens + 1 && tokens.back() == "<|endoftext|>") {
      tokens.pop_back();  // converted from a vocab.json that spells it out
    }
    return fitting(Vocabulary(std::move(tokens), source.path.string() + ": tokens"), source.path);
  }
  const fs::path tiktoken =
      source.directory / (special.is_multilingual ? "multilingual.tiktoken" : "gpt2.tiktoken");
  if (fs::exists(tiktoken)) {
    return fitting(Vocabulary::read_tiktoken(tiktoken), tiktoken);
  }
  for (const char* name : {"tokenizer.json", "vocab.json"}) {
    if (fs::exists(source.directory / name)) {
      return Vocabulary::read_json(source.directory / name, n_text_tokens);
    }
  }
  throw Error(ErrorCode::not_found, source.path.string(),
              fmt::format("the file has no tokens, or they have lost their bytes; expected {} (from "
                          "openai/whisper's assets), tokenizer.json or "
                          "vocab.json (from the model's page on Hugging Face) in {}, found none.",
                          tiktoken.filename().string(), source.directory.string()));
}

void copy_if_there(const Source& source, std::string_view name, const fs::path& directory) {
  const fs::path from = source.directory / name;
  std::error_code error;
  if (fs::exists(from) &&
      !fs::copy_file(from, directory / name, fs::copy_options::overwrite_existing, error)) {
    throw Error(ErrorCode::io, from.string(), fmt::format("copying failed: {}.", error.message()));
  }
}

void copy_tokenizer(const Source& source, const fs::path& directory) {
  if (!fs::exists(source.directory / "tokenizer.json") && !fs::exists(source.directory / "vocab.json")) {
    throw Error(
        ErrorCode::not_found, source.path.string(),
        fmt::format("a vocabulary of {} tokens is none of Whisper's (51864, 51865, 51866), so its special "
                    "tokens are not known; expected tokenizer.json and, best, generation_config.json of this "
                    "model in {}, found none.",
                    source.dims.n_vocab, source.directory.string()));
  }
  for (const std::string_view name : kTokenizerFiles) {
    copy_if_there(source, name, directory);
  }
  write_file_atomically(directory / "generation_config.json",
                        complete_generation_config(directory).dump(2) + "\n");
}

}  // namespace

std::vector<std::int32_t> suppress_tokens(const SpecialTokens& special, const Vocabulary& vocabulary) {
  std::vector<std::int32_t> ids = vocabulary.non_speech_tokens();
  for (const auto id : {special.sot(), special.translate(), special.transcribe(), special.sot_lm(),
                        special.sot_prev(), special.no_speech()}) {
    ids.push_back(id);
  }
  return ids;
}

std::vector<std::int32_t> begin_suppress_tokens(const SpecialTokens& special, const Vocabulary& vocabulary) {
  return {vocabulary.encode_piece(" ").front(), special.eot()};
}

void write_companion_files(const Source& source, const fs::path& directory) {
  const auto special = official_special_tokens(source.dims.n_vocab);
  write_json(directory / "config.json", config_json(source.dims, special));
  write_json(directory / "preprocessor_config.json", preprocessor_json(source.dims));
  copy_if_there(source, "normalizer.json", directory);
  if (!special) {
    return copy_tokenizer(source, directory);
  }
  const Vocabulary vocabulary = find_vocabulary(source, *special);
  write_tokenizer(*special, vocabulary, directory);
  write_json(directory / "generation_config.json", generation_json(source, *special, vocabulary));
}

CompanionDirectory::CompanionDirectory(const Source& source) {
  std::error_code error;
  std::string name = (fs::temp_directory_path(error) / "sotto-model-XXXXXX").string();
  if (error || ::mkdtemp(name.data()) == nullptr) {
    throw Error(ErrorCode::io, name,
                fmt::format("expected a place for the model's temporary files: {}.",
                            error ? error.message() : std::strerror(errno)));
  }
  path_ = name;
  try {
    write_companion_files(source, path_);
  } catch (...) {
    fs::remove_all(path_, error);
    throw;
  }
}

CompanionDirectory::~CompanionDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace sotto::model::sources
