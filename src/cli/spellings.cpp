#include "cli/spellings.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/field_text.h"
#include "sotto/error.h"

namespace sotto::cli {
namespace {

using Arguments = std::vector<std::string>;

/// Another name of the same option, with or without a value.
const std::map<std::string_view, std::string_view> kNames = {
    // whisper.cpp
    {"-m", "--model"},
    {"-l", "--language"},
    {"-t", "--threads"},
    {"-bo", "--best-of"},
    {"-bs", "--beam-size"},
    {"-lpt", "--logprob-threshold"},
    {"-nth", "--no-speech-threshold"},
    {"--no-speech-thold", "--no-speech-threshold"},
    {"--logprob-thold", "--logprob-threshold"},
    {"-tp", "--temperature"},
    {"-tpi", "--temperature-increment-on-fallback"},
    {"--temperature-inc", "--temperature-increment-on-fallback"},
    {"--prompt", "--initial-prompt"},
    {"-oved", "--device"},
    {"--ov-e-device", "--device"},
    {"-dev", "--device"},
    {"-vt", "--vad-threshold"},
    {"-vspd", "--vad-min-speech-duration-ms"},
    {"-vsd", "--vad-min-silence-duration-ms"},
    {"-vmsd", "--vad-max-speech-duration-s"},
    {"-vp", "--vad-speech-pad-ms"},
    // faster-whisper, whisper-ctranslate2
    {"--model-directory", "--model"},
    {"--model-size-or-path", "--model"},
    {"--download-root", "--model-dir"},
    {"--cpu-threads", "--threads"},
    {"--log-prob-threshold", "--logprob-threshold"},
    {"--max-new-tokens", "--sample-len"},
    {"--speaker-name", "--speaker"},
    // stable-ts
    {"--max-chars", "--max-line-width"},
    {"--max-words", "--max-words-per-line"}};

/// A switch and what it stands for; nothing: what it asks for is so anyway.
const std::map<std::string_view, Arguments> kSwitches = {
    {"-tr", {"--task=translate"}},
    {"--translate", {"--task=translate"}},
    {"-nf", {"--temperature-increment-on-fallback=None"}},
    {"--no-fallback", {"--temperature-increment-on-fallback=None"}},
    {"-np", {"--quiet"}},
    {"--no-prints", {"--quiet"}},
    {"-pc", {"--print-colors"}},
    {"--print-confidence", {"--print-colors"}},
    {"-nt", {"--without-timestamps"}},
    {"--no-timestamps", {"--without-timestamps"}},
    {"-ng", {"--device=CPU"}},
    {"--no-gpu", {"--device=CPU"}},
    {"--vad", {"--vad-filter"}},
    {"--batched", {"--batch-size=0", "--vad-filter"}},
    {"--karaoke", {"--highlight-words"}},
    {"--one-word", {"--max-words-per-line=1"}},
    {"--sentence", {"--layout=readable"}},
    {"--standard", {"--layout=readable"}},
    {"-sow", {}},
    {"--split-on-word", {}},
    {"-pp", {}},
    {"--print-progress", {}},
    {"-sns", {}},
    {"--suppress-nst", {}},
    {"-fa", {}},
    {"--flash-attn", {}},
    {"-nfa", {}},
    {"--no-flash-attn", {}},
    {"--pretty-json", {}},
    {"--log-progress", {}}};

const std::map<std::string_view, std::string_view> kFormats = {
    {"-otxt", "txt"}, {"--output-txt", "txt"},       {"-ovtt", "vtt"}, {"--output-vtt", "vtt"},
    {"-osrt", "srt"}, {"--output-srt", "srt"},       {"-olrc", "lrc"}, {"--output-lrc", "lrc"},
    {"-ocsv", "csv"}, {"--output-csv", "csv"},       {"-oj", "json"},  {"--output-json", "json"},
    {"-ojf", "json"}, {"--output-json-full", "json"}};

constexpr std::string_view kOneSpeaker = "speakers are not told apart";
constexpr std::string_view kWindows = "windows have 30 s, as the model was trained";
constexpr std::string_view kLive = "see sotto listen";
constexpr std::string_view kThresholds = "openai-whisper's thresholds decide";
constexpr std::string_view kNoGrammar = "there are no grammars";

/// What is not taken, and why or what is there instead.
const std::map<std::string_view, std::string_view> kRefused = {
    // whisper.cpp
    {"-on", "it has no effect on the text"},
    {"--offset-n", "it has no effect on the text"},
    {"-ac", kWindows},
    {"--audio-ctx", kWindows},
    {"-wt", kThresholds},
    {"--word-thold", kThresholds},
    {"-et", kThresholds},
    {"--entropy-thold", kThresholds},
    {"-owts", "--highlight-words with ass and --burn show words as they are said"},
    {"--output-words", "--highlight-words with ass and --burn show words as they are said"},
    {"-fp", "--highlight-words with ass and --burn show words as they are said"},
    {"--font-path", "--highlight-words with ass and --burn show words as they are said"},
    {"-di", kOneSpeaker},
    {"-tdrz", kOneSpeaker},
    {"--tinydiarize", kOneSpeaker},
    {"-dl", "the language is shown with every result"},
    {"--detect-language", "the language is shown with every result"},
    {"-ps", "--json-lines tells tokens' probabilities by word"},
    {"--print-special", "--json-lines tells tokens' probabilities by word"},
    {"-ls", "--json-lines tells tokens' probabilities by word"},
    {"--log-score", "--json-lines tells tokens' probabilities by word"},
    {"-debug", "--json-lines tells what happens"},
    {"--grammar", kNoGrammar},
    {"--grammar-rule", kNoGrammar},
    {"--grammar-penalty", kNoGrammar},
    // faster-whisper, whisper-ctranslate2, stable-ts, WhisperX
    {"--vad-parameters", "there is one option for each parameter: --vad-threshold, ..."},
    {"--clip-length", kWindows},
    {"--chunk-length", kWindows},
    {"--chunk-size", kWindows},
    {"--revision", "see sotto download --revision"},
    {"--use-auth-token", "the environment's HF_TOKEN is read"},
    {"--hf-token", "the environment's HF_TOKEN is read"},
    {"--files", "--model takes a directory"},
    {"--live-transcribe", kLive},
    {"--live-volume-threshold", kLive},
    {"--live-input-device", kLive},
    {"--live-input-device-sample-rate", kLive},
    {"--resume-input", "--resume goes on where a run ended"},
    {"--save-unfinished", "unfinished results are always kept"},
    {"--diarize", kOneSpeaker},
    {"--min-speakers", kOneSpeaker},
    {"--max-speakers", kOneSpeaker},
    {"--speaker-num", kOneSpeaker},
    {"--align-model", "words are timed by the model itself: --word-timestamps"},
    {"--vad-method", "there is one detector: --vad-filter"},
    {"--device-index", "--device names the device, for example GPU.1"},
    {"--num-workers", "one model hears all; --batch-size decodes windows together"}};

/// True for what -f takes in whisper.cpp: a file. openai-whisper's -f takes names of formats.
bool is_input(std::string_view value) {
  return value == "-" || value.find_first_of("./") != std::string_view::npos;
}

double number_of(const std::string& option, const std::string& text) {
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorCode::invalid_argument, option, fmt::format("expected a number, found \"{}\".", text));
  }
  return number;
}

class Translator {
 public:
  explicit Translator(const Arguments& arguments) : given_(arguments) {}

  Arguments translate() {
    for (; next_ < given_.size() && given_[next_] != "--"; ++next_) {
      read(given_[next_]);
    }
    if (!formats_.empty()) {
      out_.push_back(fmt::format("--output-format={}", fmt::join(formats_, ",")));
    }
    if (offset_ms_ > 0.0 || duration_ms_ > 0.0) {
      const std::string end =
          duration_ms_ > 0.0 ? fmt::format(",{}", (offset_ms_ + duration_ms_) / 1000) : "";
      out_.push_back(fmt::format("--clip-timestamps={}{}", offset_ms_ / 1000, end));
    }
    out_.insert(out_.end(), given_.begin() + static_cast<std::ptrdiff_t>(next_), given_.end());
    return std::move(out_);
  }

 private:
  void read(const std::string& argument) {
    const std::size_t equals = argument.starts_with("--") ? argument.find('=') : std::string::npos;
    const std::string name = argument.substr(0, equals);
    value_ = equals == std::string::npos ? std::nullopt : std::optional(argument.substr(equals + 1));
    if (const auto refused = kRefused.find(name); refused != kRefused.end()) {
      throw Error(ErrorCode::invalid_argument, name, fmt::format("is not taken: {}.", refused->second));
    }
    if (const auto found = kNames.find(name); found != kNames.end()) {
      out_.push_back(std::string(found->second) + (value_ ? "=" + *value_ : ""));
    } else if (const auto switched = kSwitches.find(name); switched != kSwitches.end()) {
      if (takes_effect()) {
        out_.insert(out_.end(), switched->second.begin(), switched->second.end());
      }
    } else if (const auto format = kFormats.find(name); format != kFormats.end()) {
      formats_.push_back(format->second);
      if (name == "-ojf" || name == "--output-json-full") {
        out_.emplace_back("--word-timestamps");
      }
    } else if (!read_with_value(name)) {
      out_.push_back(argument);
    }
  }

  /// Options whose value means something else here.
  bool read_with_value(const std::string& name) {
    if (name == "-ot" || name == "--offset-t") {
      offset_ms_ = number_of(name, take_value(name));
    } else if (name == "-d" || name == "--duration") {
      duration_ms_ = number_of(name, take_value(name));
    } else if (name == "-ml" || name == "--max-len") {
      const std::string width = take_value(name);
      if (number_of(name, width) > 0.0) {
        out_.insert(out_.end(), {"--max-line-width=" + width, "--max-line-count=1"});
      }
    } else if (name == "-mc" || name == "--max-context") {
      read_max_context(name, take_value(name));
    } else if (name == "-dtw" || name == "--dtw") {
      take_value(name);  // the model's own heads are used
      out_.emplace_back("--word-timestamps");
    } else if (name == "-f" || name == "--file") {
      const std::string value = take_value(name);
      out_.push_back(name == "--file" || is_input(value) ? value : "--output-format=" + value);
    } else if (name == "-of" || name == "--output-file") {
      read_output_file(take_value(name));
    } else if (name == "-p" || name == "--processors") {
      if (take_value(name) != "1") {
        throw Error(ErrorCode::invalid_argument, name,
                    "is not taken: it cuts words at the borders of its parts; --batch-size decodes windows "
                    "together.");
      }
    } else if (name == "--batch-size") {
      const std::string size = take_value(name);
      out_.push_back("--batch-size=" + (size == "auto" ? "0" : size));
    } else if (name == "-vm" || name == "--vad-model" || name == "-vo" || name == "--vad-samples-overlap") {
      take_value(name);  // the detector is part of the program
    } else if (name == "--compute-type") {
      read_compute_type(name, take_value(name));
    } else {
      return false;
    }
    return true;
  }

  /// whisper.cpp's path of the outputs without their extension.
  void read_output_file(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash != std::string::npos) {
      out_.push_back("--output-dir=" + (slash == 0 ? "/" : path.substr(0, slash)));
    }
    out_.push_back("--output-name=" + path.substr(slash == std::string::npos ? 0 : slash + 1));
  }

  void read_max_context(const std::string& name, const std::string& value) {
    const double n_tokens = number_of(name, value);
    if (n_tokens > 0.0) {
      throw Error(ErrorCode::invalid_argument, name,
                  fmt::format("expected 0 (no text from before) or -1 (as much as fits), found {}.", value));
    }
    if (n_tokens == 0.0) {
      out_.emplace_back("--no-condition-on-previous-text");
    }
  }

  /// CTranslate2's types that are no quantization; how weights are stored is the model's matter here.
  void read_compute_type(const std::string& name, const std::string& value) {
    static const std::map<std::string_view, std::string_view> kPrecisions = {
        {"float32", "f32"}, {"float16", "f16"}, {"bfloat16", "bf16"}};
    if (const auto found = kPrecisions.find(value); found != kPrecisions.end()) {
      out_.push_back(fmt::format("--inference-precision={}", found->second));
    } else if (value != "default" && value != "auto" && !value.starts_with("int8")) {
      throw Error(ErrorCode::invalid_argument, name,
                  fmt::format("expected float32, float16, bfloat16, int8 or default, found \"{}\".", value));
    }
  }

  std::string take_value(const std::string& name) {
    if (value_) {
      return *value_;
    }
    if (next_ + 1 >= given_.size()) {
      throw Error(ErrorCode::invalid_argument, name, "expected a value, found none.");
    }
    return given_[++next_];
  }

  /// False for a switch followed by "False"; takes the word.
  bool takes_effect() {
    const auto truth = [](const std::string& text) {
      return same_word(text, "true") || same_word(text, "false");
    };
    if (!value_ && next_ + 1 < given_.size() && truth(given_[next_ + 1])) {
      value_ = given_[++next_];
    }
    return !value_ || !same_word(*value_, "false");
  }

  const Arguments& given_;
  std::size_t next_ = 0;
  std::optional<std::string> value_;  ///< after the "=" of the argument at hand
  Arguments out_;
  std::vector<std::string_view> formats_;
  double offset_ms_ = 0.0;
  double duration_ms_ = 0.0;
};

}  // namespace

std::vector<std::string> translate_spellings(const std::vector<std::string>& arguments) {
  return Translator(arguments).translate();
}

}  // namespace sotto::cli
