#include "transcribe/batch_loop.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/log.h"
#include "transcribe/batch_decoder.h"
#include "transcribe/clips.h"
#include "transcribe/frames.h"
#include "transcribe/language.h"
#include "transcribe/quiet_cut.h"
#include "transcribe/random.h"
#include "transcribe/temperature_fallback.h"

namespace sotto::transcribe {
namespace {

constexpr std::size_t kAutomaticBatch = 8;  // weights are read once a step for all; more gains little

}  // namespace

std::size_t batch_size_of(const TranscribeOptions& options) {
  return options.batch_size == 0 ? kAutomaticBatch : static_cast<std::size_t>(options.batch_size);
}

BatchLoop::BatchLoop(BatchInference& inference,
                     const DecodingTask& task,
                     const Vocabulary& vocabulary,
                     const model::ModelDimensions& dims,
                     const TranscribeOptions& options,
                     WindowLoop::Setting setting)
    : inference_(inference),
      task_(task),
      vocabulary_(vocabulary),
      options_(options),
      language_(std::move(setting.language)),
      words_(setting.words),
      frames_per_timestamp_(audio::kWindowFrames / static_cast<std::size_t>(dims.n_audio_ctx)),
      initial_prompt_(initial_prompt_of(options, vocabulary)) {
  if (setting.unfinished != nullptr) {
    go_on(*setting.unfinished);
  }
}

void BatchLoop::go_on(const Unfinished& unfinished) {
  start_ = unfinished.checkpoint;
  heard_.restore(unfinished.segments);
  if (words_ != nullptr) {
    words_->set_last_speech_s(start_.last_speech_s);
  }
}

Transcription BatchLoop::run(const MelReader& read_mel,
                             const Listeners& listeners,
                             const Progress& progress,
                             std::optional<double> total_s) {
  const auto report = [&](std::size_t done_frames) {
    const double done_s = to_seconds(done_frames);
    step(progress, "transcribing", total_s ? std::min(done_s, *total_s) : done_s, total_s.value_or(0.0));
  };
  Batch batch;
  const auto flush = [&] {
    if (!batch.mels.empty()) {
      report(batch.spans.front().seek_frames);
      transcribe(batch, listeners, progress.stop);
      const std::size_t end = batch.spans.back().seek_frames + batch.spans.back().n_frames;
      report(end);
      if (listeners.on_checkpoint) {
        listeners.on_checkpoint({.clip = batch.clip,
                                 .seek_frames = end,
                                 .language = language_,
                                 .last_speech_s = words_ != nullptr ? words_->last_speech_s() : 0.0});
      }
      batch = {};
    }
  };
  const std::vector<Clip> clips = clips_of(options_);
  for (std::size_t i = start_.clip; i < clips.size(); ++i) {
    const Clip& clip = clips[i];
    std::size_t seek = i == start_.clip ? std::max(clip.begin_frame, start_.seek_frames) : clip.begin_frame;
    while (auto window = next_window(read_mel, clip, options_, seek)) {
      if (window->segment_frames == audio::kWindowFrames && clip.end_frame - seek > audio::kWindowFrames) {
        cut(*window, quiet_cut(window->mel, window->segment_frames));
      }
      batch.clip = i;
      batch.spans.push_back({seek, window->segment_frames});
      batch.mels.push_back(std::move(window->mel));
      seek += batch.spans.back().n_frames;
      if (batch.mels.size() == batch_size_of(options_)) {
        flush();
      }
    }
  }
  flush();
  return heard_.take(vocabulary_, options_, language_);
}

void BatchLoop::transcribe(Batch& batch, const Listeners& listeners, const std::stop_token& stop) {
  inference_.encode_all(batch.mels);
  hear_languages(batch.spans);
  std::vector<DecodingTask::Run> runs;
  for (const WindowSpan& span : batch.spans) {
    const std::uint64_t seed = Random({options_.seed, span.seek_frames}).next();
    runs.push_back({span.language, initial_prompt_, options_.temperatures.front(), seed, stop});
  }
  std::vector<std::optional<DecodingResult>> first = decode_first(runs);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    inference_.choose(i);
    const auto decode = [&](double temperature) {
      DecodingTask::Run run = runs[i];
      run.temperature = temperature;
      return task_.run(inference_, run);
    };
    DecodingResult result = decode_with_fallback(decode, options_, std::move(first[i]));
    if (!is_silence(result, options_)) {
      keep(std::move(result), batch.spans[i], listeners);
    }
  }
}

void BatchLoop::hear_languages(std::vector<WindowSpan>& spans) {
  const bool listens = options_.multilingual && vocabulary_.is_multilingual;
  LogitRows logits;
  if (listens) {
    logits = inference_.start_all(std::vector<TokenId>(spans.size(), vocabulary_.sot), 0).next;
  }
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (listens) {
      language_ = next_language(language_, language_probabilities(logits[i], vocabulary_, options_.languages),
                                options_.language_detection_threshold);
    }
    spans[i].language = language_;
  }
}

std::vector<std::optional<DecodingResult>> BatchLoop::decode_first(
    const std::vector<DecodingTask::Run>& runs) {
  std::vector<std::optional<DecodingResult>> results(runs.size());
  if (options_.beam_size == 0 && options_.temperatures.front() == 0.0) {
    const std::vector<DecodingResult> together = decode_together(inference_, task_, runs);
    std::copy(together.begin(), together.end(), results.begin());
  }
  return results;
}

void BatchLoop::keep(DecodingResult result, const WindowSpan& span, const Listeners& listeners) {
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
  heard_.add(std::move(found.segments), listeners);
}

}  // namespace sotto::transcribe
