#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "sotto/error.h"
#include "transcribe/batch_loop.h"
#include "transcribe/hearing.h"

namespace sotto::transcribe {

/// Hears one recording after the other in common batches: what is left of one when it ends is decoded with
/// what the next one begins with. At most batch_size + 1 are open at once.
class BatchedRecordings {
 public:
  /// All must outlive it.
  BatchedRecordings(CompiledWhisper& whisper,
                    const DecodingTask& task,
                    const TranscribeOptions& options,
                    const Progress& progress);

  /// Reads a recording to its end; it may end with one of the next calls only.
  void hear(Recording recording);
  /// Ends those that have not ended.
  void flush();

 private:
  /// A recording that was opened, or failed to be, and waits for its turn or its last windows.
  struct Open {
    Recording recording;
    Recording::Audio audio{};
    std::unique_ptr<Hearing> hearing{};
    std::optional<BatchRecording> windows{};
    std::optional<Error> error{};
    bool is_read = false;

    bool is_done() const { return is_read && (!windows || windows->is_done()); }
  };
  void open(Open& opened);
  void decode(const std::function<void()>& hear);
  void begin_first();
  void end_done();
  static void end(Open& opened);
  void fail_all(const Error& error);

  CompiledWhisper& whisper_;
  const TranscribeOptions& options_;
  BatchLoop loop_;
  bool in_callback_ = false;  // what is thrown then is the caller's
  std::deque<Open> open_;     // in the order they came; references into it last
};

}  // namespace sotto::transcribe
