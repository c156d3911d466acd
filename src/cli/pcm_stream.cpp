#include "cli/pcm_stream.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "sotto/audio.h"
#include "sotto/error.h"

namespace sotto::cli {
namespace {

constexpr std::size_t kMostSamples = 30UL * audio::kSampleRateHz;
constexpr std::size_t kBlockBytes = 4096;
constexpr int kPollMs = 50;

std::size_t bytes_of(SampleFormat format) {
  return format == SampleFormat::s16le ? sizeof(std::int16_t) : sizeof(float);
}

/// One little-endian sample.
float sample_of(const char* bytes, SampleFormat format) {
  const auto byte = [bytes](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]));
  };
  if (format == SampleFormat::s16le) {
    constexpr float kFullScale = 32768.0F;
    return static_cast<float>(static_cast<std::int16_t>(byte(0) | byte(1) << 8U)) / kFullScale;
  }
  return std::bit_cast<float>(byte(0) | byte(1) << 8U | byte(2) << 16U | byte(3) << 24U);
}

/// How files with a header begin that somebody may pipe in by mistake.
bool is_container(std::string_view bytes) {
  constexpr std::array<std::string_view, 4> kMagic = {"RIFF", "fLaC", "OggS", "ID3"};
  return std::ranges::any_of(kMagic, [&](std::string_view magic) { return bytes.starts_with(magic); });
}

}  // namespace

PcmStream::PcmStream(int file, SampleFormat format, std::string name, std::stop_token stop)
    : file_(file), format_(format), name_(std::move(name)), stop_(std::move(stop)) {
  thread_ = std::thread([this] {
    try {
      read_all();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    at_end_ = true;
    changed_.notify_all();
  });
}

PcmStream::~PcmStream() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void PcmStream::read_all() {
  std::vector<char> bytes;  // of samples that are not whole yet
  bool is_first = true;
  while (!stop_.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::milliseconds(kPollMs),
                        [this] { return is_closing_ || samples_.size() < kMostSamples; });
      if (is_closing_) {
        return;
      }
      if (samples_.size() >= kMostSamples) {
        continue;
      }
    }
    pollfd readable{.fd = file_, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, kPollMs) == 0) {
      continue;
    }
    std::array<char, kBlockBytes> block{};
    const ssize_t n = ::read(file_, block.data(), block.size());
    if (n == 0) {
      return;
    }
    if (n < 0 && errno != EINTR && errno != EAGAIN) {
      throw Error(ErrorCode::io, name_,
                  fmt::format("reading failed: {}.", std::generic_category().message(errno)));
    }
    if (n > 0) {
      if (std::exchange(is_first, false) && is_container({block.data(), static_cast<std::size_t>(n)})) {
        throw Error(
            ErrorCode::bad_format, name_,
            "expected raw samples (16 kHz mono), found a file with a header; sotto transcribe - hears it.");
      }
      bytes.insert(bytes.end(), block.begin(), block.begin() + n);
      append(bytes);
      bytes.erase(bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(bytes.size() % bytes_of(format_)));
    }
  }
}

void PcmStream::append(const std::vector<char>& bytes) {
  const std::size_t size = bytes_of(format_);
  const std::lock_guard lock(mutex_);
  for (std::size_t at = 0; at + size <= bytes.size(); at += size) {
    const float sample = sample_of(bytes.data() + at, format_);
    if (!std::isfinite(sample)) {
      throw Error(ErrorCode::bad_format, name_, "expected finite samples; are they f32le at all?");
    }
    samples_.push_back(std::clamp(sample, -1.0F, 1.0F));
  }
  changed_.notify_all();
}

std::vector<float> PcmStream::take(std::size_t n) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return at_end_ || samples_.size() >= n; });
  const auto end = samples_.begin() + static_cast<std::ptrdiff_t>(std::min(n, samples_.size()));
  std::vector<float> taken(samples_.begin(), end);
  samples_.erase(samples_.begin(), end);
  changed_.notify_all();
  if (taken.empty() && error_) {
    std::rethrow_exception(error_);
  }
  return taken;
}

bool PcmStream::has(std::size_t n) const {
  const std::lock_guard lock(mutex_);
  return samples_.size() >= n;
}

}  // namespace sotto::cli
