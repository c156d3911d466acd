#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "sotto/transcribe.h"
#include "transcribe/inference.h"
#include "transcribe/logit_filters.h"
#include "transcribe/token_decoder.h"
#include "transcribe/vocabulary.h"

namespace sotto::transcribe {

/// What one window was decoded to.
struct DecodingResult {
  std::vector<TokenId> tokens;  ///< text and timestamps, without prompt and end
  std::string text;             ///< of the tokens, stripped
  double temperature = 0.0;
  double avg_logprob = 0.0;  ///< sum of log-probabilities / (number of tokens + 1)
  double no_speech_prob = 0.0;
  double compression_ratio = 0.0;
  std::size_t longest_loop = 0;  ///< how often a sequence is said in a row
};

/// Turns an encoded window into tokens under the rules of the options.
/// Source: openai/whisper 20250625, decoding.py, DecodingTask.
class DecodingTask {
 public:
  /// Throws Error(invalid_argument) for tokens to suppress that the vocabulary does not have and for a prefix
  /// longer than half the context.
  DecodingTask(const Vocabulary& vocabulary,
               const model::ModelDimensions& dims,
               const TranscribeOptions& options);

  /// How one run differs from another of the same task.
  struct Run {
    std::string language{};             ///< a code of the vocabulary; not used by English-only models
    std::span<const TokenId> prompt{};  ///< tokens of the text before; the last n_text_ctx / 2 - 1 count
    double temperature = 0.0;
    std::uint64_t seed = 0;
    std::stop_token stop{};
  };
  /// Decodes the window that `inference` encoded last. Throws Error(cancelled) on a requested stop.
  DecodingResult run(Inference& inference, const Run& run) const;

  // What run() is made of, for decoders of several windows.

  /// The whole prompt: <|startofprev|>, hotwords and text before, <|startoftranscript|> and what follows it.
  std::vector<TokenId> initial_tokens(const Run& run) const;
  /// Where <|startoftranscript|> is in it.
  std::size_t sot_position(const Run& run) const;
  /// Applies every rule to a row of logits for each of `rows`.
  void apply_filters(const LogitRows& logits, const std::vector<OpenRow>& rows) const;
  double no_speech_probability(std::span<const float> logits_at_sot) const;
  /// True once n_sampled tokens behind n_initial ones are as many as there may be.
  bool is_full(std::size_t n_initial, std::size_t n_sampled) const {
    return n_sampled == sample_len_ || n_initial + n_sampled > n_ctx_;
  }
  /// The best of what a decoder found.
  DecodingResult result(const TokenDecoder& decoder, double temperature, double no_speech_prob) const;
  TokenId eot() const { return vocabulary_.eot; }

 private:
  std::unique_ptr<TokenDecoder> make_decoder(const Run& run) const;
  void main_loop(Inference& inference,
                 LogitRows logits,
                 std::size_t n_initial,
                 TokenDecoder& decoder,
                 const std::stop_token& stop) const;

  Vocabulary vocabulary_;
  TranscribeOptions options_;
  std::size_t n_ctx_;
  std::size_t sample_len_;
  std::vector<TokenId> hotwords_;     ///< shown before the text before
  std::vector<TokenId> behind_task_;  ///< <|notimestamps|> and the prefix
  std::vector<std::unique_ptr<LogitFilter>> filters_;
};

}  // namespace sotto::transcribe
