#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "sotto/error.h"
#include "sotto/transcribe.h"
#include "transcribe/batch_loop.h"
#include "transcribe/hearing.h"
#include "transcribe/recordings.h"
#include "transcribe/window_loop.h"

namespace sotto::transcribe {

namespace {

void hear_alone(Transcriber& transcriber,
                const Recording& recording,
                const TranscribeOptions& options,
                const Progress& progress) {
  if (recording.on_begin) {
    recording.on_begin();
  }
  Transcription heard;
  try {
    const Recording::Audio audio = recording.open();
    Listeners listeners = recording.listeners;
    listeners.on_inference = {};
    if (audio.source) {
      heard = transcriber.transcribe(*audio.source, options, listeners, progress,
                                     audio.unfinished ? &*audio.unfinished : nullptr);
    }
  } catch (const Error& e) {
    if (e.code() == ErrorCode::cancelled) {
      throw;
    }
    recording.on_failed(e);
    return;
  }
  recording.on_finished(std::move(heard));
}

}  // namespace

struct Transcriber::Impl : CompiledWhisper {
  using CompiledWhisper::CompiledWhisper;

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
  Impl& impl = *impl_;
  impl.expect_supported(options);
  impl.session.listen(listeners.on_inference);
  const DecodingTask task(impl.vocabulary, impl.dims, options);
  if (batch_size_of(options) == 1) {
    Hearing hearing(impl, source, options, listeners, unfinished);
    WindowLoop loop(impl.session, task, impl.vocabulary, impl.dims, options, hearing.setting());
    return hearing.finish(loop.run(hearing.reader(), hearing.listeners(), progress, hearing.duration_s()));
  }
  BatchLoop loop(impl.session, task, impl.vocabulary, options, progress);
  Hearing hearing(impl, source, options, listeners, unfinished);
  BatchRecording recording(impl.vocabulary, impl.dims, options, hearing.setting(),
                           {hearing.reader(), hearing.duration_s()}, hearing.listeners());
  loop.hear(recording);
  loop.flush();
  return hearing.finish(recording.take());
}

void Transcriber::transcribe_all(const std::function<std::optional<Recording>()>& next,
                                 const TranscribeOptions& options,
                                 const Progress& progress) {
  impl_->expect_supported(options);
  impl_->session.listen({});
  const DecodingTask task(impl_->vocabulary, impl_->dims, options);
  if (batch_size_of(options) == 1) {
    while (const auto recording = next()) {
      hear_alone(*this, *recording, options, progress);
    }
    return;
  }
  BatchedRecordings recordings(*impl_, task, options, progress);
  while (auto recording = next()) {
    recordings.hear(std::move(*recording));
  }
  recordings.flush();
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
