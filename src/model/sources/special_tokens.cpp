#include "model/sources/special_tokens.h"

#include <fmt/format.h>

namespace sotto::model::sources {
namespace {

constexpr std::int32_t kTimestamps = 1501;  // every 20 ms of 30 s, both ends included
constexpr std::int32_t kEnglishOnly = 51864;
constexpr std::int32_t kVersion2 = 51865;
constexpr std::int32_t kVersion3 = 51866;

constexpr std::string_view kLanguages[] = {
    "en", "zh", "de", "es", "ru", "ko", "fr", "ja", "pt",  "tr", "pl", "ca", "nl", "ar", "sv", "it", "id",
    "hi", "fi", "vi", "he", "uk", "el", "ms", "cs", "ro",  "da", "hu", "ta", "no", "th", "ur", "hr", "bg",
    "lt", "la", "mi", "ml", "cy", "sk", "te", "fa", "lv",  "bn", "sr", "az", "sl", "kn", "et", "mk", "br",
    "eu", "is", "hy", "ne", "mn", "bs", "kk", "sq", "sw",  "gl", "mr", "pa", "si", "km", "sn", "yo", "so",
    "af", "oc", "ka", "be", "tg", "sd", "gu", "am", "yi",  "lo", "uz", "fo", "ht", "ps", "tk", "nn", "mt",
    "sa", "lb", "my", "bo", "tl", "mg", "as", "tt", "haw", "ln", "ha", "ba", "jw", "su", "yue"};

}  // namespace

std::int32_t SpecialTokens::n_vocab() const {
  return timestamp_begin() + kTimestamps;
}

std::vector<std::pair<std::string, std::int32_t>> SpecialTokens::named() const {
  std::vector<std::pair<std::string, std::int32_t>> names = {{"<|endoftext|>", eot()},
                                                             {"<|startoftranscript|>", sot()}};
  for (std::int32_t i = 0; i < n_languages; ++i) {
    names.emplace_back(fmt::format("<|{}|>", kLanguages[i]), language(i));
  }
  names.emplace_back("<|translate|>", translate());
  names.emplace_back("<|transcribe|>", transcribe());
  names.emplace_back("<|startoflm|>", sot_lm());
  names.emplace_back("<|startofprev|>", sot_prev());
  names.emplace_back(n_vocab() == kVersion3 ? "<|nospeech|>" : "<|nocaptions|>", no_speech());
  names.emplace_back("<|notimestamps|>", no_timestamps());
  for (std::int32_t i = 0; i < kTimestamps; ++i) {
    names.emplace_back(fmt::format("<|{}.{:02}|>", i / 50, i % 50 * 2), timestamp_begin() + i);
  }
  return names;
}

std::optional<SpecialTokens> official_special_tokens(std::int64_t n_vocab) {
  switch (n_vocab) {
    case kEnglishOnly:
      return SpecialTokens{.n_text_tokens = 50256, .n_languages = 99, .is_multilingual = false};
    case kVersion2:
      return SpecialTokens{.n_text_tokens = 50257, .n_languages = 99, .is_multilingual = true};
    case kVersion3:
      return SpecialTokens{.n_text_tokens = 50257, .n_languages = 100, .is_multilingual = true};
    default:
      return std::nullopt;
  }
}

std::span<const std::string_view> whisper_languages() {
  return kLanguages;
}

}  // namespace sotto::model::sources
