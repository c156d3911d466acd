#include "transcribe/hearing.h"

#include <utility>
#include <vector>

#include "sotto/text.h"
#include "transcribe/find_alignment.h"

namespace sotto::transcribe {
namespace {

constexpr std::int64_t kEnglishOnlyVocabulary =
    51864;  // of Whisper's .en models; multilingual ones have more

constexpr const char* kEnglishOnly = "it knows English only";

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

AlignText aligner(CompiledWhisper& whisper, const TranscribeOptions& options) {
  return [&whisper, &options](std::span<const TokenId> text_tokens, std::size_t n_frames,
                              const std::string& spoken) {
    const std::vector<TokenId> sot = sot_sequence(whisper.vocabulary, options.task, spoken);
    return find_alignment(whisper.session, whisper.vocabulary, sot, text_tokens, n_frames, spoken);
  };
}

}  // namespace

std::string reason_against_translation(const model::WhisperModel& model) {
  const auto& tasks = model.generation.task_to_id;
  if (!is_multilingual(model)) {
    return kEnglishOnly;
  }
  if (!tasks.empty() && !tasks.contains("translate")) {
    return "its generation_config.json has no such task";
  }
  return is_cut_down(model.dims) ? "turbo and distilled models were not trained to translate" : "";
}

CompiledWhisper::CompiledWhisper(const model::WhisperModel& model, const SessionOptions& options)
    : dims(model.dims),
      vocabulary(make_vocabulary(text::Tokenizer::load(model.directory), is_multilingual(model))),
      reason_against_translation(vocabulary.is_multilingual ? transcribe::reason_against_translation(model)
                                                            : kEnglishOnly),
      session(model, options) {}

Hearing::Hearing(CompiledWhisper& whisper,
                 Spectrogram& spectrogram,
                 const TranscribeOptions& options,
                 const Listeners& listeners,
                 const Unfinished* unfinished)
    : whisper_(whisper),
      options_(options),
      unfinished_(unfinished),
      n_encoder_runs_(whisper.session.n_runs(Stage::encoder)),
      n_decoder_runs_(whisper.session.n_runs(Stage::decoder)),
      spectrogram_(spectrogram),
      language_(unfinished == nullptr ? language()
                                      : HeardLanguage{unfinished->checkpoint.language,
                                                      unfinished->checkpoint.language_probability}),
      words_(aligner(whisper, options), whisper.vocabulary, options, duration_s()),
      listeners_(listeners) {
  if (listeners.on_checkpoint) {
    listeners_.on_checkpoint = [this, tell = listeners.on_checkpoint](Checkpoint checkpoint) {
      checkpoint.language_probability = language_.probability;
      tell(checkpoint);
    };
  }
}

WindowLoop::Setting Hearing::setting() {
  return {language_.code, options_.word_timestamps ? &words_ : nullptr, unfinished_};
}

/// The language to decode in: as asked, English where there is no other, or heard in the first windows.
/// None where every window is heard for it.
HeardLanguage Hearing::language() {
  if (options_.language != kAutoLanguage) {
    return {resolve_language(options_.language, whisper_.vocabulary), 1.0};
  }
  if (!whisper_.vocabulary.is_multilingual) {
    return {"en", 1.0};
  }
  if (options_.multilingual) {
    return {};
  }
  const auto listen = [&](std::size_t i) -> std::optional<LanguageProbabilities> {
    const auto window = spectrogram_.mel.window_for_language(i * audio::kWindowFrames);
    if (!window) {
      return std::nullopt;
    }
    whisper_.session.encode(*window);
    return language_probabilities(whisper_.session, whisper_.vocabulary, options_.languages);
  };
  return vote_language(listen, static_cast<std::size_t>(options_.language_detection_segments),
                       options_.language_detection_threshold);
}

Transcription Hearing::finish(Transcription heard) const {
  spectrogram_.samples.rethrow();
  heard.language_probability = language_.probability;
  heard.duration_s = duration_s().value_or(0.0);
  heard.n_encoder_runs = whisper_.session.n_runs(Stage::encoder) - n_encoder_runs_;
  heard.n_decoder_runs = whisper_.session.n_runs(Stage::decoder) - n_decoder_runs_;
  return heard;
}

}  // namespace sotto::transcribe
