#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/cpu_features.h"
#include "engine/choose_kernels.h"

namespace sotto::engine {

/// Those for AMX and AVX2-VNNI over tile registers and an instruction in software; null where they were not
/// compiled.
const Kernels* kernels_on_software_tiles();
const Kernels* kernels_on_software_vnni();

/// All that this processor runs, the slowest last, and those in software where what else they need is there.
inline std::vector<const Kernels*> tested_kernels() {
  std::vector<const Kernels*> kernels = all_kernels();
  const std::vector<std::string> features = cpu_features();
  const auto add = [&](const Kernels* in_software, const char* needed) {
    if (in_software != nullptr && std::ranges::find(features, needed) != features.end()) {
      kernels.insert(kernels.begin(), in_software);
    }
  };
  add(kernels_on_software_tiles(), "avx512_vnni");
  add(kernels_on_software_vnni(), "avx2");
  return kernels;
}

}  // namespace sotto::engine
