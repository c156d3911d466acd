#include "audio/media_file.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "core/log.h"
#include "sotto/error.h"

namespace sotto::audio {
namespace {

/// Formats whose header (or index) states the exact length of each stream, and by how much a whole file may
/// still miss it: codec delay and edit lists in mov, nothing but rounding in the others. Elsewhere FFmpeg
/// estimates the length or (wav) corrects it to the size of the file.
std::optional<double> length_tolerance_s(std::string_view format_name) {
  if (format_name == "flac" || format_name == "aiff" || format_name == "au") {
    return 0.005;
  }
  return format_name.starts_with("mov,") ? std::optional(0.5) : std::nullopt;
}

std::string describe_streams(const AVFormatContext& format) {
  std::string found;
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    const AVCodecParameters& codec = *format.streams[i]->codecpar;
    const char* type = av_get_media_type_string(codec.codec_type);
    found += fmt::format("{}{} ({})", i == 0 ? "" : ", ", type ? type : "unknown",
                         avcodec_get_name(codec.codec_id));
  }
  return found.empty() ? fmt::format("{} without streams", format.iformat->name) : found;
}

}  // namespace

MediaFile::MediaFile(const std::filesystem::path& path)
    : name_(path.string()), input_(path), packet_(av_packet_alloc()), frame_(av_frame_alloc()) {
  choose_stream();
  open_decoder();
}

void MediaFile::choose_stream() {
  const AVFormatContext& format = *input_.format();
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    AVStream* stream = format.streams[i];
    if (stream_ == nullptr && stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) {
      stream_ = stream;
    } else {
      stream->discard = AVDISCARD_ALL;
    }
  }
  if (stream_ == nullptr) {
    throw Error(ErrorCode::bad_format, name_,
                fmt::format("expected an audio stream, found only {}.", describe_streams(format)));
  }
}

void MediaFile::open_decoder() {
  const AVCodecParameters& parameters = *stream_->codecpar;
  const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
  if (codec == nullptr) {
    throw Error(
        ErrorCode::unsupported, name_,
        fmt::format("this FFmpeg has no decoder for {} audio.", avcodec_get_name(parameters.codec_id)));
  }
  decoder_.reset(avcodec_alloc_context3(codec));
  avcodec_parameters_to_context(decoder_.get(), &parameters);
  decoder_->pkt_timebase = stream_->time_base;  // lets the decoder drop encoder delay
  decoder_->thread_count = 1;                   // audio gains nothing from threads
  if (const int code = avcodec_open2(decoder_.get(), codec, nullptr); code < 0) {
    throw Error(ErrorCode::bad_format, name_,
                fmt::format("its {} audio cannot be decoded: {}.", codec->name, ffmpeg_error(code)));
  }
}

AVFrame* MediaFile::next_frame() {
  while (true) {
    const int code = avcodec_receive_frame(decoder_.get(), frame_.get());
    if (code >= 0) {
      advance_position();
      return frame_.get();
    }
    if (code == AVERROR_EOF) {
      require_whole_stream();
      return nullptr;
    }
    if (code != AVERROR(EAGAIN)) {
      warn_once(code);
      continue;
    }
    feed_decoder();
  }
}

/// Hands the decoder the next packet of the stream, or the end of it.
void MediaFile::feed_decoder() {
  int code = 0;
  do {
    av_packet_unref(packet_.get());
    code = av_read_frame(input_.format(), packet_.get());
  } while (code >= 0 && packet_->stream_index != stream_->index);
  if (code < 0) {
    if (code != AVERROR_EOF) {
      broken_off_ = ffmpeg_error(code);
    }
    avcodec_send_packet(decoder_.get(), nullptr);
    return;
  }
  if (const int refused = avcodec_send_packet(decoder_.get(), packet_.get()); refused < 0) {
    warn_once(refused);
  }
}

void MediaFile::advance_position() {
  const double length_s = static_cast<double>(frame_->nb_samples) / std::max(frame_->sample_rate, 1);
  if (frame_->best_effort_timestamp != AV_NOPTS_VALUE) {
    const std::int64_t start = stream_->start_time == AV_NOPTS_VALUE ? 0 : stream_->start_time;
    position_s_ = static_cast<double>(frame_->best_effort_timestamp - start) * av_q2d(stream_->time_base);
  }
  position_s_ += length_s;
}

void MediaFile::warn_once(int code) {
  if (!warned_) {
    warned_ = true;
    log(LogLevel::warning,
        fmt::format("{}: damaged audio skipped after {:.2f} s: {}.", name_, position_s_, ffmpeg_error(code)));
  }
}

void MediaFile::require_whole_stream() const {
  if (!broken_off_.empty()) {
    throw Error(ErrorCode::bad_format, name_,
                fmt::format("breaks off at {:.2f} s: {}.", position_s_, broken_off_));
  }
  const AVFormatContext& format = *input_.format();
  const auto tolerance_s = length_tolerance_s(format.iformat->name);
  const auto length_s = duration_s();
  if (!tolerance_s || !length_s || format.duration_estimation_method != AVFMT_DURATION_FROM_STREAM) {
    return;
  }
  if (position_s_ + *tolerance_s < *length_s) {
    throw Error(ErrorCode::bad_format, name_,
                fmt::format("ends early at {:.2f} s, its header says {:.2f} s: the file is cut.", position_s_,
                            *length_s));
  }
}

std::optional<double> MediaFile::duration_s() const {
  if (stream_->duration != AV_NOPTS_VALUE) {
    return static_cast<double>(stream_->duration) * av_q2d(stream_->time_base);
  }
  const std::int64_t whole = input_.format()->duration;
  return whole == AV_NOPTS_VALUE ? std::nullopt : std::optional(static_cast<double>(whole) / AV_TIME_BASE);
}

std::optional<int> MediaFile::sample_rate_hz() const {
  const int rate = stream_->codecpar->sample_rate;
  return rate > 0 ? std::optional(rate) : std::nullopt;
}

}  // namespace sotto::audio
