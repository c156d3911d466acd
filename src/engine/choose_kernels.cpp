#include "engine/choose_kernels.h"

#include <algorithm>
#include <string>
#include <vector>

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "core/cpu_features.h"

namespace sotto::engine {
namespace {

/// Asks the system for the tile registers, which it keeps for who does: true if this process has them.
bool may_use_tiles() {
#if defined(__x86_64__) && defined(__linux__)
  constexpr long kRequestState = 0x1023;  // ARCH_REQ_XCOMP_PERM of Linux' asm/prctl.h
  constexpr long kTileData = 18;          // its place in XCR0
  static const bool may = syscall(SYS_arch_prctl, kRequestState, kTileData) == 0;
  return may;
#else
  return false;
#endif
}

}  // namespace

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
