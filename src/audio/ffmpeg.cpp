#include "audio/ffmpeg.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <mutex>

#include <fmt/format.h>

namespace sotto::audio {
namespace {

thread_local int quiet_depth = 0;
thread_local std::string last_error;

void keep_or_pass_on(void* context, int level, const char* format, va_list arguments) {
  if (quiet_depth == 0) {
    av_log_default_callback(context, level, format, arguments);
    return;
  }
  if (level > AV_LOG_ERROR) {
    return;
  }
  std::array<char, 256> line{};
  std::vsnprintf(line.data(), line.size(), format, arguments);
  last_error = line.data();
  for (char& c : last_error) {
    c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  last_error.erase(last_error.find_last_not_of(" .") + 1);
}

}  // namespace

QuietFfmpeg::QuietFfmpeg() {
  static std::once_flag installed;
  std::call_once(installed, [] { av_log_set_callback(keep_or_pass_on); });
  if (quiet_depth++ == 0) {
    last_error.clear();
  }
}

QuietFfmpeg::~QuietFfmpeg() {
  --quiet_depth;
}

std::string ffmpeg_error(int code) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(code, text.data(), text.size());
  return last_error.empty() ? std::string(text.data()) : fmt::format("{} ({})", text.data(), last_error);
}

}  // namespace sotto::audio
