#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace sotto::engine {

/// Memory that begins where a cache line does: a register's worth that lies across two is read twice.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  /// Zeros.
  explicit AlignedBytes(std::size_t n_bytes);

  std::byte* data() { return bytes_.get(); }
  template <typename T>
  T* as() {
    return reinterpret_cast<T*>(bytes_.get());
  }

 private:
  struct Release {
    void operator()(std::byte* memory) const;
  };
  std::unique_ptr<std::byte, Release> bytes_;
};

}  // namespace sotto::engine
