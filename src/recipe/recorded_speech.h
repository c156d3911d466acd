#pragma once

#include <cstdint>
#include <vector>

#include <openvino/runtime/tensor.hpp>

#include "sotto/data_set.h"
#include "sotto/model.h"
#include "sotto/recipe.h"

namespace sotto {

/// What a model's parts were given while it transcribed, to be run again: each window once through the
/// encoder, and each text that was decoded, prompt included, in one inference of the decoder, which sees of
/// it what it saw token by token.
class RecordedSpeech {
 public:
  /// Transcribes the first `n_utterances` of `speech`, greedily. Throws Error(unsupported) for a decoder with
  /// other inputs than token ids, the encoder's output and beam_idx.
  RecordedSpeech(const model::WhisperModel& fp,
                 evaluate::SpeechStream& speech,
                 std::size_t n_utterances,
                 const QuantizeWhisperOptions& options,
                 const Progress& progress);

  /// They refer to this object.
  quantize::Replay encoder() const;
  quantize::Replay decoder() const;

 private:
  struct Text {
    std::vector<std::int64_t> ids;
    std::size_t window = 0;
  };
  void note_window(ov::InferRequest& encoder);
  void note_tokens(ov::InferRequest& decoder, std::int64_t start_token);

  std::vector<ov::Tensor> features_;       // of each window
  std::vector<ov::Tensor> hidden_states_;  // of each window
  std::vector<Text> texts_;
};

}  // namespace sotto
