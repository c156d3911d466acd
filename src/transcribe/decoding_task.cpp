#include "transcribe/decoding_task.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <regex>
#include <utility>

#include <fmt/format.h>

#include "sotto/error.h"
#include "transcribe/beam_search.h"
#include "transcribe/compression_ratio.h"
#include "transcribe/greedy_decoder.h"
#include "transcribe/repetition.h"
#include "transcribe/sequence_ranker.h"
#include "transcribe/strip.h"
#include "transcribe/token_tail.h"

namespace sotto::transcribe {
namespace {

constexpr int kNonSpeech = -1;  // in suppress_tokens: the vocabulary's own list

std::vector<TokenId> suppressed_tokens(const Vocabulary& vocabulary,
                                       const std::vector<int>& asked,
                                       std::int64_t n_vocab) {
  std::vector<TokenId> ids = {vocabulary.transcribe, vocabulary.translate, vocabulary.sot,
                              vocabulary.sot_prev,   vocabulary.sot_lm,    vocabulary.no_speech};
  for (const int id : asked) {
    if (id == kNonSpeech) {
      ids.insert(ids.end(), vocabulary.non_speech.begin(), vocabulary.non_speech.end());
    } else if (id < n_vocab) {
      ids.push_back(id);
    } else {
      throw Error(
          ErrorCode::invalid_argument, "suppress_tokens",
          fmt::format("expected token ids below {}, the size of the vocabulary, found {}.", n_vocab, id));
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

/// The tokens of a prefix that fit beside sample_len.
std::vector<TokenId> prefix_tokens(const Vocabulary& vocabulary,
                                   const std::string& prefix,
                                   std::ptrdiff_t room) {
  if (prefix.empty()) {
    return {};
  }
  const std::vector<TokenId> tokens = vocabulary.encode(" " + std::string(strip(prefix)));
  const std::span<const TokenId> tail = token_tail(tokens, room);
  return {tail.begin(), tail.end()};
}

/// Ids of tokens with a digit or a sign that is read as a word (m-bain/whisperX 3,
/// find_numeral_symbol_tokens).
void add_numerals(std::vector<TokenId>& ids, const Vocabulary& vocabulary) {
  for (TokenId id = 0; id < vocabulary.eot; ++id) {
    const std::string text = vocabulary.decode(std::vector<TokenId>{id});
    if (text.find_first_of("0123456789%$") != std::string::npos || text.find("£") != std::string::npos) {
      ids.push_back(id);
    }
  }
}

/// Ids of tokens that a regular expression matches as a whole (whisper.cpp, suppress_regex).
void add_matches(std::vector<TokenId>& ids, const Vocabulary& vocabulary, const std::string& expression) {
  try {
    const std::regex pattern(expression);
    for (TokenId id = 0; id < vocabulary.eot; ++id) {
      if (std::regex_match(vocabulary.decode(std::vector<TokenId>{id}), pattern)) {
        ids.push_back(id);
      }
    }
  } catch (const std::regex_error& e) {
    throw Error(ErrorCode::invalid_argument, "suppress_regex",
                fmt::format("expected a regular expression, found {}: {}.", expression, e.what()));
  }
}

std::vector<TokenId> suppressed_texts(const Vocabulary& vocabulary, const TranscribeOptions& options) {
  std::vector<TokenId> ids;
  if (options.suppress_numerals) {
    add_numerals(ids, vocabulary);
  }
  if (!options.suppress_regex.empty()) {
    add_matches(ids, vocabulary, options.suppress_regex);
  }
  return ids;
}

void add_repetition_filters(std::vector<std::unique_ptr<LogitFilter>>& filters,
                            const Vocabulary& vocabulary,
                            const TranscribeOptions& options) {
  if (options.repetition_penalty != 1.0) {
    filters.push_back(std::make_unique<RepetitionPenalty>(options.repetition_penalty, vocabulary.eot));
  }
  if (options.no_repeat_ngram_size > 0) {
    filters.push_back(std::make_unique<NoRepeatNgram>(static_cast<std::size_t>(options.no_repeat_ngram_size),
                                                      vocabulary.eot));
  }
}

std::vector<std::unique_ptr<LogitFilter>> make_filters(const Vocabulary& vocabulary,
                                                       const model::ModelDimensions& dims,
                                                       const TranscribeOptions& options) {
  std::vector<std::unique_ptr<LogitFilter>> filters;
  add_repetition_filters(filters, vocabulary, options);  // the timestamp rules see what they leave
  if (options.suppress_blank) {
    filters.push_back(std::make_unique<SuppressBlank>(vocabulary));
  }
  if (!options.suppress_tokens.empty()) {
    filters.push_back(std::make_unique<SuppressTokens>(
        suppressed_tokens(vocabulary, options.suppress_tokens, dims.n_vocab)));
  }
  if (std::vector<TokenId> ids = suppressed_texts(vocabulary, options); !ids.empty()) {
    filters.push_back(std::make_unique<SuppressTokens>(std::move(ids)));
  }
  if (!options.without_timestamps) {
    std::optional<int> max_index;
    if (options.max_initial_timestamp > 0.0) {
      const double precision_s = static_cast<double>(audio::kWindowS) / static_cast<double>(dims.n_audio_ctx);
      max_index = static_cast<int>(std::nearbyint(options.max_initial_timestamp / precision_s));
    }
    filters.push_back(std::make_unique<ApplyTimestampRules>(vocabulary, max_index));
  }
  return filters;
}

double probability(std::span<const float> logits, TokenId id) {
  return std::exp(static_cast<double>(logits[static_cast<std::size_t>(id)] - checked_log_sum_exp(logits)));
}

}  // namespace

DecodingTask::DecodingTask(const Vocabulary& vocabulary,
                           const model::ModelDimensions& dims,
                           const TranscribeOptions& options)
    : vocabulary_(vocabulary),
      options_(options),
      n_ctx_(static_cast<std::size_t>(dims.n_text_ctx)),
      sample_len_(options.sample_len > 0 ? static_cast<std::size_t>(options.sample_len) : n_ctx_ / 2),
      filters_(make_filters(vocabulary, dims, options)) {
  if (!options.hotwords.empty() && options.prefix.empty()) {  // as faster-whisper: a prefix rules them out
    hotwords_ = vocabulary.encode(" " + std::string(strip(options.hotwords)));
    hotwords_.resize(std::min(hotwords_.size(), n_ctx_ / 2 - 1));
  }
  if (options.without_timestamps) {
    behind_task_.push_back(vocabulary.no_timestamps);
  }
  const auto room = static_cast<std::ptrdiff_t>(n_ctx_ / 2) - static_cast<std::ptrdiff_t>(sample_len_);
  const std::vector<TokenId> prefix = prefix_tokens(vocabulary, options.prefix, room);
  behind_task_.insert(behind_task_.end(), prefix.begin(), prefix.end());
  const std::size_t n_behind_prompt = behind_task_.size() + (vocabulary.is_multilingual ? 3 : 1);
  if (n_behind_prompt > n_ctx_ / 2) {  // the other half is the prompt's
    throw Error(ErrorCode::invalid_argument, "prefix",
                fmt::format("expected at most {} tokens, found {}.", n_ctx_ / 2, n_behind_prompt));
  }
}

std::vector<TokenId> DecodingTask::initial_tokens(const Run& run) const {
  std::vector<TokenId> tokens;
  if (!run.prompt.empty() || !hotwords_.empty()) {
    tokens.push_back(vocabulary_.sot_prev);
    tokens.insert(tokens.end(), hotwords_.begin(), hotwords_.end());
    const std::size_t room = n_ctx_ / 2 - 1 - hotwords_.size();
    const std::span<const TokenId> tail = run.prompt.last(std::min(run.prompt.size(), room));
    tokens.insert(tokens.end(), tail.begin(), tail.end());
  }
  const std::vector<TokenId> sot = sot_sequence(vocabulary_, options_.task, run.language);
  tokens.insert(tokens.end(), sot.begin(), sot.end());
  tokens.insert(tokens.end(), behind_task_.begin(), behind_task_.end());
  return tokens;
}

std::unique_ptr<TokenDecoder> DecodingTask::make_decoder(const Run& run) const {
  if (run.temperature > 0.0) {
    const auto n_samples = static_cast<std::size_t>(options_.best_of);
    return std::make_unique<GreedyDecoder>(run.temperature, n_samples, vocabulary_.eot, run.seed);
  }
  if (options_.beam_size > 0) {
    const auto beam_size = static_cast<std::size_t>(options_.beam_size);
    return std::make_unique<BeamSearchDecoder>(beam_size, options_.patience, vocabulary_.eot);
  }
  return std::make_unique<GreedyDecoder>(0.0, 1, vocabulary_.eot, run.seed);
}

void DecodingTask::apply_filters(const LogitRows& logits, const std::vector<OpenRow>& rows) const {
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (const auto& filter : filters_) {
      filter->apply(logits[row], rows[row].tokens);
    }
  }
}

void DecodingTask::main_loop(Inference& inference,
                             LogitRows logits,
                             std::size_t n_initial,
                             TokenDecoder& decoder,
                             const std::stop_token& stop) const {
  std::vector<TokenId> last_tokens;
  std::vector<std::int32_t> source_rows;
  for (std::size_t n_sampled = 1;; ++n_sampled) {
    apply_filters(logits, decoder.open_rows());
    decoder.update(logits);
    if (decoder.completed() || is_full(n_initial, n_sampled)) {
      return;
    }
    if (stop.stop_requested()) {
      throw Error(ErrorCode::cancelled, "transcribing", "stopped on request.");
    }
    last_tokens.clear();
    source_rows.clear();
    for (const OpenRow& row : decoder.open_rows()) {
      last_tokens.push_back(row.tokens.back());
      source_rows.push_back(row.source);
    }
    logits = inference.step(last_tokens, source_rows);
  }
}

DecodingResult DecodingTask::run(Inference& inference, const Run& run) const {
  const std::vector<TokenId> initial = initial_tokens(run);
  const auto decoder = make_decoder(run);
  const PromptLogits logits = inference.start(initial, sot_position(run));
  const double no_speech_prob = no_speech_probability(logits.at_position);
  main_loop(inference, logits.next, initial.size(), *decoder, run.stop);
  return result(*decoder, run.temperature, no_speech_prob);
}

std::size_t DecodingTask::sot_position(const Run& run) const {
  const std::vector<TokenId> initial = initial_tokens(run);
  return static_cast<std::size_t>(std::find(initial.begin(), initial.end(), vocabulary_.sot) -
                                  initial.begin());
}

double DecodingTask::no_speech_probability(std::span<const float> logits_at_sot) const {
  return probability(logits_at_sot, vocabulary_.no_speech);
}

DecodingResult DecodingTask::result(const TokenDecoder& decoder,
                                    double temperature,
                                    double no_speech_prob) const {
  std::vector<Candidate> candidates = decoder.finalize();
  Candidate& best = candidates[rank_by_likelihood(candidates, options_.length_penalty)];
  DecodingResult result;
  result.no_speech_prob = no_speech_prob;
  result.avg_logprob = best.sum_logprob / static_cast<double>(best.tokens.size() + 1);
  result.text = strip(vocabulary_.decode(best.tokens));
  result.compression_ratio = compression_ratio(result.text);
  result.longest_loop = longest_loop(best.tokens, vocabulary_.eot);
  result.temperature = temperature;
  result.tokens = std::move(best.tokens);
  return result;
}

}  // namespace sotto::transcribe
