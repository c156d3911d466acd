#include <algorithm>
#include <utility>

#include "audio/finite.h"
#include "sotto/audio.h"

namespace sotto::audio {
namespace {

class MemorySource : public AudioSource {
 public:
  explicit MemorySource(std::vector<float> samples) : samples_(std::move(samples)) {}

  std::size_t read(std::span<float> out) override {
    const std::size_t n = std::min(out.size(), samples_.size() - next_);
    std::copy_n(samples_.begin() + static_cast<std::ptrdiff_t>(next_), n, out.begin());
    next_ += n;
    return n;
  }
  std::optional<double> duration_s() const override {
    return static_cast<double>(samples_.size()) / kSampleRateHz;
  }
  bool rewind() override {
    next_ = 0;
    return true;
  }

 private:
  std::vector<float> samples_;
  std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<AudioSource> from_samples(std::vector<float> samples) {
  require_finite(samples, "from_samples");
  return std::make_unique<MemorySource>(std::move(samples));
}

}  // namespace sotto::audio
