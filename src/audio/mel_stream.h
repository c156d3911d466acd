#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "audio/log_mel_frames.h"
#include "sotto/audio.h"

namespace sotto::audio {

/// Over what the maximum that sets the floor of the log-mel is taken.
enum class MelNormalization {
  whole_file,  ///< all of it, as openai/whisper; long files are decoded twice, the first time for the maximum
  running,     ///< what was read so far: one pass, and values that depend on how far that is
};

/// What the encoder is given at one place of a recording.
struct MelWindow {
  LogMel mel;                      ///< [n_mels, 3000]; frames after the content are 0.0
  std::size_t segment_frames = 0;  ///< how many of them are content, 1..3000
};

/// The log-mel spectrogram of a recording of any length, window by window, in constant memory.
///
/// Windows are what openai/whisper cuts from log_mel_spectrogram(audio, n_mels, padding=480000): frames
/// count from 0 every 10 ms, content_frames = n_samples / 160, and the floor is 8 below the maximum of the
/// whole recording. With `whole_file` the construction reads up to ten minutes (and keeps their frames, about
/// 20 MB); what is longer is read to its end for the maximum and then rewound. A longer source that cannot
/// rewind is normalised by the maximum of what was read so far.
/// Source: openai/whisper 20250625, transcribe.py (transcribe) and decoding.py (detect_language).
class MelStream {
 public:
  /// Reads from where `source` is; it must outlive the stream. Throws what the source throws, and
  /// Error(invalid_argument) unless n_mels is 80 or 128.
  MelStream(AudioSource& source, int n_mels, MelNormalization normalization = MelNormalization::whole_file);

  /// The window that starts at a frame, or nullopt at or after the end of the content. Frames before it are
  /// dropped: throws Error(invalid_argument) for a start before that of an earlier window.
  std::optional<MelWindow> window(std::size_t seek_frames);

  /// 30 s from a frame on as language detection takes them: pad_or_trim of the silence-padded spectrogram, so
  /// that what follows a short recording is the floor, not 0.0. Nullopt behind the end, unless that is where
  /// the recording begins. Only before window() was called with seek > 0; keeps what was read.
  std::optional<LogMel> window_for_language(std::size_t first_frame = 0);

  /// Frames of content read so far; all of them once at_end().
  std::size_t content_frames() const;
  bool at_end() const { return at_end_; }
  /// Length in seconds: exact at the end, before that what the source estimates, if it does.
  std::optional<double> duration_s() const;
  int n_mels() const { return frames_.n_mels(); }
  /// Bytes held, for tests of "constant memory".
  std::size_t buffered_bytes() const;

 private:
  void read_whole_file();
  void read_until(std::size_t n_frames);
  void read_chunk();
  void append_frames();
  void restart();
  void drop_before(std::size_t frame);
  LogMel cut(std::size_t first, std::size_t n_frames, float fill) const;
  float floor() const { return max_ - kDynamicRange; }
  std::size_t width() const { return static_cast<std::size_t>(n_mels()); }

  AudioSource& source_;
  LogMelFrames frames_;
  std::vector<float> samples_;   ///< what frames not made yet need; starts 200 samples before the next centre
  std::vector<float> rows_;      ///< log10 mel power, row-major [frame - first_frame_, mel]
  std::size_t first_frame_ = 0;  ///< the frame rows_ starts with
  std::size_t n_made_ = 0;       ///< frames made so far; at the end three more than the content has
  std::size_t n_samples_ = 0;    ///< samples read so far
  std::size_t earliest_seek_ = 0;  ///< start of the last window
  float max_;                      ///< of all frames seen, log10
  bool at_end_ = false;
};

}  // namespace sotto::audio
