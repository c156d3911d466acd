// Writes a Whisper of true size with random weights: for speed and memory figures where no checkpoint is at
// hand. Usage: sotto_random_whisper NAME DIRECTORY; same name, same bytes.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <openvino/core/type/float16.hpp>

#include "core/atomic_file.h"
#include "sotto/error.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

struct Size {
  std::string_view name;
  std::size_t n_state;
  std::size_t n_head;
  std::size_t n_encoder_layer;
  std::size_t n_decoder_layer;
  std::size_t n_mels;
  bool has_cantonese;  ///< large-v3 added a language: every id behind it is one higher
};

// openai/whisper's model card and Hugging Face's config.json files.
constexpr std::array kSizes = {
    Size{"tiny", 384, 6, 4, 4, 80, false},         Size{"base", 512, 8, 6, 6, 80, false},
    Size{"small", 768, 12, 12, 12, 80, false},     Size{"medium", 1024, 16, 24, 24, 80, false},
    Size{"large-v2", 1280, 20, 32, 32, 80, false}, Size{"large-v3", 1280, 20, 32, 32, 128, true},
    Size{"turbo", 1280, 20, 32, 4, 128, true},
};

constexpr std::size_t kAudioCtx = 1500;
constexpr std::size_t kTextCtx = 448;
constexpr std::int32_t kEot = 50257;
constexpr std::size_t kNBytes = 256;

// Whisper's language codes in the order of their ids (openai/whisper 20250625, tokenizer.py).
constexpr std::string_view kLanguages =
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg "
    "lt la mi ml "
    "cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be "
    "tg sd gu am "
    "yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su yue";

struct Token {
  std::string text;
  std::int32_t id;
};

std::vector<std::string> languages(const Size& size) {
  std::vector<std::string> codes;
  for (std::size_t from = 0; from < kLanguages.size();) {
    const std::size_t to = std::min(kLanguages.find(' ', from), kLanguages.size());
    codes.emplace_back(kLanguages.substr(from, to - from));
    from = to + 1;
  }
  if (!size.has_cantonese) {
    codes.pop_back();
  }
  return codes;
}

/// <|endoftext|> to <|30.00|> with their true ids.
std::vector<Token> special_tokens(const Size& size) {
  std::vector<std::string> texts = {"<|endoftext|>", "<|startoftranscript|>"};
  for (const std::string& code : languages(size)) {
    texts.push_back("<|" + code + "|>");
  }
  for (const char* name :
       {"translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"}) {
    texts.push_back(fmt::format("<|{}|>", name));
  }
  for (int i = 0; i <= 1500; ++i) {
    texts.push_back(fmt::format("<|{:.2f}|>", 0.02 * i));
  }
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    tokens.push_back({texts[i], kEot + static_cast<std::int32_t>(i)});
  }
  return tokens;
}

std::int32_t id_of(const std::vector<Token>& tokens, std::string_view text) {
  for (const Token& token : tokens) {
    if (token.text == text) {
      return token.id;
    }
  }
  throw sotto::Error(sotto::ErrorCode::internal, std::string(text), "no such special token.");
}

std::string utf8(std::uint32_t code) {
  if (code < 0x80) {
    return {static_cast<char>(code)};
  }
  return {static_cast<char>(0xC0U | (code >> 6U)), static_cast<char>(0x80U | (code & 0x3FU))};
}

/// GPT-2's byte alphabet in the order of its ids: printable bytes as they are, then the others from U+0100
/// on.
std::vector<std::string> byte_symbols() {
  std::vector<std::string> printable;
  std::vector<std::string> others;
  for (std::uint32_t b = 0; b < kNBytes; ++b) {
    const bool is_printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
    if (is_printable) {
      printable.push_back(utf8(b));
    } else {
      others.push_back(utf8(static_cast<std::uint32_t>(kNBytes + others.size())));
    }
  }
  printable.insert(printable.end(), others.begin(), others.end());
  return printable;
}

/// A made-up byte-level BPE of as many tokens as Whisper's: all pairs, then triples, of letters.
struct Vocabulary {
  json ids = json::object();
  std::vector<std::string> merges;
};

Vocabulary make_vocabulary() {
  std::vector<std::string> letters = {"\xC4\xA0"};  // the space's symbol
  for (char c = 'a'; c <= 'z'; ++c) {
    letters.emplace_back(1, c);
    letters.emplace_back(1, static_cast<char>(c - 'a' + 'A'));
  }
  Vocabulary vocabulary;
  for (const std::string& symbol : byte_symbols()) {
    vocabulary.ids[symbol] = vocabulary.ids.size();
  }
  std::vector<std::string> stems = letters;
  while (vocabulary.ids.size() < kEot) {
    std::vector<std::string> longer;
    for (const std::string& stem : stems) {
      for (const std::string& letter : letters) {
        if (vocabulary.ids.size() == kEot) {
          break;
        }
        vocabulary.merges.push_back(stem + " " + letter);
        vocabulary.ids[stem + letter] = vocabulary.ids.size();
        longer.push_back(stem + letter);
      }
    }
    stems = std::move(longer);
  }
  return vocabulary;
}

json make_config(const Size& size, const std::vector<Token>& special) {
  return {{"architectures", {"WhisperForConditionalGeneration"}},
          {"model_type", "whisper"},
          {"activation_function", "gelu"},
          {"d_model", size.n_state},
          {"num_mel_bins", size.n_mels},
          {"encoder_layers", size.n_encoder_layer},
          {"encoder_attention_heads", size.n_head},
          {"encoder_ffn_dim", 4 * size.n_state},
          {"decoder_layers", size.n_decoder_layer},
          {"decoder_attention_heads", size.n_head},
          {"decoder_ffn_dim", 4 * size.n_state},
          {"vocab_size", special.back().id + 1},
          {"max_source_positions", kAudioCtx},
          {"max_target_positions", kTextCtx},
          {"bos_token_id", kEot},
          {"eos_token_id", kEot},
          {"pad_token_id", kEot},
          {"decoder_start_token_id", id_of(special, "<|startoftranscript|>")},
          {"is_encoder_decoder", true},
          {"tie_word_embeddings", true},
          {"torch_dtype", "float16"}};
}

json make_generation_config(const Size& size, const std::vector<Token>& special) {
  constexpr std::int32_t kSpace = 220;
  json lang_to_id = json::object();
  for (const std::string& code : languages(size)) {
    lang_to_id["<|" + code + "|>"] = id_of(special, "<|" + code + "|>");
  }
  return {
      {"alignment_heads", {{size.n_decoder_layer - 1, 0}}},
      {"begin_suppress_tokens", {kSpace, kEot}},
      {"bos_token_id", kEot},
      {"decoder_start_token_id", id_of(special, "<|startoftranscript|>")},
      {"eos_token_id", kEot},
      {"is_multilingual", true},
      {"lang_to_id", lang_to_id},
      {"max_initial_timestamp_index", 50},
      {"max_length", kTextCtx},
      {"no_timestamps_token_id", id_of(special, "<|notimestamps|>")},
      {"pad_token_id", kEot},
      {"prev_sot_token_id", id_of(special, "<|startofprev|>")},
      {"return_timestamps", false},
      {"suppress_tokens", json::array()},
      {"task_to_id",
       {{"transcribe", id_of(special, "<|transcribe|>")}, {"translate", id_of(special, "<|translate|>")}}}};
}

json make_preprocessor_config(const Size& size) {
  return {{"feature_extractor_type", "WhisperFeatureExtractor"},
          {"feature_size", size.n_mels},
          {"sampling_rate", 16000},
          {"hop_length", 160},
          {"n_fft", 400},
          {"chunk_length", 30},
          {"n_samples", 480000},
          {"nb_max_frames", 3000},
          {"padding_value", 0.0}};
}

json make_tokenizer(const Vocabulary& vocabulary, const std::vector<Token>& special) {
  json added = json::array();
  for (const Token& token : special) {
    const bool is_timestamp = token.id > id_of(special, "<|notimestamps|>");
    added.push_back({{"id", token.id},
                     {"content", token.text},
                     {"special", !is_timestamp},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false}});
  }
  const json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level},
          {"post_processor", nullptr},
          {"decoder", byte_level},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", ""},
            {"end_of_word_suffix", ""},
            {"fuse_unk", false},
            {"vocab", vocabulary.ids},
            {"merges", vocabulary.merges}}}};
}

/// One tensor to come: values are offset + deviation × normal, and 0 from row `n_filled_rows` on.
struct Plan {
  std::string name;
  std::vector<std::size_t> shape;
  double deviation;
  double offset;
  std::size_t n_filled_rows = std::numeric_limits<std::size_t>::max();
  std::size_t n_elements() const {
    std::size_t n = 1;
    for (const std::size_t dim : shape) {
      n *= dim;
    }
    return n;
  }
};

class Planner {
 public:
  explicit Planner(const Size& size) : size_(size) {}

  std::vector<Plan> plan(std::size_t n_vocab) {
    const std::size_t d = size_.n_state;
    matrix("encoder.conv1", {d, size_.n_mels, 3});
    vector("encoder.conv1.bias", d);
    matrix("encoder.conv2", {d, d, 3});
    vector("encoder.conv2.bias", d);
    table("encoder.embed_positions", kAudioCtx, 0.02);
    for (std::size_t i = 0; i < size_.n_encoder_layer; ++i) {
      layer(fmt::format("encoder.layers.{}", i), false);
    }
    norm("encoder.layer_norm");
    token_table(n_vocab);
    table("decoder.embed_positions", kTextCtx, 1.0);
    for (std::size_t i = 0; i < size_.n_decoder_layer; ++i) {
      layer(fmt::format("decoder.layers.{}", i), true);
    }
    norm("decoder.layer_norm", kLogitGain);
    return std::move(plans_);
  }

 private:
  void matrix(const std::string& module, const std::vector<std::size_t>& shape) {
    double fan_in = 1.0;
    for (std::size_t i = 1; i < shape.size(); ++i) {
      fan_in *= static_cast<double>(shape[i]);
    }
    plans_.push_back({"model." + module + ".weight", shape, 1.0 / std::sqrt(fan_in), 0.0});
  }
  void vector(const std::string& name, std::size_t n) { plans_.push_back({"model." + name, {n}, 0.02, 0.0}); }
  void table(const std::string& module, std::size_t n_rows, double deviation) {
    plans_.push_back({"model." + module + ".weight", {n_rows, size_.n_state}, deviation, 0.0});
  }
  /// Rows of special tokens are zero and the last gain spreads the logits, so that some text token always
  /// wins and no window ends early; rows are short beside the positions', or every token would repeat itself.
  void token_table(std::size_t n_vocab) {
    const double deviation = 0.3 / std::sqrt(static_cast<double>(size_.n_state));
    plans_.push_back({"model.decoder.embed_tokens.weight", {n_vocab, size_.n_state}, deviation, 0.0, kEot});
  }
  void norm(const std::string& module, double gain = 1.0) {
    plans_.push_back({"model." + module + ".weight", {size_.n_state}, 0.1 * gain, gain});
    vector(module + ".bias", size_.n_state);
  }
  void linear(const std::string& module, std::size_t n_out, std::size_t n_in, bool has_bias = true) {
    matrix(module, {n_out, n_in});
    if (has_bias) {
      vector(module + ".bias", n_out);
    }
  }
  void attention(const std::string& module) {
    const std::size_t d = size_.n_state;
    linear(module + ".q_proj", d, d);
    linear(module + ".k_proj", d, d, false);
    linear(module + ".v_proj", d, d);
    linear(module + ".out_proj", d, d);
    norm(module + "_layer_norm");
  }
  void layer(const std::string& name, bool is_decoder) {
    attention(name + ".self_attn");
    if (is_decoder) {
      attention(name + ".encoder_attn");
    }
    linear(name + ".fc1", 4 * size_.n_state, size_.n_state);
    linear(name + ".fc2", size_.n_state, 4 * size_.n_state);
    norm(name + ".final_layer_norm");
  }

  static constexpr double kLogitGain = 10.0;

  const Size& size_;
  std::vector<Plan> plans_;
};

/// Draws from a table of normals four at a time: a large model is written at the speed of the disk.
class Normals {
 public:
  Normals() {
    constexpr std::size_t kTableSize = 65536;
    std::normal_distribution<double> normal;
    for (std::size_t i = 0; i < kTableSize; ++i) {
      table_.push_back(normal(random_));
    }
  }

  std::vector<ov::float16> draw(const Plan& plan) {
    std::vector<ov::float16> scaled;
    scaled.reserve(table_.size());
    for (const double z : table_) {
      scaled.emplace_back(static_cast<float>(plan.offset + plan.deviation * z));
    }
    std::vector<ov::float16> values(plan.n_elements());
    const std::size_t n_filled =
        std::min(plan.n_filled_rows, plan.shape.front()) * (values.size() / plan.shape.front());
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < n_filled; ++i) {
      bits = i % 4 == 0 ? random_() : bits >> 16U;
      values[i] = scaled[bits & 0xFFFFU];
    }
    return values;
  }

 private:
  std::mt19937_64 random_{20260101};
  std::vector<double> table_;
};

void write_safetensors(const fs::path& path, const std::vector<Plan>& plans) {
  ordered_json header;
  header["__metadata__"] = {{"format", "pt"}};
  std::size_t offset = 0;
  for (const Plan& plan : plans) {
    const std::size_t n_bytes = plan.n_elements() * sizeof(ov::float16);
    header[plan.name] = {
        {"dtype", "F16"}, {"shape", plan.shape}, {"data_offsets", {offset, offset + n_bytes}}};
    offset += n_bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::ofstream out(path, std::ios::binary);
  const std::uint64_t length = text.size();
  for (unsigned i = 0; i < 8; ++i) {
    out.put(static_cast<char>(length >> (8 * i) & 0xFFU));
  }
  out << text;
  Normals normals;
  for (const Plan& plan : plans) {
    const auto values = normals.draw(plan);
    out.write(reinterpret_cast<const char*>(values.data()),
              static_cast<std::streamsize>(values.size() * sizeof(ov::float16)));
  }
  out.close();
  if (!out) {
    throw sotto::Error(sotto::ErrorCode::io, path.string(), "writing failed.");
  }
}

const Size& find_size(std::string_view name) {
  std::string known;
  for (const Size& size : kSizes) {
    if (size.name == name) {
      return size;
    }
    known += fmt::format(" {}", size.name);
  }
  throw sotto::Error(sotto::ErrorCode::invalid_argument, name, fmt::format("expected one of{}.", known));
}

void write_model(const Size& size, const fs::path& directory) {
  const auto special = special_tokens(size);
  const Vocabulary vocabulary = make_vocabulary();
  sotto::AtomicDirectory out(directory);
  const auto write = [&](const char* name, const json& content) {
    sotto::write_file_atomically(out.path() / name, content.dump(1) + "\n");
  };
  write("config.json", make_config(size, special));
  write("generation_config.json", make_generation_config(size, special));
  write("preprocessor_config.json", make_preprocessor_config(size));
  write("tokenizer.json", make_tokenizer(vocabulary, special));
  write("vocab.json", vocabulary.ids);
  write("normalizer.json", json::object());
  std::string merges = "#version: 0.2\n";
  for (const std::string& merge : vocabulary.merges) {
    merges += merge + "\n";
  }
  sotto::write_file_atomically(out.path() / "merges.txt", merges);
  json added = json::object();
  for (const Token& token : special) {
    added[token.text] = token.id;
  }
  write("added_tokens.json", added);
  write_safetensors(out.path() / "model.safetensors",
                    Planner(size).plan(static_cast<std::size_t>(special.back().id) + 1));
  out.commit();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) {
      std::fputs("usage: sotto_random_whisper tiny|base|small|medium|large-v2|large-v3|turbo DIRECTORY\n",
                 stderr);
      return 2;
    }
    write_model(find_size(argv[1]), argv[2]);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
