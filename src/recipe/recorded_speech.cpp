#include "recipe/recorded_speech.h"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>
#include <openvino/core/model.hpp>
#include <openvino/runtime/infer_request.hpp>

#include "core/log.h"
#include "sotto/audio.h"
#include "sotto/error.h"

namespace sotto {
namespace {

constexpr const char* kFeatures = "input_features";
constexpr const char* kTokens = "input_ids";
constexpr const char* kHiddenStates = "encoder_hidden_states";
constexpr const char* kBeams = "beam_idx";

ov::Tensor copy_of(const ov::Tensor& tensor) {
  ov::Tensor copy(tensor.get_element_type(), tensor.get_shape());
  tensor.copy_to(copy);
  return copy;
}

void expect_known_inputs(const ov::Model& decoder) {
  constexpr std::array kKnown = {kTokens, kHiddenStates, kBeams};
  for (const auto& input : decoder.inputs()) {
    if (!input.get_names().empty() &&
        std::ranges::none_of(kKnown, [&](const char* name) { return input.get_names().contains(name); })) {
      throw Error(ErrorCode::unsupported, "bias_correction",
                  fmt::format("expected a decoder with the inputs {}, {} and {} for full bias correction, "
                              "found {}; convert the model with sotto convert.",
                              kTokens, kHiddenStates, kBeams, *input.get_names().begin()));
    }
  }
}

/// One text at a time, each token decided once.
transcribe::TranscribeOptions greedy(transcribe::TranscribeOptions options) {
  options.temperatures = {0.0};
  options.beam_size = 0;
  options.batch_size = 1;
  options.word_timestamps = false;
  return options;
}

}  // namespace

RecordedSpeech::RecordedSpeech(const model::WhisperModel& fp,
                               evaluate::SpeechStream& speech,
                               std::size_t n_utterances,
                               const QuantizeWhisperOptions& options,
                               const Progress& progress) {
  expect_known_inputs(*fp.decoder);
  transcribe::SessionOptions session = options.session;
  session.inference_precision = "f32";
  session.engine = transcribe::Engine::openvino;  // whose requests hold what the decoder was given
  transcribe::Transcriber transcriber(fp, session);
  const auto start_token = static_cast<std::int64_t>(fp.generation.decoder_start_token_id);
  const transcribe::Listeners listeners{
      .on_segment = {}, .on_inference = [&](transcribe::Stage stage, ov::InferRequest& request, double) {
        stage == transcribe::Stage::encoder ? note_window(request) : note_tokens(request, start_token);
      }};
  for (std::size_t i = 0; i < n_utterances; ++i) {
    step(progress, "record", static_cast<double>(i), static_cast<double>(n_utterances));
    const auto utterance = speech.next();
    if (!utterance) {
      break;
    }
    transcriber.transcribe(*audio::from_samples(utterance->samples), greedy(options.transcribe), listeners,
                           {.report = {}, .stop = progress.stop});
  }
  if (texts_.empty()) {
    throw Error(ErrorCode::not_found, options.calibration,
                "expected speech to run again for full bias correction, found none.");
  }
}

void RecordedSpeech::note_window(ov::InferRequest& encoder) {
  features_.push_back(copy_of(encoder.get_tensor(kFeatures)));
  hidden_states_.push_back(copy_of(encoder.get_tensor("last_hidden_state")));
}

/// A prompt begins a text; one token goes on with it, but for the start token alone: language detection, or
/// the prompt of a model of English only.
void RecordedSpeech::note_tokens(ov::InferRequest& decoder, std::int64_t start_token) {
  const ov::Tensor tensor = decoder.get_tensor(kTokens);
  const std::span<const std::int64_t> ids(tensor.data<const std::int64_t>(), tensor.get_size());
  if (ids.size() > 1 || ids[0] == start_token) {
    texts_.push_back({{}, features_.size() - 1});
  }
  texts_.back().ids.insert(texts_.back().ids.end(), ids.begin(), ids.end());
}

quantize::Replay RecordedSpeech::encoder() const {
  return [this](ov::InferRequest& request, const std::function<void()>& infer) {
    for (const ov::Tensor& features : features_) {
      request.set_tensor(kFeatures, features);
      infer();
    }
  };
}

quantize::Replay RecordedSpeech::decoder() const {
  return [this](ov::InferRequest& request, const std::function<void()>& infer) {
    ov::Tensor beams(ov::element::i32, {1});
    *beams.data<std::int32_t>() = 0;
    for (const Text& text : texts_) {
      ov::Tensor tokens(ov::element::i64, {1, text.ids.size()});
      std::ranges::copy(text.ids, tokens.data<std::int64_t>());
      request.reset_state();
      request.set_tensor(kTokens, tokens);
      request.set_tensor(kHiddenStates, hidden_states_[text.window]);
      request.set_tensor(kBeams, beams);
      infer();
    }
  };
}

}  // namespace sotto
