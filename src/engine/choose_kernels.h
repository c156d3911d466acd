#pragma once

#include <vector>

#include "engine/kernels.h"

namespace sotto::engine {

/// All that this processor runs, the fastest first; the last are plain_kernels().
std::vector<const Kernels*> all_kernels();

}  // namespace sotto::engine
