#include "model/sources/byte_reader.h"

#include <fmt/format.h>

#include "sotto/error.h"

namespace sotto::model::sources {

std::string shown(std::string_view text) {
  constexpr std::size_t kMaxShown = 80;
  return text.size() > kMaxShown ? fmt::format("{:?}...", text.substr(0, kMaxShown))
                                 : fmt::format("{:?}", text);
}

void ByteReader::seek(std::uint64_t offset, std::string_view what) {
  if (offset > bytes_.size()) {
    fail(fmt::format("{}: expected an offset inside {} bytes, found {}.", what, bytes_.size(), offset));
  }
  offset_ = static_cast<std::size_t>(offset);
}

void ByteReader::fail(const std::string& what) const {
  throw Error(ErrorCode::bad_format, where_, what);
}

void ByteReader::throw_short(std::uint64_t n_bytes, std::string_view what) const {
  fail(fmt::format("{} at offset {}: expected {} bytes, found {}; the file is cut off or damaged.", what,
                   offset_, n_bytes, n_left()));
}

}  // namespace sotto::model::sources
