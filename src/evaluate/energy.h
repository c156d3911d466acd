#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace sotto::evaluate {

/// Joules the processor packages have used, where the kernel lets this process read their counters (RAPL).
/// They count for the whole machine, whatever else runs on it.
class EnergyMeter {
 public:
  explicit EnergyMeter(const std::filesystem::path& powercap = "/sys/class/powercap");

  /// False where there is no counter to read; then seconds are all there is.
  bool is_available() const { return !packages_.empty(); }

  /// Starts a stretch.
  void start();
  /// Joules since start(); nullopt without counters.
  std::optional<double> stop();

 private:
  struct Package {
    std::filesystem::path counter;
    std::uint64_t range_uj = 0;  ///< it starts again at 0 beyond it
    std::uint64_t start_uj = 0;
  };
  std::vector<Package> packages_;
};

}  // namespace sotto::evaluate
