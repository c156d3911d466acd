#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "audio/mel_stream.h"
#include "sotto/error.h"
#include "sotto/text.h"
#include "sotto/transcribe.h"
#include "transcribe/batch_loop.h"
#include "transcribe/decoding_task.h"
#include "transcribe/find_alignment.h"
#include "transcribe/language.h"
#include "transcribe/session.h"
#include "transcribe/tolerant_source.h"
#include "transcribe/vocabulary.h"
#include "transcribe/window_loop.h"
#include "transcribe/word_timestamps.h"

namespace sotto::transcribe {
namespace {

constexpr std::int64_t kEnglishOnlyVocabulary =
    51864;  // of Whisper's .en models; multilingual ones have more

bool is_multilingual(const model::WhisperModel& model) {
  return model.generation.is_multilingual && model.dims.n_vocab != kEnglishOnlyVocabulary;
}

/// large-v3-turbo (4 decoder layers behind 32) and Distil-Whisper (2) never saw translations in training;
/// asked to translate they transcribe (openai/whisper, README and pull request 2361; distil-whisper, README).
bool is_cut_down(const model::ModelDimensions& dims) {
  constexpr std::int64_t kLargeWidth = 1280;
  constexpr std::int64_t kMostLayers = 4;
  return dims.n_text_state == kLargeWidth && dims.n_text_layer <= kMostLayers &&
         dims.n_audio_layer > dims.n_text_layer;
}

/// Why a model cannot translate; empty if it can.
std::string reason_against_translation(const model::WhisperModel& model, const Vocabulary& vocabulary) {
  const auto& tasks = model.generation.task_to_id;
  if (!vocabulary.is_multilingual) {
    return "it knows English only";
  }
  if (!tasks.empty() && !tasks.contains("translate")) {
    return "its generation_config.json has no such task";
  }
  return is_cut_down(model.dims) ? "turbo and distilled models were not trained to translate" : "";
}

}  // namespace

struct Transcriber::Impl {
  Impl(const model::WhisperModel& model, const SessionOptions& options)
      : dims(model.dims),
        vocabulary(make_vocabulary(text::Tokenizer::load(model.directory), is_multilingual(model))),
        reason_against_translation(transcribe::reason_against_translation(model, vocabulary)),
        session(model, options) {}

  /// The language to decode in: as asked, English where there is no other, or heard in the first windows.
  /// None where every window is heard for it.
  HeardLanguage language(const TranscribeOptions& options, audio::MelStream& mel) {
    if (options.language != kAutoLanguage) {
      return {resolve_language(options.language, vocabulary), 1.0};
    }
    if (!vocabulary.is_multilingual) {
      return {"en", 1.0};
    }
    if (options.multilingual) {
      return {};
    }
    const auto listen = [&](std::size_t i) -> std::optional<LanguageProbabilities> {
      const auto window = mel.window_for_language(i * audio::kWindowFrames);
      if (!window) {
        return std::nullopt;
      }
      session.encode(*window);
      return language_probabilities(session, vocabulary, options.languages);
    };
    return vote_language(listen, static_cast<std::size_t>(options.language_detection_segments),
                         options.language_detection_threshold);
  }

  void expect_supported(const TranscribeOptions& options) const {
    validate(options);
    if (options.language != kAutoLanguage) {
      resolve_language(options.language, vocabulary);
    }
    for (const std::string& language : options.languages) {
      resolve_language(language, vocabulary);
    }
    if (options.task == Task::translate && !reason_against_translation.empty()) {
      throw Error(ErrorCode::invalid_argument, "task",
                  fmt::format("expected transcribe, the only task of this model, found translate: {}.",
                              reason_against_translation));
    }
  }

  model::ModelDimensions dims;
  Vocabulary vocabulary;
  std::string reason_against_translation;  ///< empty: it can
  Session session;
};

Transcriber::Transcriber(const model::WhisperModel& model, const SessionOptions& options)
    : impl_(std::make_unique<Impl>(model, options)) {}
Transcriber::~Transcriber() = default;
Transcriber::Transcriber(Transcriber&&) noexcept = default;
Transcriber& Transcriber::operator=(Transcriber&&) noexcept = default;

Transcription Transcriber::transcribe(audio::AudioSource& source,
                                      const TranscribeOptions& options,
                                      const Listeners& listeners,
                                      const Progress& progress,
                                      const Unfinished* unfinished) {
  impl_->expect_supported(options);
  impl_->session.listen(listeners.on_inference);
  TolerantSource tolerant(source);
  audio::MelStream mel(tolerant, static_cast<int>(impl_->dims.n_mels));
  const HeardLanguage language =
      unfinished == nullptr
          ? impl_->language(options, mel)
          : HeardLanguage{unfinished->checkpoint.language, unfinished->checkpoint.language_probability};
  const DecodingTask task(impl_->vocabulary, impl_->dims, options);
  const auto align = [&](std::span<const TokenId> text_tokens, std::size_t n_frames,
                         const std::string& spoken) {
    const std::vector<TokenId> sot = sot_sequence(impl_->vocabulary, options.task, spoken);
    return find_alignment(impl_->session, impl_->vocabulary, sot, text_tokens, n_frames, spoken);
  };
  WordTimestamps words(align, impl_->vocabulary, options, mel.duration_s());
  const MelReader read_mel = [&](std::size_t seek_frames) { return mel.window(seek_frames); };
  Listeners told = listeners;
  if (listeners.on_checkpoint) {
    told.on_checkpoint = [&](Checkpoint checkpoint) {
      checkpoint.language_probability = language.probability;
      listeners.on_checkpoint(checkpoint);
    };
  }
  const WindowLoop::Setting setting{language.code, options.word_timestamps ? &words : nullptr, unfinished};
  const auto run = [&](auto loop) { return loop.run(read_mel, told, progress, mel.duration_s()); };
  Transcription result =
      batch_size_of(options) > 1
          ? run(BatchLoop(impl_->session, task, impl_->vocabulary, impl_->dims, options, setting))
          : run(WindowLoop(impl_->session, task, impl_->vocabulary, impl_->dims, options, setting));
  tolerant.rethrow();
  result.language_probability = language.probability;
  result.duration_s = mel.duration_s().value_or(0.0);
  result.n_encoder_runs = impl_->session.n_runs(Stage::encoder);
  result.n_decoder_runs = impl_->session.n_runs(Stage::decoder);
  return result;
}

std::map<std::string, double> Transcriber::detect_language(const audio::LogMel& mel) {
  if (!impl_->vocabulary.is_multilingual) {
    return {{"en", 1.0}};
  }
  impl_->session.encode(audio::pad_or_trim(mel));
  return language_probabilities(impl_->session, impl_->vocabulary);
}

bool Transcriber::can_time_words() const {
  return impl_->session.can_attend();
}

std::string Transcriber::inference_precision() const {
  return impl_->session.inference_precision();
}

std::map<std::string, int> Transcriber::executed_kernels(Stage stage) const {
  return impl_->session.executed_kernels(stage);
}

}  // namespace sotto::transcribe
