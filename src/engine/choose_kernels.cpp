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
  const auto add = [&](const Kernels* kernels, bool is_for_this) {
    if (kernels != nullptr && is_for_this) {
      found.push_back(kernels);
    }
  };
  add(amx_kernels(), has("amx_int8") && has("avx512_vnni") && may_use_tiles());
  add(avx512_kernels(), has("avx512_vnni"));
  add(avx2_vnni_kernels(), has("avx_vnni"));
  add(avx2_kernels(), has("avx2"));
  add(&plain_kernels(), true);
  return found;
}

const Kernels* encoder_kernels() {
  const Kernels* const fastest = all_kernels().front();
  return fastest == avx2_kernels() || fastest == &plain_kernels() ? nullptr : fastest;
}

}  // namespace sotto::engine
