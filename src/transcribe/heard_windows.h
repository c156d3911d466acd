#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include "audio/mel_stream.h"
#include "sotto/transcribe.h"
#include "transcribe/clips.h"

namespace sotto::transcribe {

/// The window that begins at a mel frame, nullopt behind the end; never asked to go back (audio::MelStream).
using MelReader = std::function<std::optional<audio::MelWindow>(std::size_t seek_frames)>;

/// The next window of a clip in which there is something to hear, from `seek` on, which moves to where it
/// begins; cut off at the clip's end and, with vad_filter, behind the last speech. nullopt behind the end.
std::optional<audio::MelWindow> next_window(const MelReader& read_mel,
                                            const Clip& clip,
                                            const TranscribeOptions& options,
                                            std::size_t& seek);

}  // namespace sotto::transcribe
