#include "evaluate/energy.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace sotto::evaluate {
namespace fs = std::filesystem;
namespace {

std::optional<std::uint64_t> read_number(const fs::path& path) {
  std::ifstream in(path);
  std::uint64_t value = 0;
  return in >> value ? std::optional(value) : std::nullopt;
}

/// "intel-rapl:0" is a package (AMD's too); "intel-rapl:0:0" is a part of it and would count twice.
bool is_package(const std::string& name) {
  return name.starts_with("intel-rapl:") && std::count(name.begin(), name.end(), ':') == 1;
}

}  // namespace

EnergyMeter::EnergyMeter(const fs::path& powercap) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(powercap, error)) {
    if (!is_package(entry.path().filename().string())) {
      continue;
    }
    const fs::path counter = entry.path() / "energy_uj";
    const auto range = read_number(entry.path() / "max_energy_range_uj");
    if (range && read_number(counter)) {
      packages_.push_back({.counter = counter, .range_uj = *range});
    }
  }
}

void EnergyMeter::start() {
  for (Package& package : packages_) {
    package.start_uj = read_number(package.counter).value_or(0);
  }
}

std::optional<double> EnergyMeter::stop() {
  if (packages_.empty()) {
    return std::nullopt;
  }
  std::uint64_t used_uj = 0;
  for (const Package& package : packages_) {
    const std::uint64_t now_uj = read_number(package.counter).value_or(package.start_uj);
    used_uj +=
        now_uj >= package.start_uj ? now_uj - package.start_uj : package.range_uj - package.start_uj + now_uj;
  }
  return static_cast<double>(used_uj) * 1e-6;
}

}  // namespace sotto::evaluate
