#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "audio/ffmpeg.h"
#include "sotto/audio.h"
#include "sotto/error.h"

namespace sotto::audio {
namespace {

constexpr std::int64_t kBitsPerSecond = 24000;

void append_little_endian(std::string& bytes, std::uint32_t value, int n) {
  for (int i = 0; i < n; ++i) {
    bytes += static_cast<char>(value >> (8 * i) & 0xffU);
  }
}

/// 16-bit PCM behind the 44 bytes of a RIFF header.
std::string wav(std::span<const float> samples) {
  constexpr std::uint32_t kRate = kSampleRateHz;
  const auto n_bytes = static_cast<std::uint32_t>(2 * samples.size());
  std::string bytes = "RIFF";
  append_little_endian(bytes, 36 + n_bytes, 4);
  bytes += "WAVEfmt ";
  append_little_endian(bytes, 16, 4);
  append_little_endian(bytes, 1, 2);  // PCM
  append_little_endian(bytes, 1, 2);  // channel
  append_little_endian(bytes, kRate, 4);
  append_little_endian(bytes, 2 * kRate, 4);
  append_little_endian(bytes, 2, 2);
  append_little_endian(bytes, 16, 2);
  bytes += "data";
  append_little_endian(bytes, n_bytes, 4);
  for (const float sample : samples) {
    const long value = std::lround(std::clamp(sample, -1.0F, 1.0F) * 32767.0F);
    append_little_endian(bytes, static_cast<std::uint32_t>(value), 2);
  }
  return bytes;
}

CodecPtr open_mp3() {
  const AVCodec* codec = avcodec_find_encoder_by_name("libmp3lame");
  if (codec == nullptr) {
    return nullptr;
  }
  CodecPtr encoder(avcodec_alloc_context3(codec));
  encoder->sample_fmt = AV_SAMPLE_FMT_FLTP;
  encoder->sample_rate = kSampleRateHz;
  encoder->bit_rate = kBitsPerSecond;
  encoder->time_base = {1, kSampleRateHz};
  av_channel_layout_default(&encoder->ch_layout, 1);
  return avcodec_open2(encoder.get(), codec, nullptr) < 0 ? nullptr : std::move(encoder);
}

/// Packets of an MPEG audio stream may stand one behind the other as they are.
bool append_packets(AVCodecContext& encoder, AVPacket& packet, std::string& bytes) {
  int code = 0;
  while ((code = avcodec_receive_packet(&encoder, &packet)) >= 0) {
    bytes.append(reinterpret_cast<const char*>(packet.data), static_cast<std::size_t>(packet.size));
    av_packet_unref(&packet);
  }
  return code == AVERROR(EAGAIN) || code == AVERROR_EOF;
}

/// Empty where this FFmpeg cannot.
std::string mp3(std::span<const float> samples) {
  const QuietFfmpeg quiet;
  const CodecPtr encoder = open_mp3();
  const FramePtr frame(av_frame_alloc());
  const PacketPtr packet(av_packet_alloc());
  if (!encoder || !frame || !packet) {
    return {};
  }
  std::string bytes;
  const auto frame_samples = static_cast<std::size_t>(encoder->frame_size);
  for (std::size_t at = 0; at < samples.size(); at += frame_samples) {
    const auto part = samples.subspan(at, std::min(frame_samples, samples.size() - at));
    av_frame_unref(frame.get());
    frame->format = encoder->sample_fmt;
    frame->nb_samples = static_cast<int>(part.size());
    frame->sample_rate = kSampleRateHz;
    frame->pts = static_cast<std::int64_t>(at);
    if (av_channel_layout_copy(&frame->ch_layout, &encoder->ch_layout) < 0 ||
        av_frame_get_buffer(frame.get(), 0) < 0) {
      return {};
    }
    std::copy(part.begin(), part.end(), reinterpret_cast<float*>(frame->data[0]));
    if (avcodec_send_frame(encoder.get(), frame.get()) < 0 || !append_packets(*encoder, *packet, bytes)) {
      return {};
    }
  }
  const bool ended =
      avcodec_send_frame(encoder.get(), nullptr) >= 0 && append_packets(*encoder, *packet, bytes);
  return ended ? bytes : std::string();
}

}  // namespace

EncodedAudio encode_small(std::span<const float> samples) {
  constexpr std::size_t kMostSamples = std::numeric_limits<std::uint32_t>::max() / 4;
  if (samples.size() > kMostSamples) {
    throw Error(ErrorCode::invalid_argument, "encode_small", "found more samples than a WAV file holds.");
  }
  std::string bytes = mp3(samples);
  if (!bytes.empty()) {
    return {.bytes = std::move(bytes), .media_type = "audio/mpeg"};
  }
  return {.bytes = wav(samples), .media_type = "audio/wav"};
}

}  // namespace sotto::audio
