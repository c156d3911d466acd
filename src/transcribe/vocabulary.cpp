#include "transcribe/vocabulary.h"

namespace sotto::transcribe {

Vocabulary make_vocabulary(const text::Tokenizer& tokenizer, bool is_multilingual) {
  Vocabulary v;
  v.eot = tokenizer.eot();
  v.sot = tokenizer.sot();
  v.transcribe = tokenizer.transcribe();
  v.translate = tokenizer.translate();
  v.sot_lm = tokenizer.sot_lm();
  v.sot_prev = tokenizer.sot_prev();
  v.no_speech = tokenizer.no_speech();
  v.no_timestamps = tokenizer.no_timestamps();
  v.timestamp_begin = tokenizer.timestamp_begin();
  v.is_multilingual = is_multilingual && !tokenizer.language_ids().empty();
  if (v.is_multilingual) {
    v.language_ids = tokenizer.language_ids();
  }
  v.blank = tokenizer.encode(" ");
  v.non_speech = tokenizer.non_speech_tokens();
  v.encode = [tokenizer](std::string_view text) { return tokenizer.encode(text); };
  v.decode = [tokenizer](std::span<const TokenId> ids) { return tokenizer.decode(ids); };
  v.decode_with_timestamps = [tokenizer](std::span<const TokenId> ids) {
    return tokenizer.decode_with_timestamps(ids);
  };
  return v;
}

std::vector<TokenId> sot_sequence(const Vocabulary& vocabulary, Task task, const std::string& language) {
  if (!vocabulary.is_multilingual) {
    return {vocabulary.sot};
  }
  const TokenId task_id = task == Task::translate ? vocabulary.translate : vocabulary.transcribe;
  return {vocabulary.sot, vocabulary.language_ids.at(language), task_id};
}

}  // namespace sotto::transcribe
