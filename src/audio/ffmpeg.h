#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>
}

#include <memory>
#include <string>

namespace sotto::audio {

struct FreeCodec {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
struct FreeResampler {
  void operator()(SwrContext* context) const { swr_free(&context); }
};
using CodecPtr = std::unique_ptr<AVCodecContext, FreeCodec>;
using FramePtr = std::unique_ptr<AVFrame, FreeFrame>;
using PacketPtr = std::unique_ptr<AVPacket, FreePacket>;
using ResamplerPtr = std::unique_ptr<SwrContext, FreeResampler>;

/// While one lives, what FFmpeg logs on this thread is not printed but kept for error messages. Other
/// threads and other users of FFmpeg in the process log as before (FFmpeg has one callback a process; ours
/// passes their lines on to FFmpeg's default one).
class QuietFfmpeg {
 public:
  QuietFfmpeg();
  ~QuietFfmpeg();
  QuietFfmpeg(const QuietFfmpeg&) = delete;
  QuietFfmpeg& operator=(const QuietFfmpeg&) = delete;
};

/// FFmpeg's words for a negative return value, with what it last logged as an error on this thread, on one
/// line: "Invalid data found when processing input (moov atom not found)".
std::string ffmpeg_error(int code);

}  // namespace sotto::audio
