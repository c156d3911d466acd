#include "model/tokenizer_ir.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/json_file.h"
#include "model/ir_writer.h"
#include "model/sources/vocabulary.h"

namespace sotto::model {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;
using Port = IrWriter::Port;
using Ports = std::vector<Port>;
using Output = IrWriter::Output;

/// GPT-2's pattern of pieces (openai/whisper 20250625, tokenizer.py, get_encoding).
constexpr const char* kPieces =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

struct AddedToken {
  std::string text;
  std::int32_t id = 0;
  bool is_special = false;
};

/// What the graphs need of tokenizer.json; strings are bytes.
struct ByteLevelBpe {
  std::vector<std::string> tokens;  ///< by id; added ones too
  std::vector<std::string> left;    ///< merged with `right` of the same rank
  std::vector<std::string> right;
  std::vector<AddedToken> added;
};

Ports operator+(Ports a, const Ports& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

void put(std::vector<std::string>& tokens, std::int64_t id, std::string text) {
  constexpr std::int64_t kMostTokens = 1'000'000;
  if (id >= 0 && id < kMostTokens) {
    tokens.resize(std::max(tokens.size(), static_cast<std::size_t>(id) + 1));
    tokens[static_cast<std::size_t>(id)] = std::move(text);
  }
}

/// "a b" or ["a", "b"], as older and newer files have merges.
std::pair<std::string, std::string> merge_of(const json& entry) {
  if (entry.is_array()) {
    return {entry.at(0).get<std::string>(), entry.at(1).get<std::string>()};
  }
  const auto text = entry.get<std::string>();
  const std::size_t space = text.find(' ', 1);
  return {text.substr(0, space), space == std::string::npos ? "" : text.substr(space + 1)};
}

/// Null for a token outside the byte-level alphabet and for a file of another form.
std::optional<ByteLevelBpe> read_bpe(const fs::path& path) try {
  const json file = read_json_object(path);
  ByteLevelBpe bpe;
  for (const auto& [text, id] : file.at("model").at("vocab").items()) {
    const auto bytes = sources::Vocabulary::bytes(text);
    put(bpe.tokens, id.get<std::int64_t>(), bytes.value_or(text));
  }
  for (const json& entry : file.at("model").at("merges")) {
    const auto [left, right] = merge_of(entry);
    const auto left_bytes = sources::Vocabulary::bytes(left);
    const auto right_bytes = sources::Vocabulary::bytes(right);
    if (!left_bytes || !right_bytes) {
      return std::nullopt;
    }
    bpe.left.push_back(*left_bytes);
    bpe.right.push_back(*right_bytes);
  }
  for (const json& token : file.value("added_tokens", json::array())) {
    bpe.added.push_back({token.at("content").get<std::string>(), token.at("id").get<std::int32_t>(),
                         token.value("special", false)});
    put(bpe.tokens, bpe.added.back().id, bpe.added.back().text);
  }
  return bpe;
} catch (const json::exception&) {
  return std::nullopt;  // reading it is another's task, which says what is wrong
}

/// "(\<\|en\|\>|...)", the later in the alphabet first, so that no token hides a longer one.
std::string pattern_of(std::vector<AddedToken> tokens) {
  std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.text > b.text; });
  std::vector<std::string> escaped;
  for (const AddedToken& token : tokens) {
    std::string text;
    for (const char c : token.text) {
      const auto byte = static_cast<unsigned char>(c);
      const bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                            (byte >= 'a' && byte <= 'z') || byte == '_' || byte >= 0x80;
      text += is_plain ? std::string(1, c) : std::string("\\") + c;
    }
    escaped.push_back(text);
  }
  return fmt::format("({})", fmt::join(escaped, "|"));
}

std::vector<Output> lists(std::initializer_list<const char*> precisions) {
  std::vector<Output> outputs;
  for (const char* precision : precisions) {
    outputs.push_back({precision, "-1", ""});
  }
  return outputs;
}

class TokenizerGraph {
 public:
  TokenizerGraph(const ByteLevelBpe& bpe, const json& generation) : bpe_(bpe), generation_(generation) {}

  void write(const fs::path& xml) {
    const Port text = ir_.parameter("text", "string", "?", "STRING");
    const Ports unpacked =
        ir_.layer("StringTensorUnpack", "opset15", "", {text}, lists({"I32", "I32", "U8"}));
    Ports pieces = ragged(unpacked[0]) + unpacked;
    if (!bpe_.added.empty()) {
      pieces =
          ir_.layer("SpecialTokensSplit", "extension", "", pieces + Ports{ir_.bytes(pattern_of(bpe_.added))},
                    lists({"I32", "I32", "I32", "I32", "U8", "BOOL"}));
    }
    pieces = ir_.layer("RegexSplit", "extension", R"(behaviour="isolate" invert="false" max_splits="-1")",
                       pieces + Ports{ir_.bytes(kPieces)}, lists({"I32", "I32", "I32", "I32", "U8", "BOOL"}));
    const Ports ids = merge({pieces.begin(), pieces.begin() + 5});
    hand_out(with_special_tokens(truncated(ids)));
    ir_.info("tokenizer_output_type", "i64");
    for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"}) {
      ir_.info(key, std::to_string(generation_.value("eos_token_id", 0)));
    }
    ir_.write(xml, "tokenizer");
  }

 private:
  /// Begins and ends of one piece a text: 0, 1, ... and 1, 2, ....
  Ports ragged(Port begins) {
    const Port shape =
        ir_.layer("ShapeOf", "opset3", R"(output_type="i64")", {begins}, {{"I64", "1", ""}}).front();
    const Port n = ir_.layer("Gather", "opset8", R"(batch_dims="0")",
                             {shape, ir_.scalar_i64(0), ir_.scalar_i64(0)}, {{"I64", "", ""}})
                       .front();
    const Port end =
        ir_.layer("Add", "opset1", R"(auto_broadcast="numpy")", {n, ir_.scalar_i64(1)}, {{"I64", "", ""}})
            .front();
    return range(ir_.scalar_i64(0), n) + range(ir_.scalar_i64(1), end);
  }

  Ports range(Port first, Port last) {
    return ir_.layer("Range", "opset4", R"(output_type="i32")", {first, last, ir_.scalar_i64(1)},
                     lists({"I32"}));
  }

  Ports merge(const Ports& pieces) {
    std::vector<std::string> added;
    std::vector<std::int32_t> added_ids;
    for (const AddedToken& token : bpe_.added) {
      added.push_back(token.text);
      added_ids.push_back(token.id);
    }
    Ports inputs = pieces + ir_.strings(bpe_.tokens) + ir_.strings(bpe_.left) + ir_.strings(bpe_.right);
    if (!added.empty()) {
      inputs = inputs + ir_.strings(added) + Ports{ir_.constant(added_ids)};
    }
    return ir_.layer(
        "BPETokenizer", "extension",
        R"(unk_token="" fuse_unk="false" suffix_indicator="" end_suffix="" byte_fallback="false" )"
        R"(cache_capacity="20000")",
        inputs, lists({"I32", "I32", "I32"}));
  }

  /// Room for any text; openvino.genai finds the text's segment, and its switches, by these nodes.
  Ports truncated(const Ports& ids) {
    constexpr std::int32_t kSpecialTokens = 3;
    constexpr std::int32_t kAll = std::numeric_limits<std::int32_t>::max();
    const Port truncates =
        ir_.layer("ReadValue", "opset6",
                  R"(variable_id="truncation" variable_type="dynamic" variable_shape="...")",
                  {ir_.boolean(false)}, {{"BOOL", "", ""}})
            .front();
    const Port longest =
        ir_.layer("Select", "opset1", R"(auto_broadcast="numpy")",
                  {truncates, ir_.scalar(kAll - kSpecialTokens), ir_.scalar(kAll - 64)}, {{"I32", "", ""}})
            .front();
    ir_.layer("Assign", "opset6", R"(variable_id="truncation")", {truncates}, {{"BOOL", "", ""}});
    return ir_.layer("Truncate", "extension", R"(m_num_inputs="1")",
                     ids + Ports{longest, ir_.bytes("right"), ir_.bytes("longest_first")},
                     lists({"I32", "I32", "I32"}));
  }

  /// Whisper's template: start of transcript, no timestamps, the text, its end.
  Ports with_special_tokens(const Ports& ids) {
    const auto one = [&](const char* key) {
      return Ports{ir_.scalar(0), ir_.scalar(1), ir_.constant({generation_.value(key, 0)})};
    };
    const Ports parts =
        one("decoder_start_token_id") + one("no_timestamps_token_id") + ids + one("eos_token_id");
    return ir_.layer("CombineSegments", "extension", "", parts + Ports{ir_.constant({0, 0, 0, 0})},
                     lists({"I32", "I32", "I32", "I32", "I32", "I32"}));
  }

  void hand_out(const Ports& combined) {
    const Port lengths = ir_.layer("Subtract", "opset1", R"(auto_broadcast="numpy")",
                                   {combined[1], combined[0]}, lists({"I32"}))
                             .front();
    const Port longest =
        ir_.layer("ReduceMax", "opset1", R"(keep_dims="false")", {lengths, ir_.scalar(0)}, {{"I32", "", ""}})
            .front();
    const Ports dense = ir_.layer(
        "RaggedToDense", "extension", R"(pad_right="true" m_pad_max_length="false")",
        {combined[0], combined[1], combined[2], longest, ir_.scalar(generation_.value("eos_token_id", 0))},
        {{"I32", "-1,-1", ""}, {"BOOL", "-1,-1", ""}});
    const auto as_i64 = [&](Port port, const char* name) {
      return ir_.layer("Convert", "opset1", R"(destination_type="i64")", {port}, {{"I64", "-1,-1", name}})
          .front();
    };
    const Port mask =
        ir_.layer("Convert", "opset1", R"(destination_type="i32")", {dense[1]}, {{"I32", "-1,-1", ""}})
            .front();
    ir_.result(as_i64(dense[0], "input_ids"));
    ir_.result(as_i64(mask, "attention_mask"));
  }

  const ByteLevelBpe& bpe_;
  const json& generation_;
  IrWriter ir_;
};

void write_detokenizer(const ByteLevelBpe& bpe, const json& generation, const fs::path& xml) {
  IrWriter ir;
  const Port ids = ir.parameter("ids", "i64", "?,?", "I64");
  const Ports as_i32 =
      ir.layer("Convert", "opset1", R"(destination_type="i32")", {ids}, {{"I32", "-1,-1", ""}});
  std::vector<std::int32_t> skipped;
  for (const AddedToken& token : bpe.added) {
    if (token.is_special) {
      skipped.push_back(token.id);
    }
  }
  const Ports decoded = ir.layer("VocabDecoder", "extension", R"(skip_tokens="")",
                                 as_i32 + ir.strings(bpe.tokens) + Ports{ir.constant(skipped)},
                                 lists({"I32", "I32", "I32", "I32", "U8"}));
  const Ports fused = ir.layer("FuzeRagged", "extension", "",
                               {decoded[0], decoded[1], decoded[2], decoded[3]}, lists({"I32", "I32"}));
  const Ports valid = ir.layer("UTF8Validate", "extension", R"(replace_mode="true")",
                               {fused[0], fused[1], decoded[4]}, lists({"I32", "I32", "U8"}));
  ir.result(ir.layer("StringTensorPack", "opset15", "", valid, {{"STRING", "-1", "string_output"}}).front());
  ir.info("detokenizer_input_type", "i64");
  ir.info("eos_token_id", std::to_string(generation.value("eos_token_id", 0)));
  ir.write(xml, "detokenizer");
}

}  // namespace

void write_tokenizer_ir(const fs::path& directory) {
  const fs::path tokenizer = directory / "openvino_tokenizer.xml";
  const fs::path detokenizer = directory / "openvino_detokenizer.xml";
  if (!fs::exists(directory / "tokenizer.json") || (fs::exists(tokenizer) && fs::exists(detokenizer))) {
    return;
  }
  const auto bpe = read_bpe(directory / "tokenizer.json");
  if (!bpe || bpe->tokens.empty()) {
    return;
  }
  json generation = read_json_object(directory / "generation_config.json");
  if (generation["eos_token_id"].is_array()) {
    generation["eos_token_id"] = generation["eos_token_id"].at(0);
  }
  TokenizerGraph(*bpe, generation).write(tokenizer);
  write_detokenizer(*bpe, generation, detokenizer);
}

}  // namespace sotto::model
