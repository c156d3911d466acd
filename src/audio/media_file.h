#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "audio/ffmpeg.h"
#include "audio/media_input.h"

namespace sotto::audio {

/// The first audio stream of a media file, decoded but not resampled.
class MediaFile {
 public:
  /// Throws as open_media does.
  explicit MediaFile(const std::filesystem::path& path);

  /// The next decoded frame (valid until the next call), or nullptr at the end.
  ///
  /// Packets the decoder refuses are skipped, as players do, with one warning in the log. Throws
  /// Error(bad_format) where reading breaks off and, for formats whose header states an exact length, at the
  /// end of a stream that is shorter than it says; every frame that can be decoded came before.
  AVFrame* next_frame();

  /// True if it can be opened again and gives the same (a regular file).
  bool is_regular() const { return input_.is_regular(); }
  /// What the header says, if it does.
  std::optional<double> duration_s() const;
  std::optional<int> sample_rate_hz() const;

 private:
  void choose_stream();
  void open_decoder();
  void feed_decoder();
  void advance_position();
  void warn_once(int code);
  void require_whole_stream() const;

  std::string name_;
  MediaInput input_;
  AVStream* stream_ = nullptr;
  CodecPtr decoder_;
  PacketPtr packet_;
  FramePtr frame_;
  double position_s_ = 0.0;  ///< end of the last frame, from the start of the stream
  std::string broken_off_;   ///< why reading stopped before the end of the file, if it did
  bool warned_ = false;
};

}  // namespace sotto::audio
