#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace sotto::audio {

/// Throws Error(bad_format) naming the time of the first sample that is not finite. `first_sample` is the
/// place of samples[0] in the recording.
void require_finite(std::span<const float> samples, std::string_view where, std::size_t first_sample = 0);

}  // namespace sotto::audio
