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

struct Cpuid {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
};

/// Zeros for a leaf that the processor does not have.
Cpuid cpuid(unsigned leaf, unsigned subleaf) {
  Cpuid found;
  __get_cpuid_count(leaf, subleaf, &found.a, &found.b, &found.c, &found.d);
  return found;
}

/// Those that the system keeps for each thread; an instruction on others is refused.
std::uint64_t saved_registers() {
  if ((cpuid(1, 0).c & bit_OSXSAVE) == 0) {
    return 0;
  }
  unsigned a = 0;
  unsigned d = 0;
  asm("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  return (static_cast<std::uint64_t>(d) << 32U) | a;
}
#endif

}  // namespace

std::vector<std::string> cpu_features() {
  std::vector<std::string> found;
#if defined(__x86_64__)
  const Cpuid first = cpuid(7, 0);
  const Cpuid second = cpuid(7, 1);
  const std::uint64_t saved = saved_registers();
  const auto add = [&](std::uint64_t registers, bool there, const char* name) {
    if (there && (saved & registers) == registers) {
      found.emplace_back(name);
    }
  };
  add(kYmm, (first.b >> 5 & 1U) != 0, "avx2");
  add(kZmm, (first.b >> 16 & 1U) != 0, "avx512f");
  add(kYmm, (second.a >> 4 & 1U) != 0, "avx_vnni");
  add(kZmm, (first.c >> 11 & 1U) != 0, "avx512_vnni");
  add(kZmm, (second.a >> 5 & 1U) != 0, "avx512_bf16");
  add(kTiles, (first.d >> 25 & 1U) != 0, "amx_int8");
  add(kTiles, (first.d >> 22 & 1U) != 0, "amx_bf16");
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
