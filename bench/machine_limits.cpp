// Prints what this machine's cores can do at most, as one line of JSON: products a second per instruction set
// with every operand in a register, and bytes read a second from buffers of three sizes.
// Usage: sotto_machine_limits THREADS
//
// Products are timed in processor time of each thread, so that a busy machine does not lower them; memory is
// timed in wall time: the best of many passes of each thread, summed.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/cpu_features.h"
#include "engine/tile_configuration.h"

namespace {

constexpr int kPasses = 20;

double thread_cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Runs `work(thread)` on all threads at once.
void on_threads(int n_threads, const std::function<void(int)>& work) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < n_threads; ++t) {
    threads.emplace_back(work, t);
  }
}

/// What one call of a kernel does, in multiplications and additions.
struct Kernel {
  std::string name;
  std::string feature;
  double operations = 0.0;
  void (*run)() = nullptr;
};

#if defined(__x86_64__)

constexpr int kLoops = 200000;
constexpr int kSums = 12;  // enough to hide a latency of 6 cycles at two instructions a cycle

/// Twelve sums, each fed by one instruction a turn: the asm statement keeps the compiler from merging them.
#define SOTTO_PEAK(NAME, TARGET, INSTRUCTION, REGISTER)                                                   \
  __attribute__((target(TARGET))) void NAME() {                                                           \
    for (int i = 0; i < kLoops; ++i) {                                                                    \
      asm volatile(INSTRUCTION                                                                            \
                   " %%" REGISTER "14, %%" REGISTER "15, %%" REGISTER "0\n" INSTRUCTION " %%" REGISTER    \
                   "14, %%" REGISTER "15, %%" REGISTER "1\n" INSTRUCTION " %%" REGISTER "14, %%" REGISTER \
                   "15, %%" REGISTER "2\n" INSTRUCTION " %%" REGISTER "14, %%" REGISTER "15, %%" REGISTER \
                   "3\n" INSTRUCTION " %%" REGISTER "14, %%" REGISTER "15, %%" REGISTER "4\n" INSTRUCTION \
                   " %%" REGISTER "14, %%" REGISTER "15, %%" REGISTER "5\n" INSTRUCTION " %%" REGISTER    \
                   "14, %%" REGISTER "15, %%" REGISTER "6\n" INSTRUCTION " %%" REGISTER "14, %%" REGISTER \
                   "15, %%" REGISTER "7\n" INSTRUCTION " %%" REGISTER "14, %%" REGISTER "15, %%" REGISTER \
                   "8\n" INSTRUCTION " %%" REGISTER "14, %%" REGISTER "15, %%" REGISTER "9\n" INSTRUCTION \
                   " %%" REGISTER "14, %%" REGISTER "15, %%" REGISTER "10\n" INSTRUCTION " %%" REGISTER   \
                   "14, %%" REGISTER "15, %%" REGISTER "11\n" ::                                          \
                       : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",  \
                         "xmm10", "xmm11");                                                               \
    }                                                                                                     \
  }

SOTTO_PEAK(f32_avx2, "avx2,fma", "vfmadd231ps", "ymm")
SOTTO_PEAK(f32_avx512, "avx512f", "vfmadd231ps", "zmm")
SOTTO_PEAK(bf16_avx512, "avx512bf16", "vdpbf16ps", "zmm")
SOTTO_PEAK(int8_avx_vnni, "avxvnni", "%{vex%} vpdpbusd", "ymm")
SOTTO_PEAK(int8_avx512_vnni, "avx512vnni", "vpdpbusd", "zmm")
#undef SOTTO_PEAK

constexpr int kTileLoops = 20000;
constexpr sotto::engine::TileConfiguration kFullTiles({{16, 64}, {16, 64}, {16, 64}, {16, 64}});

/// Six sums, two operands: as many products in flight as there are tiles.
#define SOTTO_TILE_PEAK(NAME, TARGET, INSTRUCTION)                                                 \
  __attribute__((target("amx-tile," TARGET))) void NAME() {                                        \
    asm volatile("ldtilecfg %0" ::"m"(kFullTiles));                                                \
    for (int i = 0; i < kTileLoops; ++i) {                                                         \
      asm volatile(INSTRUCTION                                                                     \
                   " %%tmm6, %%tmm7, %%tmm0\n" INSTRUCTION " %%tmm6, %%tmm7, %%tmm1\n" INSTRUCTION \
                   " %%tmm6, %%tmm7, %%tmm2\n" INSTRUCTION " %%tmm6, %%tmm7, %%tmm3\n" INSTRUCTION \
                   " %%tmm6, %%tmm7, %%tmm4\n" INSTRUCTION " %%tmm6, %%tmm7, %%tmm5\n" ::);        \
    }                                                                                              \
    asm volatile("tilerelease");                                                                   \
  }

SOTTO_TILE_PEAK(int8_amx, "amx-int8", "tdpbssd")
SOTTO_TILE_PEAK(bf16_amx, "amx-bf16", "tdpbf16ps")
#undef SOTTO_TILE_PEAK

std::vector<Kernel> kernels() {
  const auto vector_operations = [](int lanes) { return 2.0 * kLoops * kSums * lanes; };
  const double tile_operations = 2.0 * kTileLoops * 6 * 16 * 16 * 64;
  return {
      {"f32_avx2", "avx2", vector_operations(8), f32_avx2},
      {"f32_avx512", "avx512f", vector_operations(16), f32_avx512},
      {"bf16_avx512", "avx512_bf16", vector_operations(32), bf16_avx512},
      {"bf16_amx", "amx_bf16", tile_operations / 2, bf16_amx},
      {"int8_avx_vnni", "avx_vnni", vector_operations(32), int8_avx_vnni},
      {"int8_avx512_vnni", "avx512_vnni", vector_operations(64), int8_avx512_vnni},
      {"int8_amx", "amx_int8", tile_operations, int8_amx},
  };
}

bool usable(const Kernel& kernel, const std::vector<std::string>& features) {
  const bool there = std::find(features.begin(), features.end(), kernel.feature) != features.end();
  return there && (!kernel.feature.starts_with("amx") || sotto::may_use_tiles());
}

#else

std::vector<Kernel> kernels() {
  return {};
}
bool usable(const Kernel&, const std::vector<std::string>&) {
  return false;
}

#endif

/// Operations a second of all threads together; the best of some passes.
double peak(const Kernel& kernel, int n_threads) {
  std::vector<double> rates(static_cast<std::size_t>(n_threads), 0.0);
  on_threads(n_threads, [&](int t) {
    for (int pass = 0; pass < kPasses; ++pass) {
      const double begin = thread_cpu_s();
      kernel.run();
      double& rate = rates[static_cast<std::size_t>(t)];
      rate = std::max(rate, kernel.operations / (thread_cpu_s() - begin));
    }
  });
  double sum = 0.0;
  for (const double rate : rates) {
    sum += rate;
  }
  return sum;
}

std::uint64_t sum_of(std::span<const std::uint64_t> values) {
  constexpr std::size_t kLanes = 32;
  std::uint64_t sums[kLanes] = {};
  for (std::size_t i = 0; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] ^= values[i + lane];
    }
  }
  std::uint64_t all = 0;
  for (const std::uint64_t sum : sums) {
    all ^= sum;
  }
  return all;
}

/// Bytes a second when the threads together read a buffer of `n_bytes` over and over.
double read_speed(std::size_t n_bytes, int n_threads) {
  const std::vector<std::uint64_t> buffer(n_bytes / sizeof(std::uint64_t), 1);
  const std::size_t share = buffer.size() / static_cast<std::size_t>(n_threads);
  const int passes = static_cast<int>(std::max<std::size_t>(4, (std::size_t{4} << 30U) / n_bytes / 4));
  std::vector<double> best_s(static_cast<std::size_t>(n_threads), 1e9);
  on_threads(n_threads, [&](int t) {
    const std::span<const std::uint64_t> mine(buffer.data() + static_cast<std::size_t>(t) * share, share);
    for (int pass = 0; pass < passes; ++pass) {
      const auto begin = std::chrono::steady_clock::now();
      volatile std::uint64_t sum = sum_of(mine);
      (void)sum;
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
      best_s[static_cast<std::size_t>(t)] = std::min(best_s[static_cast<std::size_t>(t)], seconds.count());
    }
  });
  double speed = 0.0;
  for (const double seconds : best_s) {
    speed += static_cast<double>(share * sizeof(std::uint64_t)) / seconds;
  }
  return speed;
}

}  // namespace

int main(int argc, char** argv) {
  const int hardware = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int n_threads = argc > 1 ? std::clamp(std::atoi(argv[1]), 1, hardware) : hardware;
  nlohmann::ordered_json limits = {{"threads", n_threads}};
  const auto features = sotto::cpu_features();
  for (const Kernel& kernel : kernels()) {
    if (usable(kernel, features)) {
      limits["gops"][kernel.name] = peak(kernel, n_threads) / 1e9;
    }
  }
  for (const std::size_t mib : {16, 64, 512}) {
    limits["read_gb_per_s"][fmt::format("{}", mib)] = read_speed(mib << 20U, n_threads) / 1e9;
  }
  fmt::print("{}\n", limits.dump());
  return 0;
}
