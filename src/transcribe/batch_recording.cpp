#include "transcribe/batch_recording.h"

#include <algorithm>
#include <utility>

#include "sotto/error.h"
#include "transcribe/quiet_cut.h"
#include "transcribe/temperature_fallback.h"

namespace sotto::transcribe {

BatchRecording::BatchRecording(const Vocabulary& vocabulary,
                               const model::ModelDimensions& dims,
                               const TranscribeOptions& options,
                               WindowLoop::Setting setting,
                               Audio audio,
                               const Listeners& listeners)
    : vocabulary_(vocabulary),
      options_(options),
      listeners_(listeners),
      audio_(std::move(audio)),
      language_(std::move(setting.language)),
      words_(setting.words),
      frames_per_timestamp_(audio::kWindowFrames / static_cast<std::size_t>(dims.n_audio_ctx)),
      clips_(clips_of(options)) {
  if (setting.unfinished != nullptr) {
    clip_ = setting.unfinished->checkpoint.clip;
    seek_ = setting.unfinished->checkpoint.seek_frames;
    heard_.restore(setting.unfinished->segments);
    if (words_ != nullptr) {
      words_->set_last_speech_s(setting.unfinished->checkpoint.last_speech_s);
    }
  }
}

std::optional<BatchRecording::Window> BatchRecording::next() {
  std::optional<Window> window;
  try {
    window = read();
  } catch (const Error&) {
    error_ = std::current_exception();
  }
  is_read_ = !window;
  n_waiting_ += window ? 1 : 0;
  return window;
}

std::optional<BatchRecording::Window> BatchRecording::read() {
  for (; clip_ < clips_.size(); ++clip_) {
    const Clip& clip = clips_[clip_];
    seek_ = std::max(seek_, clip.begin_frame);
    if (auto window = next_window(audio_.read_mel, clip, options_, seek_)) {
      if (window->segment_frames == audio::kWindowFrames && clip.end_frame - seek_ > audio::kWindowFrames) {
        cut(*window, quiet_cut(window->mel, window->segment_frames));
      }
      const std::size_t begin = std::exchange(seek_, seek_ + window->segment_frames);
      return Window{std::move(window->mel), {begin, window->segment_frames}, clip_};
    }
  }
  return std::nullopt;
}

const std::string& BatchRecording::language(const LanguageProbabilities& heard) {
  language_ = next_language(language_, heard, options_.language_detection_threshold);
  return language_;
}

void BatchRecording::add(DecodingResult result, const WindowSpan& span, std::size_t clip) {
  if (!is_silence(result, options_)) {
    keep(std::move(result), span);
  }
  --n_waiting_;
  if (listeners_.on_checkpoint) {
    listeners_.on_checkpoint({.clip = clip,
                              .seek_frames = span.seek_frames + span.n_frames,
                              .language = span.language,
                              .last_speech_s = words_ != nullptr ? words_->last_speech_s() : 0.0});
  }
}

void BatchRecording::keep(DecodingResult result, const WindowSpan& span) {
  const bool is_timed = std::any_of(result.tokens.begin(), result.tokens.end(),
                                    [&](TokenId id) { return vocabulary_.is_timestamp(id); });
  if (is_timed && vocabulary_.is_text(result.tokens.back())) {
    // A window that is decoded next would say it again; here it ends with the window.
    result.tokens.push_back(vocabulary_.timestamp_begin +
                            static_cast<TokenId>(span.n_frames / frames_per_timestamp_));
  }
  WindowSegments found = split_segments(result, span, vocabulary_, frames_per_timestamp_);
  if (words_ != nullptr && !words_->add(found, span)) {
    return;
  }
  remove_empty_segments(found.segments);
  heard_.add(std::move(found.segments), listeners_);
}

Transcription BatchRecording::take() {
  if (error_) {
    std::rethrow_exception(error_);
  }
  return heard_.take(vocabulary_, options_, language_);
}

}  // namespace sotto::transcribe
