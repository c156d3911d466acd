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

}  // namespace

std::string write_json(const transcribe::Transcription& transcription, const LayoutOptions&) {
  Json segments = Json::array();
  for (const auto& segment : transcription.segments) {
    segments.push_back(to_json(segment));
  }
  const Json whole = {{"text", transcription.text},
                      {"segments", std::move(segments)},
                      {"language", transcription.language},
                      {"duration", transcription.duration_s}};
  // Text is valid UTF-8 where it comes from the tokenizer; a caller's own may not be.
  return whole.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace sotto::subtitles
