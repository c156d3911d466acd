#pragma once

#include <filesystem>
#include <string>

#include "audio/ffmpeg.h"

namespace sotto::audio {

/// The demuxer of one file, fed by callbacks over one file descriptor (see MediaFile).
class MediaInput {
 public:
  /// Opens the file and recognises its format. Throws as open_media does.
  explicit MediaInput(const std::filesystem::path& path);
  ~MediaInput();
  MediaInput(const MediaInput&) = delete;
  MediaInput& operator=(const MediaInput&) = delete;

  AVFormatContext* format() const { return format_; }
  bool is_regular() const { return is_regular_; }

 private:
  void open_descriptor(const std::filesystem::path& path);
  void open_format(const std::string& name);
  void close() noexcept;

  int descriptor_ = -1;
  bool is_regular_ = false;
  AVIOContext* io_ = nullptr;
  AVFormatContext* format_ = nullptr;
};

}  // namespace sotto::audio
