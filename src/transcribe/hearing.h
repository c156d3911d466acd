#pragma once

#include <optional>
#include <string>

#include "transcribe/heard_windows.h"
#include "transcribe/language.h"
#include "transcribe/read_ahead.h"
#include "transcribe/session.h"
#include "transcribe/vocabulary.h"
#include "transcribe/window_loop.h"
#include "transcribe/word_timestamps.h"

namespace sotto::transcribe {

/// Why a model cannot translate; empty if it can.
std::string reason_against_translation(const model::WhisperModel& model);

/// A Whisper that is ready to hear.
struct CompiledWhisper {
  CompiledWhisper(const model::WhisperModel& model, const SessionOptions& options);

  model::ModelDimensions dims;
  Vocabulary vocabulary;
  std::string reason_against_translation;  ///< why it cannot translate; empty: it can
  Session session;
};

/// A recording with what a loop over its windows asks for, and what a loop does not know of it.
class Hearing {
 public:
  /// Hears the language, unless it is known. All must outlive it.
  Hearing(CompiledWhisper& whisper,
          Spectrogram& spectrogram,
          const TranscribeOptions& options,
          const Listeners& listeners,
          const Unfinished* unfinished);
  Hearing(const Hearing&) = delete;
  Hearing& operator=(const Hearing&) = delete;

  WindowLoop::Setting setting();
  MelReader reader() {
    return [this](std::size_t seek_frames) { return spectrogram_.mel.window(seek_frames); };
  }
  /// Those given, with the language's probability told too.
  const Listeners& listeners() const { return listeners_; }
  std::optional<double> duration_s() const { return spectrogram_.mel.duration_s(); }

  /// Adds what a loop does not know. Throws the error that the audio broke off with, if it did.
  Transcription finish(Transcription heard) const;

 private:
  HeardLanguage language();

  CompiledWhisper& whisper_;
  const TranscribeOptions& options_;
  const Unfinished* unfinished_;
  std::size_t n_encoder_runs_;  ///< before it
  std::size_t n_decoder_runs_;
  Spectrogram& spectrogram_;
  HeardLanguage language_;
  WordTimestamps words_;
  Listeners listeners_;
};

}  // namespace sotto::transcribe
