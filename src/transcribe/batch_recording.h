#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "transcribe/clips.h"
#include "transcribe/heard_windows.h"
#include "transcribe/language.h"
#include "transcribe/segments.h"
#include "transcribe/transcript.h"
#include "transcribe/window_loop.h"

namespace sotto::transcribe {

/// One of the recordings of a BatchLoop: where its windows of up to 30 s are cut, at pauses, and what was
/// heard of it. Its windows are decoded with others, in their order.
class BatchRecording {
 public:
  struct Audio {
    MelReader read_mel;
    std::optional<double> total_s{};  ///< its length for the progress report, if it is known
  };
  struct Window {
    audio::LogMel mel;
    WindowSpan span;
    std::size_t clip = 0;
  };
  /// The parts must outlive it.
  BatchRecording(const Vocabulary& vocabulary,
                 const model::ModelDimensions& dims,
                 const TranscribeOptions& options,
                 WindowLoop::Setting setting,
                 Audio audio,
                 const Listeners& listeners);

  /// The next window to decode; nullopt behind the last, and where the audio cannot be read any more.
  std::optional<Window> next();
  /// True once every window that next() gave is done, and there are no more.
  bool is_done() const { return is_read_ && n_waiting_ == 0; }

  /// What is spoken in a window: as before it, unless `heard` is sure of another language.
  const std::string& language(const LanguageProbabilities& heard);
  const std::string& language() const { return language_; }
  /// Adds what was decoded from a window, nothing where it is silence, and tells of it.
  void add(DecodingResult result, const WindowSpan& span, std::size_t clip);

  std::optional<double> total_s() const { return audio_.total_s; }
  /// Segments and text. Throws the error that reading ended with, if there was one.
  Transcription take();

 private:
  std::optional<Window> read();
  void keep(DecodingResult result, const WindowSpan& span);

  const Vocabulary& vocabulary_;
  const TranscribeOptions& options_;
  const Listeners& listeners_;
  Audio audio_;
  std::string language_;  // of the window before; empty until one is heard
  WordTimestamps* words_;
  std::size_t frames_per_timestamp_;
  std::vector<Clip> clips_;
  std::size_t clip_ = 0;
  std::size_t seek_ = 0;
  std::size_t n_waiting_ = 0;
  bool is_read_ = false;
  std::exception_ptr error_;
  Transcript heard_;
};

}  // namespace sotto::transcribe
