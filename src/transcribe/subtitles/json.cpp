#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "transcribe/subtitles/writers.h"

namespace sotto::subtitles {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const transcribe::Word& word) {
  return {
      {"word", word.word}, {"start", word.start_s}, {"end", word.end_s}, {"probability", word.probability}};
}

Json to_json(const transcribe::Segment& segment) {
  Json json = {{"id", segment.id},
               {"seek", segment.seek_frames},
               {"start", segment.start_s},
               {"end", segment.end_s},
               {"text", segment.text},
               {"tokens", segment.tokens},
               {"temperature", segment.temperature},
               {"avg_logprob", segment.avg_logprob},
               {"compression_ratio", segment.compression_ratio},
               {"no_speech_prob", segment.no_speech_prob}};
  if (!segment.language.empty()) {
    json["language"] = segment.language;
  }
  for (const auto& word : segment.words) {
    json["words"].push_back(to_json(word));
  }
  return json;
}

/// Text is valid UTF-8 where it comes from the tokenizer; a caller's own may not be.
std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

/// What dump() makes of an object, four columns further in.
std::string indented(const Json& json) {
  constexpr std::string_view kIndent = "    ";
  std::string text(kIndent);
  for (const char c : dump(json)) {
    text += c;
    if (c == '\n') {  // between values only: within strings it is escaped
      text += kIndent;
    }
  }
  return text;
}

}  // namespace

/// As one dump of it all would be, but with a tree of one segment at a time: those of hours take hundreds of
/// megabytes.
std::string write_json(const transcribe::Transcription& transcription, const LayoutOptions&) {
  std::string text = "{\n  \"text\": " + dump(transcription.text) + ",\n  \"segments\": [";
  const char* separator = "\n";
  for (const auto& segment : transcription.segments) {
    text += separator + indented(to_json(segment));
    separator = ",\n";
  }
  text += transcription.segments.empty() ? "]" : "\n  ]";
  return text + ",\n  \"language\": " + dump(transcription.language) +
         ",\n  \"duration\": " + dump(transcription.duration_s) + "\n}\n";
}

}  // namespace sotto::subtitles
