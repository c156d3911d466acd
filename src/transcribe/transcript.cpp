#include "transcribe/transcript.h"

#include <span>
#include <utility>

#include "transcribe/language.h"
#include "transcribe/strip.h"

namespace sotto::transcribe {

std::vector<TokenId> initial_prompt_of(const TranscribeOptions& options, const Vocabulary& vocabulary) {
  return options.initial_prompt.empty() ? std::vector<TokenId>{}
                                        : vocabulary.encode(" " + std::string(strip(options.initial_prompt)));
}

Transcript::Transcript(std::vector<TokenId> prompt) : n_prompt_(prompt.size()), tokens_(std::move(prompt)) {}

void Transcript::add(std::vector<Segment> segments, const Listeners& listeners) {
  for (Segment& segment : segments) {
    segment.id = static_cast<int>(segments_.size());
    tokens_.insert(tokens_.end(), segment.tokens.begin(), segment.tokens.end());
    segments_.push_back(std::move(segment));
    if (listeners.on_segment) {
      listeners.on_segment(segments_.back());
    }
  }
}

void Transcript::restore(const std::vector<Segment>& segments) {
  segments_ = segments;
  for (const Segment& segment : segments_) {
    tokens_.insert(tokens_.end(), segment.tokens.begin(), segment.tokens.end());
  }
}

Transcription Transcript::take(const Vocabulary& vocabulary,
                               const TranscribeOptions& options,
                               const std::string& language) {
  Transcription result;
  result.text = vocabulary.decode(std::span(tokens_).subspan(n_prompt_));
  result.language = options.multilingual ? main_language(segments_) : language;
  result.segments = std::move(segments_);
  return result;
}

}  // namespace sotto::transcribe
