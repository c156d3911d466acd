#include "transcribe/recordings.h"

#include <utility>

namespace sotto::transcribe {
namespace {

void rethrow_if_cancelled(const Error& error) {
  if (error.code() == ErrorCode::cancelled) {
    throw error;
  }
}

}  // namespace

BatchedRecordings::BatchedRecordings(CompiledWhisper& whisper,
                                     const DecodingTask& task,
                                     const TranscribeOptions& options,
                                     const Progress& progress)
    : whisper_(whisper),
      options_(options),
      loop_(whisper.session, task, whisper.vocabulary, options, progress, [this] { end_done(); }) {}

void BatchedRecordings::hear(std::unique_ptr<ReadAhead> recording, ReadAhead* following) {
  if (recording->recording().is_slow_to_open || open_.size() >= batch_size_of(options_)) {
    flush();
  }
  Open& opened = open_.emplace_back(Open{.ahead = std::move(recording)});
  if (open_.size() == 1) {
    begin_first();
  }
  open(opened, following);
  if (opened.windows) {
    decode([&] { loop_.hear(*opened.windows); });
  }
  opened.is_read = true;
  end_done();
}

void BatchedRecordings::flush() {
  decode([&] { loop_.flush(); });
  end_done();
}

void BatchedRecordings::decode(const std::function<void()>& hear) {
  try {
    hear();
  } catch (const Error& e) {
    if (in_callback_) {
      throw;
    }
    fail_all(e);
  }
}

/// What fails here is the recording's own failure.
void BatchedRecordings::open(Open& opened, ReadAhead* following) {
  try {
    opened.opened = opened.ahead->take();
    if (following != nullptr) {
      following->begin();
    }
    if (opened.opened.spectrogram) {
      const auto& unfinished = opened.opened.audio.unfinished;
      opened.hearing =
          std::make_unique<Hearing>(whisper_, *opened.opened.spectrogram, options_,
                                    opened.recording().listeners, unfinished ? &*unfinished : nullptr);
      opened.windows.emplace(whisper_.vocabulary, whisper_.dims, options_, opened.hearing->setting(),
                             BatchRecording::Audio{opened.hearing->reader(), opened.hearing->duration_s()},
                             opened.hearing->listeners());
    }
  } catch (const Error& e) {
    rethrow_if_cancelled(e);
    opened.error = e;
  }
}

void BatchedRecordings::begin_first() {
  if (!open_.empty() && open_.front().recording().on_begin) {
    open_.front().recording().on_begin();
  }
}

/// Ends the first ones for as long as none of their windows waits.
void BatchedRecordings::end_done() {
  while (!open_.empty() && open_.front().is_done()) {
    in_callback_ = true;
    Open first = std::move(open_.front());
    open_.pop_front();
    end(first);
    begin_first();
    in_callback_ = false;
  }
}

void BatchedRecordings::end(Open& first) {
  Transcription heard;
  try {
    if (first.error) {
      throw Error(*first.error);
    }
    heard = first.windows ? first.hearing->finish(first.windows->take()) : Transcription{};
  } catch (const Error& e) {
    first.recording().on_failed(e);
    return;
  }
  first.recording().on_finished(std::move(heard));
}

/// Decoding failed for all whose windows were decoded together.
void BatchedRecordings::fail_all(const Error& error) {
  rethrow_if_cancelled(error);
  for (Open& opened : open_) {
    if (!opened.is_done()) {
      opened.error = error;
      opened.windows.reset();
      opened.is_read = true;
    }
  }
  loop_.forget();
}

}  // namespace sotto::transcribe
