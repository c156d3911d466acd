#pragma once

#include <string>
#include <vector>

namespace sotto {

/// What of the processor decides INT8 and bf16 speed, in a fixed order: "avx2", "avx512f", "avx_vnni",
/// "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16". Read from the processor, not from a file;
/// without those whose registers the system does not keep.
std::vector<std::string> cpu_features();

/// True if u8 × i8 products accumulate without 16-bit saturation (VNNI or AMX).
bool has_vnni();

/// Asks the system for the tile registers of AMX, which it keeps from who does not: true if this process has
/// them. Source: Linux, Documentation/arch/x86/xstate.rst.
bool may_use_tiles();

/// True if bf16 is multiplied as it is (AVX512-BF16 or AMX).
bool has_bf16();

}  // namespace sotto
