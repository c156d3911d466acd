#pragma once

#include <algorithm>
#include <vector>

#include "core/cpu_features.h"
#include "engine/choose_kernels.h"

namespace sotto::engine {

/// Those for AMX, over tile registers in software; null where they were not compiled.
const Kernels* kernels_on_software_tiles();

/// All that this processor runs, and those for AMX in software where AVX512-VNNI is there, which they need
/// too.
inline std::vector<const Kernels*> tested_kernels() {
  std::vector<const Kernels*> kernels = all_kernels();
  const std::vector<std::string> features = cpu_features();
  if (std::ranges::find(features, "avx512_vnni") != features.end() &&
      kernels_on_software_tiles() != nullptr) {
    kernels.insert(kernels.begin(), kernels_on_software_tiles());
  }
  return kernels;
}

}  // namespace sotto::engine
