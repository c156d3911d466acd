#include "transcribe/read_ahead.h"

#include <utility>

#include "core/parallel.h"

namespace sotto::transcribe {

ReadAhead::ReadAhead(Recording recording, int n_mels, const std::stop_token& stop)
    : recording_(std::move(recording)),
      n_mels_(n_mels),
      forward_stop_(stop, [this] { stop_.request_stop(); }) {}

ReadAhead::~ReadAhead() {
  if (!is_taken_) {
    stop_.request_stop();
  }
}

void ReadAhead::begin() noexcept {
  if (recording_.is_slow_to_open) {
    return;
  }
  try {
    open();
    reader_.emplace([this, n_threads = ThreadLimit::current()] {
      const ThreadLimit limit(n_threads);
      try {
        read();
      } catch (...) {
        failure_ = std::current_exception();
      }
    });
  } catch (...) {
    failure_ = std::current_exception();
  }
}

OpenRecording ReadAhead::take() {
  const bool was_begun = reader_ || failure_;
  if (reader_) {
    reader_->join();
  }
  if (failure_) {
    std::rethrow_exception(failure_);
  }
  if (!was_begun) {
    open();
    read();
  }
  is_taken_ = true;
  return std::move(opened_);
}

void ReadAhead::open() {
  opened_.audio = recording_.open();
}

void ReadAhead::read() {
  if (opened_.audio.source) {
    opened_.spectrogram = std::make_unique<Spectrogram>(*opened_.audio.source, n_mels_, stop_.get_token());
  }
}

}  // namespace sotto::transcribe
