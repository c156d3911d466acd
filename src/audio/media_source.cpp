#include <algorithm>
#include <exception>
#include <utility>

#include "audio/media_file.h"
#include "audio/resampler.h"
#include "sotto/audio.h"

namespace sotto::audio {
namespace {

/// One pass over a file: decodes as it is read and holds no more than what one frame gives.
class Decoding {
 public:
  explicit Decoding(const std::filesystem::path& path) : name_(path.string()), file_(path) {}

  const MediaFile& file() const { return file_; }

  /// Decoded samples not taken yet; empty at the end. What a broken file holds comes before its error.
  std::span<const float> ready() {
    while (used_ == samples_.size() && !ended_) {
      samples_.clear();
      used_ = 0;
      decode();
    }
    return std::span(samples_).subspan(used_);
  }
  void take(std::size_t n) { used_ += n; }

  /// Throws what ended the stream, if it was not its end.
  void rethrow_failure() const {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
  }

 private:
  void decode() {
    try {
      if (const AVFrame* frame = file_.next_frame()) {
        resampler_.append(*frame, name_, samples_);
        return;
      }
    } catch (...) {
      failure_ = std::current_exception();
    }
    resampler_.flush(samples_);
    ended_ = true;
  }

  std::string name_;
  MediaFile file_;
  Resampler resampler_;
  std::vector<float> samples_;
  std::size_t used_ = 0;
  std::exception_ptr failure_;
  bool ended_ = false;
};

class MediaSource : public AudioSource {
 public:
  explicit MediaSource(std::filesystem::path path)
      : path_(std::move(path)), decoding_(std::make_unique<Decoding>(path_)) {}

  std::size_t read(std::span<float> out) override {
    const QuietFfmpeg quiet;
    std::size_t n = 0;
    while (n < out.size()) {
      const std::span<const float> ready = decoding_->ready();
      if (ready.empty()) {
        break;
      }
      const std::size_t taken = std::min(out.size() - n, ready.size());
      std::copy_n(ready.begin(), taken, out.subspan(n).begin());
      decoding_->take(taken);
      n += taken;
    }
    if (n == 0) {
      decoding_->rethrow_failure();
    }
    return n;
  }

  std::optional<double> duration_s() const override { return decoding_->file().duration_s(); }

  std::optional<int> source_rate_hz() const override { return decoding_->file().sample_rate_hz(); }

  bool rewind() override {
    if (!decoding_->file().is_regular()) {
      return false;
    }
    const QuietFfmpeg quiet;
    decoding_ = std::make_unique<Decoding>(path_);
    return true;
  }

 private:
  std::filesystem::path path_;
  std::unique_ptr<Decoding> decoding_;
};

}  // namespace

std::unique_ptr<AudioSource> open_media(const std::filesystem::path& path) {
  const QuietFfmpeg quiet;
  return std::make_unique<MediaSource>(path);
}

std::vector<float> read_all(AudioSource& source) {
  std::vector<float> samples;
  std::size_t n = 0;
  do {
    const std::size_t before = samples.size();
    samples.resize(before + kWindowSamples);
    n = source.read(std::span(samples).subspan(before));
    samples.resize(before + n);
  } while (n > 0);
  return samples;
}

std::vector<float> load_audio(const std::filesystem::path& path) {
  return read_all(*open_media(path));
}

}  // namespace sotto::audio
