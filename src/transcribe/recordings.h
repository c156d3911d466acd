#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "sotto/error.h"
#include "transcribe/batch_loop.h"
#include "transcribe/hearing.h"
#include "transcribe/read_ahead.h"

namespace sotto::transcribe {

/// Hears one recording after the other in common batches: what is left of one when it ends is decoded with
/// what the next one begins with. At most batch_size + 2 are open at once, the last of them being read ahead.
class BatchedRecordings {
 public:
  /// All must outlive it.
  BatchedRecordings(CompiledWhisper& whisper,
                    const DecodingTask& task,
                    const TranscribeOptions& options,
                    const Progress& progress);

  /// Reads a recording to its end while the `following` one, if there is one, is read ahead; it may end with
  /// one of the next calls only.
  void hear(std::unique_ptr<ReadAhead> recording, ReadAhead* following);
  /// Ends those that have not ended.
  void flush();

 private:
  /// A recording that was opened, or failed to be, and waits for its turn or its last windows.
  struct Open {
    std::unique_ptr<ReadAhead> ahead;
    OpenRecording opened{};
    std::unique_ptr<Hearing> hearing{};
    std::optional<BatchRecording> windows{};
    std::optional<Error> error{};
    bool is_read = false;

    const Recording& recording() const { return ahead->recording(); }
    bool is_done() const { return is_read && (!windows || windows->is_done()); }
  };
  void open(Open& opened, ReadAhead* following);
  void decode(const std::function<void()>& hear);
  void begin_first();
  void end_done();
  static void end(Open& first);
  void fail_all(const Error& error);

  CompiledWhisper& whisper_;
  const TranscribeOptions& options_;
  BatchLoop loop_;
  bool in_callback_ = false;  // what is thrown then is the caller's
  std::deque<Open> open_;     // in the order they came; references into it last
};

}  // namespace sotto::transcribe
