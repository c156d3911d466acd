#include "audio/resampler.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "sotto/audio.h"
#include "sotto/error.h"

namespace sotto::audio {
namespace {

// Beyond these a header is damaged, and a frame would become an absurd number of samples.
constexpr int kLowestRateHz = 1000;
constexpr int kHighestRateHz = 10'000'000;

/// Index of the first value that is not finite, or n.
template <typename Sample>
int first_not_finite(const std::uint8_t* plane, int n) {
  const auto* samples = reinterpret_cast<const Sample*>(plane);
  return static_cast<int>(std::find_if(samples, samples + n, [](Sample x) { return !std::isfinite(x); }) -
                          samples);
}

/// Index of the first sample that is not finite in any channel, or nb_samples.
int first_not_finite(const AVFrame& frame) {
  const auto format = static_cast<AVSampleFormat>(frame.format);
  const AVSampleFormat packed = av_get_packed_sample_fmt(format);
  if (packed != AV_SAMPLE_FMT_FLT && packed != AV_SAMPLE_FMT_DBL) {
    return frame.nb_samples;
  }
  const bool planar = av_sample_fmt_is_planar(format) != 0;
  const int channels = frame.ch_layout.nb_channels;
  const int interleaved = planar ? 1 : channels;
  int first = frame.nb_samples;
  for (int plane = 0; plane < (planar ? channels : 1); ++plane) {
    const std::uint8_t* data = frame.extended_data[plane];
    const int n = frame.nb_samples * interleaved;
    const int index =
        packed == AV_SAMPLE_FMT_FLT ? first_not_finite<float>(data, n) : first_not_finite<double>(data, n);
    first = std::min(first, index / interleaved);
  }
  return first;
}

/// The frame's channel layout, guessed from the number of channels where the file does not say (as FFmpeg's
/// own tools do).
AVChannelLayout known_layout(const AVFrame& frame) {
  AVChannelLayout layout{};
  if (frame.ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
    av_channel_layout_default(&layout, frame.ch_layout.nb_channels);
  } else {
    av_channel_layout_copy(&layout, &frame.ch_layout);
  }
  return layout;
}

/// An initialised converter to 16 kHz mono, or null where there is none.
ResamplerPtr mixer_to_mono(const AVFrame& frame) {
  if (frame.sample_rate < kLowestRateHz || frame.sample_rate > kHighestRateHz) {
    return nullptr;
  }
  AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
  AVChannelLayout from = known_layout(frame);
  const auto format = static_cast<AVSampleFormat>(frame.format);
  SwrContext* allocated = nullptr;
  int code = swr_alloc_set_opts2(&allocated, &mono, AV_SAMPLE_FMT_S16, kSampleRateHz, &from, format,
                                 frame.sample_rate, 0, nullptr);
  ResamplerPtr context(allocated);
  if (code >= 0 &&
      from.order == AV_CHANNEL_ORDER_UNSPEC) {  // more channels than any usual layout: their mean
    const std::vector<double> mean(static_cast<std::size_t>(from.nb_channels), 1.0 / from.nb_channels);
    code = swr_set_matrix(context.get(), mean.data(), from.nb_channels);
  }
  av_channel_layout_uninit(&from);
  return code >= 0 && swr_init(context.get()) >= 0 ? std::move(context) : nullptr;
}

}  // namespace

Resampler::~Resampler() {
  av_channel_layout_uninit(&layout_);
}

void Resampler::append(const AVFrame& frame, const std::string& name, std::vector<float>& out) {
  if (const int bad = first_not_finite(frame); bad < frame.nb_samples) {
    const double at_s = position_s_ + static_cast<double>(bad) / frame.sample_rate;
    throw Error(ErrorCode::bad_format, name,
                fmt::format("expected finite samples, found NaN or infinity at {:.3f} s.", at_s));
  }
  if (!fits(frame)) {
    flush(out);
    configure(frame, name);
  }
  convert(&frame, out);
  position_s_ += static_cast<double>(frame.nb_samples) / frame.sample_rate;
}

void Resampler::flush(std::vector<float>& out) {
  if (context_ != nullptr) {
    convert(nullptr, out);
  }
  context_.reset();
}

bool Resampler::fits(const AVFrame& frame) const {
  return context_ != nullptr && frame.format == format_ && frame.sample_rate == rate_hz_ &&
         av_channel_layout_compare(&frame.ch_layout, &layout_) == 0;
}

void Resampler::configure(const AVFrame& frame, const std::string& name) {
  context_ = mixer_to_mono(frame);
  if (context_ == nullptr) {
    throw Error(ErrorCode::unsupported, name,
                fmt::format("its {} channels at {} Hz cannot be turned into 16 kHz mono.",
                            frame.ch_layout.nb_channels, frame.sample_rate));
  }
  format_ = frame.format;
  rate_hz_ = frame.sample_rate;
  av_channel_layout_uninit(&layout_);
  av_channel_layout_copy(&layout_, &frame.ch_layout);
}

/// Converts one frame, or with nullptr what the resampler still holds.
void Resampler::convert(const AVFrame* frame, std::vector<float>& out) {
  const int n_in = frame == nullptr ? 0 : frame->nb_samples;
  converted_.resize(static_cast<std::size_t>(std::max(swr_get_out_samples(context_.get(), n_in), 0)));
  auto* to = reinterpret_cast<std::uint8_t*>(converted_.data());
  const auto** from = frame == nullptr ? nullptr : const_cast<const std::uint8_t**>(frame->extended_data);
  const int n = swr_convert(context_.get(), &to, static_cast<int>(converted_.size()), from, n_in);
  for (int i = 0; i < n; ++i) {
    out.push_back(static_cast<float>(converted_[static_cast<std::size_t>(i)]) / 32768.0F);
  }
}

}  // namespace sotto::audio
