#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sotto::quantize {

/// Append-only rows of floats. The newest stay in memory up to a budget; older blocks move to a temporary
/// file that has no name and so leaves with the process.
class SampleStore {
 public:
  struct Row {
    std::uint64_t offset = 0;  ///< in floats
    std::uint32_t size = 0;
  };

  explicit SampleStore(std::size_t budget_bytes = std::size_t{8} << 20) : budget_bytes_(budget_bytes) {}
  ~SampleStore();
  SampleStore(SampleStore&& other) noexcept;
  SampleStore& operator=(SampleStore&& other) noexcept;

  /// Throws Error(io) if the temporary file cannot be written (disk full).
  Row append(std::span<const float> row);
  /// Reads a row into `to`.
  void read(Row row, std::vector<float>& to) const;
  std::size_t memory_bytes() const;

 private:
  void spill();

  std::size_t budget_bytes_;
  int file_ = -1;
  std::uint64_t n_spilled_ = 0;  ///< floats in the file
  std::vector<float> recent_;    ///< what follows them
};

}  // namespace sotto::quantize
