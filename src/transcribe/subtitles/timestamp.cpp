#include "transcribe/subtitles/timestamp.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace sotto::subtitles {

long shown_ms(double seconds) {
  return std::max(std::lrint(seconds * 1000.0), 0L);
}

std::string format_timestamp(double seconds, bool always_include_hours, char decimal_marker) {
  const long total_ms = shown_ms(seconds);
  const long hours = total_ms / 3'600'000;
  const long minutes = total_ms / 60'000 % 60;
  const std::string rest =
      fmt::format("{:02}:{:02}{}{:03}", minutes, total_ms / 1000 % 60, decimal_marker, total_ms % 1000);
  return always_include_hours || hours > 0 ? fmt::format("{:02}:{}", hours, rest) : rest;
}

}  // namespace sotto::subtitles
