#pragma once

#include <vector>

#include "engine/kernels.h"

namespace sotto::engine {

/// All that this processor runs, the fastest first; the last are plain_kernels().
std::vector<const Kernels*> all_kernels();

/// Those for an encoder; null on processors without an instruction for u8 × i8, on which OpenVINO's is
/// faster.
const Kernels* encoder_kernels();

}  // namespace sotto::engine
