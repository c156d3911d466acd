#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>

#include "audio/mel_stream.h"
#include "sotto/transcribe.h"
#include "transcribe/tolerant_source.h"

namespace sotto::transcribe {

/// A source's log-mel, which ends where the sound breaks off.
struct Spectrogram {
  /// Reads what audio::MelStream reads first. `source` must outlive it. Throws as MelStream does, and
  /// Error(cancelled) once `stop` is requested.
  Spectrogram(audio::AudioSource& source, int n_mels, std::stop_token stop)
      : samples(source, std::move(stop)), mel(samples, n_mels) {}

  TolerantSource samples;
  audio::MelStream mel;
};

/// A recording that was opened; without a spectrogram there is nothing to hear.
struct OpenRecording {
  Recording::Audio audio{};
  std::unique_ptr<Spectrogram> spectrogram{};
};

/// A recording that can be read on a thread of its own while another one is decoded, so that decoding need
/// not wait for media and spectrogram: up to ten minutes of it, and of what is longer its maximum.
class ReadAhead {
 public:
  /// `stop` ends reading, and so does destruction.
  ReadAhead(Recording recording, int n_mels, const std::stop_token& stop);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  const Recording& recording() const { return recording_; }

  /// Opens it here and begins to read it, unless it is slow to open. Never throws; take() does.
  void begin() noexcept;
  /// What is there when as much is read as there is ahead; opened and read here if it was not begun. Once.
  /// Throws what opening or reading it threw.
  OpenRecording take();

 private:
  void open();
  void read();

  Recording recording_;
  int n_mels_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> forward_stop_;
  OpenRecording opened_;
  std::exception_ptr failure_;
  bool is_taken_ = false;
  std::optional<std::jthread> reader_;  // writes to those above until it is joined
};

}  // namespace sotto::transcribe
