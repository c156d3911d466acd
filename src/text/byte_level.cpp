#include "text/byte_level.h"

#include <array>

#include "text/unicode.h"

namespace sotto::text {
namespace {

bool is_printable(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

/// byte_of[c] is the byte that character c spells, or -1: printable bytes spell themselves, the others are
/// numbered from U+0100 on.
struct Alphabet {
  std::array<int, 0x144> byte_of;
  Alphabet() {
    byte_of.fill(-1);
    std::size_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      byte_of[is_printable(byte) ? byte : next++] = static_cast<int>(byte);
    }
  }
};

}  // namespace

std::optional<std::string> bytes_of_spelling(std::string_view spelling) {
  static const Alphabet kAlphabet;
  std::string bytes;
  for (std::size_t at = 0; at < spelling.size();) {
    const CodePoint c = code_point_at(spelling, at);
    if (c.value >= kAlphabet.byte_of.size() || kAlphabet.byte_of[c.value] < 0) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<char>(kAlphabet.byte_of[c.value]));
    at += c.n_bytes;
  }
  return bytes;
}

}  // namespace sotto::text
