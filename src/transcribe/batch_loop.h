#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <vector>

#include "transcribe/window_loop.h"

namespace sotto::transcribe {

/// Cuts a spectrogram into windows of up to 30 s at pauses and decodes batch_size of them at a time.
///
/// Windows do not depend on each other, so they are not shown the text before them; all else is as in a
/// WindowLoop: the first temperature is decoded for all together (beam search and sampling one by one), each
/// result passes the same gates, and those that fail are tried again one by one.
class BatchLoop {
 public:
  /// The parts are used while run() runs and must outlive it.
  BatchLoop(BatchInference& inference,
            const DecodingTask& task,
            const Vocabulary& vocabulary,
            const model::ModelDimensions& dims,
            const TranscribeOptions& options,
            WindowLoop::Setting setting);

  /// As WindowLoop::run.
  Transcription run(const MelReader& read_mel,
                    const Listeners& listeners,
                    const Progress& progress,
                    std::optional<double> total_s);

 private:
  struct Batch {
    std::vector<audio::LogMel> mels;
    std::vector<WindowSpan> spans;
    std::size_t clip = 0;  // of the last window
  };
  void go_on(const Unfinished& unfinished);
  void transcribe(Batch& batch, const Listeners& listeners, const std::stop_token& stop);
  void hear_languages(std::vector<WindowSpan>& spans);
  std::vector<std::optional<DecodingResult>> decode_first(const std::vector<DecodingTask::Run>& runs);
  void keep(DecodingResult result, const WindowSpan& span, const Listeners& listeners);

  BatchInference& inference_;
  const DecodingTask& task_;
  const Vocabulary& vocabulary_;
  const TranscribeOptions& options_;
  std::string language_;  // of the window before; empty until one is heard
  WordTimestamps* words_;
  std::size_t frames_per_timestamp_;
  std::vector<TokenId> initial_prompt_;
  Transcript heard_;
  Checkpoint start_;
};

/// What runs of a fixed number of windows there are: batch_size, 8 where it is 0.
std::size_t batch_size_of(const TranscribeOptions& options);

}  // namespace sotto::transcribe
