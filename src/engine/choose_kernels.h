#pragma once

#include <vector>

#include "engine/kernels.h"

namespace sotto::engine {

/// All that this processor runs, the fastest first; the last are plain_kernels().
std::vector<const Kernels*> all_kernels();

/// Those for an encoder; null on processors on which OpenVINO's is faster: with AMX, which these do not use,
/// and without AVX512-VNNI.
const Kernels* encoder_kernels();

}  // namespace sotto::engine
