#include "transcribe/tolerant_source.h"

#include "sotto/error.h"

namespace sotto::transcribe {

std::size_t TolerantSource::read(std::span<float> out) {
  if (error_) {
    return 0;
  }
  if (stop_.stop_requested()) {
    throw Error(ErrorCode::cancelled, "reading", "stopped on request.");
  }
  try {
    const std::size_t n = source_.read(out);
    has_samples_ = has_samples_ || n > 0;
    return n;
  } catch (const Error& e) {
    if (e.code() != ErrorCode::bad_format || !has_samples_) {
      throw;
    }
    error_ = std::current_exception();
    return 0;
  }
}

bool TolerantSource::rewind() {
  if (!source_.rewind()) {
    return false;
  }
  error_ = nullptr;
  return true;
}

void TolerantSource::rethrow() const {
  if (error_) {
    std::rethrow_exception(error_);
  }
}

}  // namespace sotto::transcribe
