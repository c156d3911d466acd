#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sotto/log.h"
#include "sotto/transcribe.h"
#include "transcribe/decoding_task.h"
#include "transcribe/heard_windows.h"
#include "transcribe/inference.h"
#include "transcribe/segments.h"
#include "transcribe/transcript.h"
#include "transcribe/vocabulary.h"
#include "transcribe/word_timestamps.h"

namespace sotto::transcribe {

/// Moves a 30 s window over a spectrogram, from timestamp to timestamp, and gathers the segments.
///
/// What is held does not grow with the audio but for the segments and their tokens.
/// Source: openai/whisper 20250625, transcribe.py, transcribe().
class WindowLoop {
 public:
  struct Setting {
    std::string language{};           ///< code of what is spoken first; empty: heard, with multilingual only
    WordTimestamps* words = nullptr;  ///< null if no word times are asked for
    const Unfinished* unfinished = nullptr;  ///< null: from the beginning
  };
  /// The parts are used while run() runs and must outlive it.
  WindowLoop(Inference& inference,
             const DecodingTask& task,
             const Vocabulary& vocabulary,
             const model::ModelDimensions& dims,
             const TranscribeOptions& options,
             Setting setting);

  /// Segments and text of the whole spectrogram; on_segment hears each segment when its window is done.
  /// `total_s` is the length for the progress report, if it is known.
  Transcription run(const MelReader& read_mel,
                    const Listeners& listeners,
                    const Progress& progress,
                    std::optional<double> total_s);

 private:
  /// Decodes the window and returns how many frames to go on.
  std::size_t transcribe_window(const audio::LogMel& mel,
                                WindowSpan window,
                                const Listeners& listeners,
                                const std::stop_token& stop);
  void hear_language();
  void go_on(const Unfinished& unfinished);
  DecodingResult decode(const WindowSpan& window, const std::stop_token& stop);
  std::vector<TokenId> prompt() const;

  Inference& inference_;
  const DecodingTask& task_;
  const Vocabulary& vocabulary_;
  const TranscribeOptions& options_;
  std::string language_;  // empty until one is heard
  WordTimestamps* words_;
  std::size_t n_text_ctx_;
  std::size_t frames_per_timestamp_;
  std::vector<TokenId> initial_prompt_;
  Transcript heard_;                    // behind initial_prompt_
  std::size_t prompt_reset_since_ = 0;  // tokens before it are not shown to the model again
  Checkpoint start_;
};

}  // namespace sotto::transcribe
