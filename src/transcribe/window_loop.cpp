#include "transcribe/window_loop.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "core/log.h"
#include "transcribe/clips.h"
#include "transcribe/frames.h"
#include "transcribe/language.h"
#include "transcribe/random.h"
#include "transcribe/temperature_fallback.h"
#include "transcribe/token_tail.h"

namespace sotto::transcribe {
WindowLoop::WindowLoop(Inference& inference,
                       const DecodingTask& task,
                       const Vocabulary& vocabulary,
                       const model::ModelDimensions& dims,
                       const TranscribeOptions& options,
                       Setting setting)
    : inference_(inference),
      task_(task),
      vocabulary_(vocabulary),
      options_(options),
      language_(std::move(setting.language)),
      words_(setting.words),
      n_text_ctx_(static_cast<std::size_t>(dims.n_text_ctx)),
      frames_per_timestamp_(audio::kWindowFrames / static_cast<std::size_t>(dims.n_audio_ctx)),
      initial_prompt_(initial_prompt_of(options, vocabulary)),
      heard_(initial_prompt_) {
  if (setting.unfinished != nullptr) {
    go_on(*setting.unfinished);
  }
}

void WindowLoop::go_on(const Unfinished& unfinished) {
  start_ = unfinished.checkpoint;
  heard_.restore(unfinished.segments);
  prompt_reset_since_ = std::min(start_.prompt_reset_since, heard_.tokens().size());
  if (words_ != nullptr) {
    words_->set_last_speech_s(start_.last_speech_s);
  }
}

Transcription WindowLoop::run(const MelReader& read_mel,
                              const Listeners& listeners,
                              const Progress& progress,
                              std::optional<double> total_s) {
  const auto report = [&](std::size_t done_frames) {
    const double done_s = to_seconds(done_frames);
    step(progress, "transcribing", total_s ? std::min(done_s, *total_s) : done_s, total_s.value_or(0.0));
  };
  const MelReader read = [&](std::size_t seek_frames) {
    report(seek_frames);
    return read_mel(seek_frames);
  };
  const std::vector<Clip> clips = clips_of(options_);
  for (std::size_t i = start_.clip; i < clips.size(); ++i) {
    const Clip& clip = clips[i];
    std::size_t seek = i == start_.clip ? std::max(clip.begin_frame, start_.seek_frames) : clip.begin_frame;
    while (const auto window = next_window(read, clip, options_, seek)) {
      seek += std::max<std::size_t>(
          transcribe_window(window->mel, {seek, window->segment_frames}, listeners, progress.stop), 1);
      if (listeners.on_checkpoint) {
        listeners.on_checkpoint({.clip = i,
                                 .seek_frames = seek,
                                 .language = language_,
                                 .prompt_reset_since = prompt_reset_since_,
                                 .last_speech_s = words_ != nullptr ? words_->last_speech_s() : 0.0});
      }
    }
    report(seek);
  }
  return heard_.take(vocabulary_, options_, language_);
}

std::size_t WindowLoop::transcribe_window(const audio::LogMel& mel,
                                          WindowSpan window,
                                          const Listeners& listeners,
                                          const std::stop_token& stop) {
  inference_.encode(mel);
  const std::string language_before = language_;
  if (options_.multilingual && vocabulary_.is_multilingual) {
    hear_language();
  }
  window.language = language_;
  const DecodingResult result = decode(window, stop);
  if (is_silence(result, options_)) {
    language_ = language_before;  // silence has none
    return window.n_frames;
  }
  WindowSegments found = split_segments(result, window, vocabulary_, frames_per_timestamp_);
  if (words_ != nullptr && !words_->add(found, window)) {
    return found.advance_frames;
  }
  remove_empty_segments(found.segments);
  heard_.add(std::move(found.segments), listeners);
  if (!options_.condition_on_previous_text || result.temperature > options_.prompt_reset_on_temperature) {
    prompt_reset_since_ = heard_.tokens().size();
  }
  return found.advance_frames;
}

/// The language of the window encoded last. Text in another language is not shown to the model: it would go
/// on in that one.
void WindowLoop::hear_language() {
  const auto heard = language_probabilities(inference_, vocabulary_, options_.languages);
  const std::string language = next_language(language_, heard, options_.language_detection_threshold);
  if (!language_.empty() && language != language_) {
    prompt_reset_since_ = heard_.tokens().size();
  }
  language_ = language;
}

DecodingResult WindowLoop::decode(const WindowSpan& window, const std::stop_token& stop) {
  const std::vector<TokenId> before = prompt();
  const std::uint64_t seed = Random({options_.seed, window.seek_frames}).next();
  return decode_with_fallback(
      [&](double temperature) {
        return task_.run(inference_, {window.language, before, temperature, seed, stop});
      },
      options_);
}

std::vector<TokenId> WindowLoop::prompt() const {
  const std::span<const TokenId> all(heard_.tokens());
  if (!options_.carry_initial_prompt) {
    const auto since = all.subspan(prompt_reset_since_);
    return {since.begin(), since.end()};
  }
  const auto room =
      static_cast<std::ptrdiff_t>(n_text_ctx_ / 2) - 1 - static_cast<std::ptrdiff_t>(initial_prompt_.size());
  const auto since = token_tail(all.subspan(std::max(initial_prompt_.size(), prompt_reset_since_)), room);
  std::vector<TokenId> tokens = initial_prompt_;
  tokens.insert(tokens.end(), since.begin(), since.end());
  return tokens;
}

}  // namespace sotto::transcribe
