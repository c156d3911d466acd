#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sotto/transcribe.h"
#include "transcribe/vocabulary.h"

namespace sotto::transcribe {

/// initial_prompt as tokens, none where there is none.
std::vector<TokenId> initial_prompt_of(const TranscribeOptions& options, const Vocabulary& vocabulary);

/// The segments heard so far and their tokens. What is held grows with nothing else.
class Transcript {
 public:
  /// `prompt`: tokens that stand before those of the first segment and are not part of the text.
  explicit Transcript(std::vector<TokenId> prompt = {});

  /// Numbers segments, keeps them and tells of each.
  void add(std::vector<Segment> segments, const Listeners& listeners);
  /// Segments of a run before this one, of which nobody is told.
  void restore(const std::vector<Segment>& segments);

  /// The prompt's and every segment's.
  const std::vector<TokenId>& tokens() const { return tokens_; }
  /// Text and segments, which are gone from here; the language is `language` or, with multilingual, that of
  /// most.
  Transcription take(const Vocabulary& vocabulary,
                     const TranscribeOptions& options,
                     const std::string& language);

 private:
  std::size_t n_prompt_;
  std::vector<TokenId> tokens_;
  std::vector<Segment> segments_;
};

}  // namespace sotto::transcribe
