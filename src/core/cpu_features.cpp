#include "core/cpu_features.h"

#include <algorithm>
#include <cstdint>
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
namespace {

#if defined(__x86_64__)
// Of XCR0. Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, section 13.3.
constexpr std::uint64_t kYmm = 0x6;
constexpr std::uint64_t kZmm = kYmm | 0xE0;
constexpr std::uint64_t kTiles = 0x60000;

/// Those that the system keeps for each thread; an instruction on others is refused.
std::uint64_t saved_registers() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) {
    return 0;
  }
  asm("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  return (static_cast<std::uint64_t>(d) << 32U) | a;
}
#endif

}  // namespace

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
  const std::uint64_t saved = saved_registers();
  const auto add = [&](std::uint64_t registers, bool there, const char* name) {
    if (there && (saved & registers) == registers) {
      found.emplace_back(name);
    }
  };
  add(kYmm, (b >> 5 & 1U) != 0, "avx2");
  add(kZmm, (b >> 16 & 1U) != 0, "avx512f");
  add(kYmm, (a1 >> 4 & 1U) != 0, "avx_vnni");
  add(kZmm, (c >> 11 & 1U) != 0, "avx512_vnni");
  add(kZmm, (a1 >> 5 & 1U) != 0, "avx512_bf16");
  add(kTiles, (d >> 25 & 1U) != 0, "amx_int8");
  add(kTiles, (d >> 22 & 1U) != 0, "amx_bf16");
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
