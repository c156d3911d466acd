#include "transcribe/token_decoder.h"

#include <cmath>

#include "sotto/error.h"
#include "transcribe/log_sum_exp.h"

namespace sotto::transcribe {

float checked_log_sum_exp(std::span<const float> logits) {
  const float sum = log_sum_exp(logits);
  if (std::isnan(sum)) {
    throw Error(ErrorCode::bad_format, "decoder",
                "expected finite logits, found NaN; weights or activations of this model overflow.");
  }
  return sum;
}

}  // namespace sotto::transcribe
