#include "engine/choose_kernels.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/cpu_features.h"

namespace sotto::engine {

std::vector<const Kernels*> all_kernels() {
  const std::vector<std::string> features = cpu_features();
  const auto has = [&](const char* name) { return std::ranges::find(features, name) != features.end(); };
  std::vector<const Kernels*> found;
  if (const Kernels* kernels = avx512_kernels(); kernels != nullptr && has("avx512_vnni")) {
    found.push_back(kernels);
  }
  if (const Kernels* kernels = avx2_kernels(); kernels != nullptr && has("avx2")) {
    found.push_back(kernels);
  }
  found.push_back(&plain_kernels());
  return found;
}

const Kernels* encoder_kernels() {
  const std::vector<std::string> features = cpu_features();
  const auto has = [&](const char* name) { return std::ranges::find(features, name) != features.end(); };
  return has("avx512_vnni") && !has("amx_int8") ? all_kernels().front() : nullptr;
}

}  // namespace sotto::engine
