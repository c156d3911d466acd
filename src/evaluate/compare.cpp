#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/log.h"
#include "evaluate/accuracy.h"
#include "evaluate/bootstrap.h"
#include "evaluate/compare_progress.h"
#include "evaluate/contestant.h"
#include "sotto/error.h"
#include "sotto/evaluate.h"
#include "sotto/resume.h"

namespace sotto::evaluate {
namespace fs = std::filesystem;
namespace {

/// The last part of the path that has a name: "a/b/" and "a/b" are "b".
std::string last_name(const fs::path& path) {
  const fs::path absolute = fs::absolute(path).lexically_normal();
  return (absolute.has_filename() ? absolute : absolute.parent_path()).filename().string();
}

/// The directories' names where those differ, else the paths as given, numbered where even those repeat.
std::vector<std::string> unique_names(const std::vector<fs::path>& models) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const fs::path& model : models) {
    std::string name = last_name(model);
    if (seen.contains(name)) {
      name = model.string();
    }
    for (int i = 2; seen.contains(name); ++i) {
      name = fmt::format("{} ({})", model.string(), i);
    }
    seen.insert(name);
    names.push_back(std::move(name));
  }
  return names;
}

/// The utterances that differ most between the models, with their samples; holds no more than asked for.
class AudioShelf {
 public:
  explicit AudioShelf(std::size_t capacity) : capacity_(capacity) {}

  /// `difference`: words heard differently.
  void offer(std::size_t difference, Speech& speech) {
    if (capacity_ == 0) {
      return;
    }
    kept_.emplace(difference, std::make_pair(speech.id, std::move(speech.samples)));
    if (kept_.size() > capacity_) {
      kept_.erase(std::prev(kept_.end()));
    }
  }

  std::map<std::string, std::vector<float>> take() {
    std::map<std::string, std::vector<float>> audio;
    for (auto& [difference, item] : kept_) {
      audio.insert(std::move(item));
    }
    return audio;
  }

 private:
  std::size_t capacity_;
  /// Most words first; of as many, the one that came first.
  std::multimap<std::size_t, std::pair<std::string, std::vector<float>>, std::greater<>> kept_;
};

/// Hands out the utterances, and knows which one comes next.
class Comparing {
 public:
  Comparing(const std::vector<fs::path>& models,
            SpeechStream& speech,
            const CompareOptions& options,
            const ResumeOptions& resume)
      : models_(models),
        speech_(speech),
        options_(options),
        resume_(resume),
        normalize_(text::load_spelling(models.front())),
        shelf_(options.keep_audio),
        progress_(resume.file, models, resume.settings) {
    for (const fs::path& model : models) {
      contestants_.push_back(make_contestant(model, options_));
      results_.emplace_back();
    }
  }

  Comparison run(const Progress& progress) {
    std::optional<Speech> speech = speech_.next();
    if (!speech) {
      throw Error(ErrorCode::not_found, "compare",
                  fmt::format("expected at least one utterance, found none ({} could not be used).",
                              speech_.skipped().size()));
    }
    prepare(*speech, progress);
    const std::size_t total = n_expected();
    std::size_t n = 0;
    for (; speech && (options_.take == 0 || n < options_.take); ++n) {
      step(progress, "compare", static_cast<double>(n), static_cast<double>(total));
      hear(n, *speech, progress);
      const bool is_last = options_.take != 0 && n + 1 == options_.take;
      speech = is_last ? std::nullopt : speech_.next();
    }
    step(progress, "compare", static_cast<double>(n), static_cast<double>(n));
    return finish();
  }

 private:
  std::size_t n_expected() const {
    const std::size_t all = speech_.size().value_or(options_.take);
    return options_.take == 0 ? all : std::min(options_.take, all);
  }

  void prepare(const Speech& speech, const Progress& progress) {
    for (std::size_t k = 0; k < contestants_.size(); ++k) {
      step(progress, "load", static_cast<double>(k), static_cast<double>(contestants_.size()));
      contestants_[k]->prepare(speech, progress);
    }
    step(progress, "load", 1.0, 1.0);
  }

  /// What the models do in an utterance, or did when an earlier run heard it.
  std::vector<Turn> turns(std::size_t i, const Speech& speech, const Progress& progress) {
    if (i < progress_.done().size()) {
      const HeardUtterance& heard = progress_.done()[i];
      if (heard.id != speech.id || heard.reference != speech.text ||
          heard.n_samples != speech.samples.size()) {
        throw Error(ErrorCode::invalid_argument, resume_.file.string(),
                    fmt::format("expected progress with the same speech, found utterance {}.", heard.id));
      }
      return heard.turns;
    }
    std::vector<Turn> turns(contestants_.size());
    for (std::size_t turn = 0; turn < contestants_.size(); ++turn) {
      // Alternating order: whoever comes second finds warm caches or a throttled processor.
      const std::size_t k = i % 2 == 0 ? turn : contestants_.size() - 1 - turn;
      turns[k] = contestants_[k]->run(speech, progress);
    }
    progress_.add({speech.id, speech.text, speech.samples.size(), turns});
    return turns;
  }

  void hear(std::size_t i, Speech& speech, const Progress& progress) {
    const std::vector<Turn> turns = this->turns(i, speech, progress);
    const std::string language = text_language(options_.transcribe, turns.front().language);
    std::vector<UtteranceResult> heard;
    std::size_t difference = 0;
    for (std::size_t k = 0; k < turns.size(); ++k) {
      contestants_[k]->count(turns[k]);
      heard.push_back({.id = speech.id,
                       .reference = speech.text,
                       .hypothesis = turns[k].hypothesis,
                       .language = language,
                       .audio_s = static_cast<double>(speech.samples.size()) / audio::kSampleRateHz,
                       .transcription_s = turns[k].transcription_s});
      count_errors(heard.back(), normalize_);
      difference = std::max(difference, words_apart(heard.front(), heard.back()));
    }
    for (std::size_t k = 0; k < heard.size(); ++k) {
      results_[k].push_back(std::move(heard[k]));
    }
    n_resampled_ += speech.source_rate_hz != 0 && speech.source_rate_hz != audio::kSampleRateHz ? 1 : 0;
    shelf_.offer(difference, speech);
  }

  Comparison finish() {
    Comparison comparison;
    comparison.task = options_.transcribe.task;
    comparison.skipped = speech_.skipped();
    comparison.n_resampled = n_resampled_;
    comparison.audio = shelf_.take();
    const std::vector<std::string> names = unique_names(models_);
    for (std::size_t k = 0; k < contestants_.size(); ++k) {
      Measurement measurement = contestants_[k]->finish();
      measurement.name = names[k];
      measurement.utterances = std::move(results_[k]);
      comparison.models.push_back(std::move(measurement));
    }
    sum_up(comparison.models);
    return comparison;
  }

  const std::vector<fs::path>& models_;
  SpeechStream& speech_;
  const CompareOptions& options_;
  const ResumeOptions& resume_;
  Normalizer normalize_;
  std::vector<std::unique_ptr<Contestant>> contestants_;
  std::vector<std::vector<UtteranceResult>> results_;  ///< [model][utterance]
  AudioShelf shelf_;
  CompareProgress progress_;
  std::size_t n_resampled_ = 0;
};

}  // namespace

Comparison compare(const std::vector<fs::path>& models,
                   SpeechStream& speech,
                   const CompareOptions& options,
                   const Progress& progress) {
  return compare(models, speech, options, ResumeOptions(), progress);
}

Comparison compare(const std::vector<fs::path>& models,
                   SpeechStream& speech,
                   const CompareOptions& options,
                   const ResumeOptions& resume,
                   const Progress& progress) {
  if (models.empty()) {
    throw Error(ErrorCode::invalid_argument, "compare", "expected at least one model, found none.");
  }
  transcribe::validate(options.transcribe);
  return Comparing(models, speech, options, resume).run(progress);
}

std::vector<Measurement> compare(const std::vector<fs::path>& models,
                                 const DataSet& data,
                                 const CompareOptions& options,
                                 const Progress& progress) {
  if (data.utterances.empty()) {
    throw Error(ErrorCode::not_found, "compare", "expected at least one utterance, found none.");
  }
  const auto speech = open_speech(data);
  return compare(models, *speech, options, progress).models;
}

}  // namespace sotto::evaluate
