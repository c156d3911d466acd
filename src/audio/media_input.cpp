#include "audio/media_input.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sotto/error.h"

namespace sotto::audio {
namespace {

constexpr int kIoBufferBytes = 1 << 16;

int read_bytes(void* opaque, std::uint8_t* buffer, int size) {
  const int descriptor = *static_cast<const int*>(opaque);
  ssize_t n = 0;
  do {
    n = ::read(descriptor, buffer, static_cast<std::size_t>(size));
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    return AVERROR(errno);
  }
  return n == 0 ? AVERROR_EOF : static_cast<int>(n);
}

std::int64_t seek_bytes(void* opaque, std::int64_t offset, int whence) {
  const int descriptor = *static_cast<const int*>(opaque);
  if (whence == AVSEEK_SIZE) {
    struct stat status{};
    return ::fstat(descriptor, &status) == 0 ? status.st_size : AVERROR(errno);
  }
  const off_t at = ::lseek(descriptor, offset, whence & ~AVSEEK_FORCE);
  return at < 0 ? AVERROR(errno) : at;
}

int refuse_nested_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EPERM);
}

/// Formats that are lists of other files or hosts rather than media.
bool is_playlist(std::string_view format_name) {
  constexpr std::array<std::string_view, 9> kPlaylists = {
      "hls", "hls,applehttp", "concat", "dash", "imf", "sdp", "rtsp", "webm_dash_manifest", "vobsub"};
  return std::find(kPlaylists.begin(), kPlaylists.end(), format_name) != kPlaylists.end();
}

bool has_playlist_name(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 6> kExtensions = {".m3u",  ".m3u8", ".pls",
                                                           ".xspf", ".mpd",  ".ffconcat"};
  return std::find(kExtensions.begin(), kExtensions.end(), path.extension().string()) != kExtensions.end();
}

[[noreturn]] void refuse_playlist(const std::string& name, std::string_view kind) {
  throw Error(
      ErrorCode::bad_format, name,
      fmt::format("expected a media file, found a playlist ({}); give the media files it names.", kind));
}

[[noreturn]] void refuse_bytes(const std::string& name, int code) {
  throw Error(ErrorCode::bad_format, name,
              fmt::format("expected audio or video, found: {}.", ffmpeg_error(code)));
}

}  // namespace

MediaInput::MediaInput(const std::filesystem::path& path) {
  try {
    open_descriptor(path);
    if (has_playlist_name(path)) {
      refuse_playlist(path.string(), path.extension().string());
    }
    open_format(path.string());
  } catch (...) {
    close();
    throw;
  }
}

MediaInput::~MediaInput() {
  close();
}

void MediaInput::close() noexcept {
  avformat_close_input(&format_);
  if (io_ != nullptr) {
    av_freep(&io_->buffer);
    avio_context_free(&io_);
  }
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    descriptor_ = -1;
  }
}

void MediaInput::open_descriptor(const std::filesystem::path& path) {
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) {
    const bool missing = errno == ENOENT || errno == ENOTDIR;
    throw Error(missing ? ErrorCode::not_found : ErrorCode::io, path.string(),
                missing ? std::string("expected an audio or video file, found nothing.")
                        : fmt::format("cannot be opened: {}.", std::strerror(errno)));
  }
  struct stat status{};
  ::fstat(descriptor_, &status);
  if (S_ISDIR(status.st_mode)) {
    throw Error(ErrorCode::bad_format, path.string(), "expected an audio or video file, found a directory.");
  }
  is_regular_ = S_ISREG(status.st_mode);
  if (is_regular_ && status.st_size == 0) {
    throw Error(ErrorCode::bad_format, path.string(),
                "expected an audio or video file, found an empty file.");
  }
}

void MediaInput::open_format(const std::string& name) {
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBufferBytes));
  io_ = avio_alloc_context(buffer, kIoBufferBytes, 0, &descriptor_, read_bytes, nullptr,
                           is_regular_ ? seek_bytes : nullptr);
  const AVInputFormat* recognised = nullptr;
  if (const int code = av_probe_input_buffer2(io_, &recognised, name.c_str(), nullptr, 0, 0); code < 0) {
    refuse_bytes(name, code);
  }
  if (is_playlist(recognised->name)) {
    refuse_playlist(name, recognised->name);
  }
  format_ = avformat_alloc_context();
  format_->pb = io_;
  format_->io_open = refuse_nested_open;
  format_->protocol_whitelist = av_strdup("none");
  if (const int code = avformat_open_input(&format_, name.c_str(), recognised, nullptr); code < 0) {
    refuse_bytes(name, code);
  }
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    AVStream* stream = format_->streams[i];
    if (stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO) {
      stream->discard = AVDISCARD_ALL;  // headers that name their streams need no look at the pictures
    }
  }
  if (const int code = avformat_find_stream_info(format_, nullptr); code < 0) {
    refuse_bytes(name, code);
  }
}

}  // namespace sotto::audio
