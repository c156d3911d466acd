#include "core/cpu_features.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace sotto {

std::vector<std::string> cpu_features() {
  std::vector<std::string> found;
#if defined(__x86_64__)
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  unsigned a1 = 0;
  unsigned b1 = 0;
  unsigned c1 = 0;
  unsigned d1 = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) {
    return found;
  }
  __get_cpuid_count(7, 1, &a1, &b1, &c1, &d1);
  const auto add = [&](bool there, const char* name) {
    if (there) {
      found.emplace_back(name);
    }
  };
  add((b >> 5 & 1U) != 0, "avx2");
  add((b >> 16 & 1U) != 0, "avx512f");
  add((a1 >> 4 & 1U) != 0, "avx_vnni");
  add((c >> 11 & 1U) != 0, "avx512_vnni");
  add((a1 >> 5 & 1U) != 0, "avx512_bf16");
  add((d >> 25 & 1U) != 0, "amx_int8");
  add((d >> 22 & 1U) != 0, "amx_bf16");
#endif
  return found;
}

namespace {

bool has_one_of(std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(cpu_features(), [&](const std::string& feature) {
    return std::ranges::find(names, feature) != names.end();
  });
}

}  // namespace

bool has_vnni() {
  return has_one_of({"avx_vnni", "avx512_vnni", "amx_int8"});
}

bool may_use_tiles() {
#if defined(__x86_64__) && defined(__linux__)
  constexpr long kRequestState = 0x1023;  // ARCH_REQ_XCOMP_PERM of asm/prctl.h
  constexpr long kTileData = 18;          // its place in XCR0
  static const bool may = syscall(SYS_arch_prctl, kRequestState, kTileData) == 0;
  return may;
#else
  return false;
#endif
}

bool has_bf16() {
  return has_one_of({"avx512_bf16", "amx_bf16"});
}

}  // namespace sotto
