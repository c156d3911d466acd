#include "transcribe/strip.h"

#include <array>

namespace sotto::transcribe {
namespace {

// Python 3's str.isspace(): Unicode's White_Space and the four separators 1C..1F, in UTF-8.
constexpr std::array<std::string_view, 29> kWhiteSpace = {
    "\t",           "\n",           "\v",           "\f",           "\r",
    "\x1c",         "\x1d",         "\x1e",         "\x1f",         " ",
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
    "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
    "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
    "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

bool strip_once(std::string_view& text) {
  for (const std::string_view space : kWhiteSpace) {
    if (text.starts_with(space)) {
      text.remove_prefix(space.size());
      return true;
    }
    if (text.ends_with(space)) {
      text.remove_suffix(space.size());
      return true;
    }
  }
  return false;
}

}  // namespace

std::string_view strip(std::string_view text) {
  while (strip_once(text)) {
  }
  return text;
}

}  // namespace sotto::transcribe
