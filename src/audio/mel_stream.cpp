#include "audio/mel_stream.h"

#include <algorithm>
#include <numeric>
#include <span>

#include <fmt/format.h>

#include "sotto/error.h"

namespace sotto::audio {
namespace {

constexpr std::size_t kKeptFrames = 10 * 60 * kFramesPerSecond;  // ten minutes
constexpr float kSilence = -10.0F;                               // log10 of kMinPower: frames of zero padding

/// Frames after the content that still see its last samples: frame t sees samples from 160 t - 200 on.
constexpr std::size_t kTailFrames = 3;

}  // namespace

MelStream::MelStream(AudioSource& source, int n_mels, MelNormalization normalization)
    : source_(source), frames_(n_mels), max_(kSilence) {
  restart();
  if (normalization == MelNormalization::whole_file) {
    read_whole_file();
  }
}

void MelStream::restart() {
  samples_.assign(kHalfFrame, 0.0F);  // room for the reflected left edge
  rows_.clear();
  first_frame_ = 0;
  n_made_ = 0;
  n_samples_ = 0;
  at_end_ = false;
}

void MelStream::read_whole_file() {
  read_until(kKeptFrames);
  if (at_end_ || !source_.rewind()) {
    return;
  }
  restart();
  while (!at_end_) {
    read_chunk();
    drop_before(n_made_);
  }
  source_.rewind();
  restart();
}

void MelStream::read_until(std::size_t n_frames) {
  while (!at_end_ && n_made_ < n_frames) {
    read_chunk();
  }
}

/// Reads 30 s (less at the end) and makes the frames they complete.
void MelStream::read_chunk() {
  const std::size_t before = samples_.size();
  samples_.resize(before + kWindowSamples);
  std::size_t n = 0;
  while (n < kWindowSamples && !at_end_) {
    const std::size_t got = source_.read(std::span(samples_).subspan(before + n, kWindowSamples - n));
    n += got;
    at_end_ = got == 0;
  }
  samples_.resize(before + n);
  if (at_end_) {
    samples_.resize(samples_.size() + kNFft + kTailFrames * kHopSamples, 0.0F);
  }
  if (n_samples_ == 0) {
    const auto first = samples_.begin() + kHalfFrame;
    std::reverse_copy(first + 1, first + 1 + kHalfFrame, samples_.begin());
  }
  n_samples_ += n;
  append_frames();
}

void MelStream::append_frames() {
  std::size_t n = samples_.size() < kNFft ? 0 : (samples_.size() - kNFft) / kHopSamples + 1;
  if (at_end_) {
    n = std::min(n, n_samples_ / kHopSamples + kTailFrames - n_made_);
  }
  const auto before = static_cast<std::ptrdiff_t>(rows_.size());
  frames_.append(samples_, n, rows_);
  max_ = std::accumulate(rows_.begin() + before, rows_.end(), max_,
                         [](float a, float b) { return std::max(a, b); });
  n_made_ += n;
  samples_.erase(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(n * kHopSamples));
}

/// Forgets the rows of earlier frames; lazily, so that a long buffer is not moved for every window.
void MelStream::drop_before(std::size_t frame) {
  const std::size_t n_dead = std::min(frame, n_made_) - first_frame_;
  const std::size_t n_live = n_made_ - first_frame_ - n_dead;
  if (n_dead > n_live) {
    rows_.erase(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(n_dead * width()));
    first_frame_ += n_dead;
  }
}

std::optional<MelWindow> MelStream::window(std::size_t seek_frames) {
  if (seek_frames < earliest_seek_) {
    throw Error(ErrorCode::invalid_argument, "MelStream::window",
                fmt::format("expected a frame of {} or later, found {}: windows only move forward.",
                            earliest_seek_, seek_frames));
  }
  earliest_seek_ = seek_frames;
  while (!at_end_ && n_made_ < seek_frames + kWindowFrames) {
    drop_before(seek_frames);
    read_chunk();
  }
  drop_before(seek_frames);
  if (seek_frames >= content_frames()) {
    return std::nullopt;
  }
  const std::size_t n_frames = std::min<std::size_t>(kWindowFrames, content_frames() - seek_frames);
  return MelWindow{cut(seek_frames, n_frames, 0.0F), n_frames};
}

std::optional<LogMel> MelStream::window_for_language(std::size_t first_frame) {
  read_until(first_frame + kWindowFrames);
  if (first_frame_ > 0) {
    throw Error(ErrorCode::internal, "MelStream",
                "the first window was dropped before its language was asked for.");
  }
  if (first_frame > 0 && first_frame >= content_frames()) {
    return std::nullopt;
  }
  const std::size_t n_frames = std::min<std::size_t>(kWindowFrames, n_made_ - first_frame);
  return cut(first_frame, n_frames, normalise_log_mel(kSilence, floor()));
}

/// [n_mels, 3000]: n_frames normalised frames, then `fill`.
LogMel MelStream::cut(std::size_t first, std::size_t n_frames, float fill) const {
  LogMel mel{n_mels(), kWindowFrames, std::vector<float>(width() * kWindowFrames, fill)};
  const float* const rows = rows_.data() + (first - first_frame_) * width();
  for (std::size_t m = 0; m < width(); ++m) {
    for (std::size_t t = 0; t < n_frames; ++t) {
      mel.values[m * kWindowFrames + t] = normalise_log_mel(rows[t * width() + m], floor());
    }
  }
  return mel;
}

std::size_t MelStream::content_frames() const {
  return at_end_ ? n_samples_ / kHopSamples : n_made_;
}

std::optional<double> MelStream::duration_s() const {
  return at_end_ ? static_cast<double>(n_samples_) / kSampleRateHz : source_.duration_s();
}

std::size_t MelStream::buffered_bytes() const {
  return (samples_.capacity() + rows_.capacity()) * sizeof(float);
}

}  // namespace sotto::audio
