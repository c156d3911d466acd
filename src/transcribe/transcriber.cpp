#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/parallel.h"
#include "sotto/error.h"
#include "sotto/transcribe.h"
#include "transcribe/automatic_batch.h"
#include "transcribe/batch_loop.h"
#include "transcribe/hearing.h"
#include "transcribe/read_ahead.h"
#include "transcribe/recordings.h"
#include "transcribe/window_loop.h"

namespace sotto::transcribe {

struct Transcriber::Impl : CompiledWhisper {
  Impl(const model::WhisperModel& model, const SessionOptions& options)
      : CompiledWhisper(model, options), session_options(options) {}

  std::unique_ptr<ReadAhead> ahead(const std::function<std::optional<Recording>()>& next,
                                   const std::stop_token& stop) const {
    auto recording = next();
    return recording ? std::make_unique<ReadAhead>(std::move(*recording), static_cast<int>(dims.n_mels), stop)
                     : nullptr;
  }

  /// Those given, with a size for batches where it is left to us.
  TranscribeOptions with_batch_size(TranscribeOptions options, std::optional<double> duration_s) const {
    if (options.batch_size == 0) {
      BatchSurroundings surroundings = batch_surroundings(session_options);
      surroundings.duration_s = duration_s;
      options.batch_size = automatic_batch_size(dims, surroundings);
    }
    return options;
  }

  Transcription hear(Spectrogram& spectrogram,
                     const TranscribeOptions& given,
                     const Listeners& listeners,
                     const Progress& progress,
                     const Unfinished* unfinished);
  void hear_alone(ReadAhead& recording,
                  ReadAhead* following,
                  const TranscribeOptions& options,
                  const Progress& progress);

  void expect_supported(const TranscribeOptions& options) const {
    validate(options);
    if (options.language != kAutoLanguage) {
      resolve_language(options.language, vocabulary);
    }
    for (const std::string& language : options.languages) {
      resolve_language(language, vocabulary, "languages");
    }
    if (options.task == Task::translate && !reason_against_translation.empty()) {
      throw Error(ErrorCode::invalid_argument, "task",
                  fmt::format("expected transcribe, the only task of this model, found translate: {}.",
                              reason_against_translation));
    }
  }

  SessionOptions session_options;
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
  const ThreadLimit limit(static_cast<std::size_t>(impl_->session_options.threads));
  Spectrogram spectrogram(source, static_cast<int>(impl_->dims.n_mels), progress.stop);
  return impl_->hear(spectrogram, options, listeners, progress, unfinished);
}

Transcription Transcriber::Impl::hear(Spectrogram& spectrogram,
                                      const TranscribeOptions& given,
                                      const Listeners& listeners,
                                      const Progress& progress,
                                      const Unfinished* unfinished) {
  const TranscribeOptions options = with_batch_size(given, spectrogram.mel.duration_s());
  session.listen(listeners.on_inference);
  const DecodingTask task(vocabulary, dims, options);
  Hearing hearing(*this, spectrogram, options, listeners, unfinished);
  if (options.batch_size == 1) {
    WindowLoop loop(session, task, vocabulary, dims, options, hearing.setting());
    return hearing.finish(loop.run(hearing.reader(), hearing.listeners(), progress, hearing.duration_s()));
  }
  BatchLoop loop(session, task, vocabulary, options, progress);
  BatchRecording recording(vocabulary, dims, options, hearing.setting(),
                           {hearing.reader(), hearing.duration_s()}, hearing.listeners());
  loop.hear(recording);
  loop.flush();
  return hearing.finish(recording.take());
}

void Transcriber::Impl::hear_alone(ReadAhead& recording,
                                   ReadAhead* following,
                                   const TranscribeOptions& options,
                                   const Progress& progress) {
  const Recording& told = recording.recording();
  if (told.on_begin) {
    told.on_begin();
  }
  Transcription heard;
  try {
    const OpenRecording opened = recording.take();
    if (following != nullptr) {
      following->begin();
    }
    if (opened.spectrogram) {
      Listeners listeners = told.listeners;
      listeners.on_inference = {};
      const auto& unfinished = opened.audio.unfinished;
      heard = hear(*opened.spectrogram, options, listeners, progress, unfinished ? &*unfinished : nullptr);
    }
  } catch (const Error& e) {
    if (e.code() == ErrorCode::cancelled) {
      throw;
    }
    told.on_failed(e);
    return;
  }
  told.on_finished(std::move(heard));
}

void Transcriber::transcribe_all(const std::function<std::optional<Recording>()>& next,
                                 const TranscribeOptions& options,
                                 const Progress& progress) {
  impl_->expect_supported(options);
  const ThreadLimit limit(static_cast<std::size_t>(impl_->session_options.threads));
  auto recording = impl_->ahead(next, progress.stop);
  const auto ahead = [&](const auto& before) { return before ? impl_->ahead(next, progress.stop) : nullptr; };
  auto following = ahead(recording);
  const auto advance = [&] {
    recording = std::move(following);
    following = ahead(recording);
  };
  if (options.batch_size == 1 || !following) {
    for (; recording; advance()) {
      impl_->hear_alone(*recording, following.get(), options, progress);
    }
    return;
  }
  const TranscribeOptions sized = impl_->with_batch_size(options, std::nullopt);
  impl_->session.listen({});
  const DecodingTask task(impl_->vocabulary, impl_->dims, sized);
  BatchedRecordings recordings(*impl_, task, sized, progress);
  for (; recording; advance()) {
    recordings.hear(std::move(recording), following.get());
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
