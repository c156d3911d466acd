#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace sotto::test {

/// Counts what is allocated while it lives, by any thread and any library; one at a time.
class PeakMemory {
 public:
  PeakMemory();
  /// Bytes held at once at most, above what was held when this was made.
  std::size_t bytes() const;

 private:
  std::size_t before_;
};

/// `read`, and a failed test where it holds more at once than `per_byte` times what it is given and `fixed`.
inline std::function<void(const std::string&)> within_memory(std::function<void(const std::string&)> read,
                                                             std::size_t per_byte,
                                                             std::size_t fixed = std::size_t{1} << 20U) {
  return [read = std::move(read), per_byte, fixed](const std::string& bytes) {
    const PeakMemory peak;
    try {
      read(bytes);
    } catch (...) {
      EXPECT_LE(peak.bytes(), per_byte * bytes.size() + fixed) << bytes.size();
      throw;
    }
    EXPECT_LE(peak.bytes(), per_byte * bytes.size() + fixed) << bytes.size();
  };
}

}  // namespace sotto::test
