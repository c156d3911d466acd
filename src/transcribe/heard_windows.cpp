#include "transcribe/heard_windows.h"

#include "transcribe/speech_spans.h"

namespace sotto::transcribe {

std::optional<audio::MelWindow> next_window(const MelReader& read_mel,
                                            const Clip& clip,
                                            const TranscribeOptions& options,
                                            std::size_t& seek) {
  while (seek < clip.end_frame) {
    std::optional<audio::MelWindow> window = read_mel(seek);
    if (!window) {
      break;
    }
    cut(*window, clip.end_frame - seek);
    if (!options.vad_filter) {
      return window;
    }
    const HeardPart part = heard_part(*window, options);
    if (part.skip_frames == 0) {
      cut(*window, part.n_frames);
      return window;
    }
    seek += part.skip_frames;
  }
  return std::nullopt;
}

}  // namespace sotto::transcribe
