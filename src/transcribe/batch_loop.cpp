#include "transcribe/batch_loop.h"

#include <algorithm>
#include <utility>

#include "core/log.h"
#include "transcribe/batch_decoder.h"
#include "transcribe/frames.h"
#include "transcribe/random.h"
#include "transcribe/temperature_fallback.h"

namespace sotto::transcribe {
std::size_t batch_size_of(const TranscribeOptions& options) {
  return static_cast<std::size_t>(options.batch_size);
}

BatchLoop::BatchLoop(BatchInference& inference,
                     const DecodingTask& task,
                     const Vocabulary& vocabulary,
                     const TranscribeOptions& options,
                     const Progress& progress,
                     std::function<void()> on_window)
    : inference_(inference),
      task_(task),
      vocabulary_(vocabulary),
      options_(options),
      progress_(progress),
      on_window_(std::move(on_window)),
      initial_prompt_(initial_prompt_of(options, vocabulary)) {
  forget();
}

void BatchLoop::hear(BatchRecording& recording) {
  while (const auto window = recording.next()) {
    inference_.add(window->mel);
    windows_.push_back({&recording, window->span, window->clip});
    if (windows_.size() == batch_size_of(options_)) {
      flush();
    }
  }
}

void BatchLoop::flush() {
  if (!windows_.empty()) {
    report(windows_.front(), windows_.front().span.seek_frames);
    decode();
    forget();
  }
}

void BatchLoop::forget() {
  windows_.clear();
  inference_.begin_batch(batch_size_of(options_));
}

void BatchLoop::report(const Waiting& window, std::size_t done_frames) const {
  const double done_s = to_seconds(done_frames);
  const std::optional<double> total_s = window.recording->total_s();
  step(progress_, "transcribing", total_s ? std::min(done_s, *total_s) : done_s, total_s.value_or(0.0));
}

void BatchLoop::decode() {
  hear_languages();
  std::vector<DecodingTask::Run> runs;
  for (const Waiting& window : windows_) {
    const std::uint64_t seed = Random({options_.seed, window.span.seek_frames}).next();
    runs.push_back(
        {window.span.language, initial_prompt_, options_.temperatures.front(), seed, progress_.stop});
  }
  std::vector<std::optional<DecodingResult>> first = decode_first(runs);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    inference_.choose(i);
    const auto decode = [&](double temperature) {
      DecodingTask::Run run = runs[i];
      run.temperature = temperature;
      return task_.run(inference_, run);
    };
    const Waiting& window = windows_[i];
    window.recording->add(decode_with_fallback(decode, options_, std::move(first[i])), window.span,
                          window.clip);
    report(window, window.span.seek_frames + window.span.n_frames);
    if (on_window_) {
      on_window_();
    }
  }
}

void BatchLoop::hear_languages() {
  const bool listens = options_.multilingual && vocabulary_.is_multilingual;
  LogitRows logits;
  if (listens) {
    logits = inference_.start_all(std::vector<TokenId>(windows_.size(), vocabulary_.sot), 0).next;
  }
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    BatchRecording& recording = *windows_[i].recording;
    windows_[i].span.language =
        listens ? recording.language(language_probabilities(logits[i], vocabulary_, options_.languages))
                : recording.language();
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

}  // namespace sotto::transcribe
