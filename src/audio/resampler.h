#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audio/ffmpeg.h"

namespace sotto::audio {

/// Decoded frames of any format → 16 kHz mono, through 16-bit integers as `ffmpeg -ac 1 -ar 16000 -f s16le`
/// and so openai/whisper (audio.py, load_audio) do: samples are multiples of 1/32768 in [-1, 1).
class Resampler {
 public:
  Resampler() = default;
  ~Resampler();
  Resampler(const Resampler&) = delete;
  Resampler& operator=(const Resampler&) = delete;

  /// Appends what `frame` gives to `out`. A change of format, rate or channels first flushes what the old
  /// ones still hold. Throws Error(bad_format) naming `name` and the time for a sample that is not finite,
  /// (unsupported) for a layout that cannot be mixed.
  void append(const AVFrame& frame, const std::string& name, std::vector<float>& out);
  /// Appends what is still held after the last frame.
  void flush(std::vector<float>& out);

 private:
  bool fits(const AVFrame& frame) const;
  void configure(const AVFrame& frame, const std::string& name);
  void convert(const AVFrame* frame, std::vector<float>& out);

  ResamplerPtr context_;
  int format_ = -1;
  int rate_hz_ = 0;
  AVChannelLayout layout_{};
  double position_s_ = 0.0;
  std::vector<std::int16_t> converted_;
};

}  // namespace sotto::audio
