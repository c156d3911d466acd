#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "evaluate/accuracy.h"
#include "sotto/data_set.h"
#include "sotto/evaluate.h"
#include "sotto/model.h"
#include "sotto/transcribe.h"

namespace sotto {

/// Speech that models hear one after the other, their words counted against what was said or, where nothing
/// says that, against what the FP model heard.
class HearingTest {
 public:
  /// Holds all of `speech` and lets the FP model hear it. Recordings without words are left out where others
  /// have some. Throws Error(not_found) for no utterance with words.
  HearingTest(const model::WhisperModel& fp,
              evaluate::SpeechStream& speech,
              const transcribe::TranscribeOptions& transcribe,
              const transcribe::SessionOptions& session,
              const Progress& progress);

  /// Utterances and totals of a model, and its drop against the FP one. `name`: the stage that progress is
  /// told.
  evaluate::Measurement measure(const model::WhisperModel& model,
                                const std::string& name,
                                const Progress& progress) const;

  const evaluate::Measurement& fp() const { return fp_; }
  bool has_transcripts() const { return has_transcripts_; }
  const std::vector<std::string>& skipped() const { return skipped_; }

 private:
  std::vector<evaluate::UtteranceResult> hear(const model::WhisperModel& model,
                                              const std::string& name,
                                              const Progress& progress) const;
  void find_references();
  void read(evaluate::SpeechStream& speech);

  transcribe::TranscribeOptions transcribe_;
  transcribe::SessionOptions session_;
  evaluate::Normalizer normalize_;
  std::vector<evaluate::Speech> speech_;
  bool has_transcripts_ = true;
  std::vector<std::string> skipped_;
  evaluate::Measurement fp_;
};

}  // namespace sotto
