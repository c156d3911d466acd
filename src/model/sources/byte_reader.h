#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sotto::model::sources {

/// Text of a file as an error message may show it: in quotes, escaped, on one line, cut after 80 bytes.
std::string shown(std::string_view text);

/// Reads little-endian values from front to back and never past the end.
///
/// Every read takes what it reads as a name; running out throws Error(bad_format) with `where`, that name and
/// the offset.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string where) : bytes_(bytes), where_(std::move(where)) {}

  std::span<const std::byte> take(std::uint64_t n_bytes, std::string_view what) {
    if (n_bytes > n_left()) {
      throw_short(n_bytes, what);
    }
    const auto taken = bytes_.subspan(offset_, static_cast<std::size_t>(n_bytes));
    offset_ += taken.size();
    return taken;
  }

  /// The same bytes as characters, which may be no valid UTF-8.
  std::string_view take_text(std::uint64_t n_bytes, std::string_view what) {
    const auto taken = take(n_bytes, what);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }

  template <typename T>
  T read(std::string_view what) {
    static_assert(std::is_arithmetic_v<T> && std::endian::native == std::endian::little);
    T value;
    std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
    return value;
  }

  /// Goes to `offset`, which may be the end but not behind it.
  void seek(std::uint64_t offset, std::string_view what);

  std::size_t offset() const { return offset_; }
  std::size_t n_left() const { return bytes_.size() - offset_; }
  std::size_t size() const { return bytes_.size(); }
  const std::string& where() const { return where_; }

  /// Throws Error(bad_format) with `where`.
  [[noreturn]] void fail(const std::string& what) const;

 private:
  [[noreturn]] void throw_short(std::uint64_t n_bytes, std::string_view what) const;

  std::span<const std::byte> bytes_;
  std::string where_;
  std::size_t offset_ = 0;
};

}  // namespace sotto::model::sources
