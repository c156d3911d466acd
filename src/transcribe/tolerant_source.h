#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <stop_token>
#include <utility>

#include "sotto/audio.h"

namespace sotto::transcribe {

/// A source that ends where its audio breaks off and keeps the error for later, so that what was heard
/// until then is not lost. Errors before the first sample are thrown at once, and Error(cancelled) once
/// `stop` is requested.
class TolerantSource final : public audio::AudioSource {
 public:
  /// `source` must outlive this.
  explicit TolerantSource(audio::AudioSource& source, std::stop_token stop = {})
      : source_(source), stop_(std::move(stop)) {}
  std::size_t read(std::span<float> out) override;
  std::optional<double> duration_s() const override { return source_.duration_s(); }
  bool rewind() override;
  /// Throws the error that ended the stream, if one did.
  void rethrow() const;

 private:
  audio::AudioSource& source_;
  std::stop_token stop_;
  bool has_samples_ = false;
  std::exception_ptr error_;
};

}  // namespace sotto::transcribe
