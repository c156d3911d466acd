#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <span>

#include "sotto/audio.h"

namespace sotto::transcribe {

/// A source that ends where its audio breaks off and keeps the error for later, so that what was heard
/// until then is not lost. Errors before the first sample are thrown at once.
class TolerantSource final : public audio::AudioSource {
 public:
  /// `source` must outlive this.
  explicit TolerantSource(audio::AudioSource& source) : source_(source) {}
  std::size_t read(std::span<float> out) override;
  std::optional<double> duration_s() const override { return source_.duration_s(); }
  bool rewind() override;
  /// Throws the error that ended the stream, if one did.
  void rethrow() const;

 private:
  audio::AudioSource& source_;
  bool has_samples_ = false;
  std::exception_ptr error_;
};

}  // namespace sotto::transcribe
