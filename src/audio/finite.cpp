#include "audio/finite.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sotto/audio.h"
#include "sotto/error.h"

namespace sotto::audio {

void require_finite(std::span<const float> samples, std::string_view where, std::size_t first_sample) {
  const auto bad = std::find_if(samples.begin(), samples.end(), [](float x) { return !std::isfinite(x); });
  if (bad != samples.end()) {
    const auto index = first_sample + static_cast<std::size_t>(bad - samples.begin());
    throw Error(ErrorCode::bad_format, where,
                fmt::format("expected finite samples, found {} at {:.3f} s.", *bad,
                            static_cast<double>(index) / kSampleRateHz));
  }
}

}  // namespace sotto::audio
