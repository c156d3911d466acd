#include "recipe/hearing_test.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/log.h"
#include "sotto/audio.h"
#include "sotto/error.h"
#include "sotto/text.h"

namespace sotto {

HearingTest::HearingTest(const model::WhisperModel& fp,
                         evaluate::SpeechStream& speech,
                         const transcribe::TranscribeOptions& transcribe,
                         const transcribe::SessionOptions& session,
                         const Progress& progress)
    : transcribe_(transcribe), session_(session), normalize_(text::load_spelling(fp.directory)) {
  read(speech);
  fp_.utterances = hear(fp, "accuracy: FP", progress);
  find_references();
  std::vector<evaluate::Measurement> only = {std::move(fp_)};
  evaluate::sum_up(only);
  fp_ = std::move(only.front());
  if (fp_.words.reference_length() == 0) {
    throw Error(ErrorCode::not_found, "accuracy",
                fmt::format("expected speech with words, found none in {} utterances ({} could not be used).",
                            speech_.size(), skipped_.size()));
  }
}

void HearingTest::read(evaluate::SpeechStream& speech) {
  while (auto next = speech.next()) {
    speech_.push_back(std::move(*next));
  }
  skipped_ = speech.skipped();
  has_transcripts_ = std::ranges::any_of(speech_, [](const auto& s) { return !s.text.empty(); });
  if (has_transcripts_) {
    for (const evaluate::Speech& without : speech_) {
      if (without.text.empty()) {
        skipped_.push_back(without.id + ": audio without a transcript");
      }
    }
    std::erase_if(speech_, [](const auto& s) { return s.text.empty(); });
  }
}

void HearingTest::find_references() {
  for (std::size_t i = 0; i < speech_.size(); ++i) {
    evaluate::UtteranceResult& result = fp_.utterances[i];
    if (!has_transcripts_) {
      speech_[i].text = result.hypothesis;
      result.reference = result.hypothesis;
    }
    result.language = evaluate::text_language(transcribe_, result.language);
    evaluate::count_errors(result, normalize_);
  }
}

std::vector<evaluate::UtteranceResult> HearingTest::hear(const model::WhisperModel& model,
                                                         const std::string& name,
                                                         const Progress& progress) const {
  transcribe::Transcriber transcriber(model, session_);
  std::vector<evaluate::UtteranceResult> results;
  for (const evaluate::Speech& speech : speech_) {
    step(progress, name, static_cast<double>(results.size()), static_cast<double>(speech_.size()));
    const auto source = audio::from_samples(speech.samples);
    const auto heard =
        transcriber.transcribe(*source, transcribe_, {}, {.report = {}, .stop = progress.stop});
    results.push_back({.id = speech.id,
                       .reference = speech.text,
                       .hypothesis = heard.text,
                       .language = heard.language,
                       .audio_s = heard.duration_s});
  }
  step(progress, name, static_cast<double>(results.size()), static_cast<double>(speech_.size()));
  return results;
}

evaluate::Measurement HearingTest::measure(const model::WhisperModel& model,
                                           const std::string& name,
                                           const Progress& progress) const {
  std::vector<evaluate::Measurement> both(2);
  both[0].utterances = fp_.utterances;
  both[1].utterances = hear(model, name, progress);
  for (std::size_t i = 0; i < speech_.size(); ++i) {
    both[1].utterances[i].language = fp_.utterances[i].language;
    evaluate::count_errors(both[1].utterances[i], normalize_);
  }
  evaluate::sum_up(both);
  return std::move(both[1]);
}

}  // namespace sotto
