#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "sotto/log.h"
#include "transcribe/batch_recording.h"
#include "transcribe/decoding_task.h"
#include "transcribe/inference.h"

namespace sotto::transcribe {

/// Decodes batch_size windows at a time, of one recording or of several that follow each other.
///
/// Windows do not depend on each other, so they are not shown the text before them; all else is as in a
/// WindowLoop: the first temperature is decoded for all together (beam search and sampling one by one), each
/// result passes the same gates, and those that fail are tried again one by one.
class BatchLoop {
 public:
  /// The parts are used while recordings are heard and must outlive it. `on_window` is called after what was
  /// heard in each window is told, before the next one's is.
  BatchLoop(BatchInference& inference,
            const DecodingTask& task,
            const Vocabulary& vocabulary,
            const TranscribeOptions& options,
            const Progress& progress,
            std::function<void()> on_window = {});

  /// Reads a recording to its end. Windows that do not fill a batch wait for those of the next recording, or
  /// for flush(): until it is_done() the recording must stay. Throws Error(cancelled) on a requested stop.
  void hear(BatchRecording& recording);
  /// Decodes the windows that wait.
  void flush();
  /// Forgets the windows that wait, after an error.
  void forget();

 private:
  struct Waiting {
    BatchRecording* recording;
    WindowSpan span;
    std::size_t clip = 0;
  };
  void report(const Waiting& window, std::size_t done_frames) const;
  void decode();
  void hear_languages();
  std::vector<std::optional<DecodingResult>> decode_first(const std::vector<DecodingTask::Run>& runs);

  BatchInference& inference_;
  const DecodingTask& task_;
  const Vocabulary& vocabulary_;
  const TranscribeOptions& options_;
  const Progress& progress_;
  std::function<void()> on_window_;
  std::vector<TokenId> initial_prompt_;
  std::vector<Waiting> windows_;
};

/// Windows decoded together at most: batch_size, which is no longer 0 here (automatic_batch.h).
std::size_t batch_size_of(const TranscribeOptions& options);

}  // namespace sotto::transcribe
