#include <chrono>
#include <numeric>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/log.h"
#include "evaluate/accuracy.h"
#include "sotto/error.h"
#include "sotto/evaluate.h"

namespace sotto::evaluate {
namespace fs = std::filesystem;
namespace {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

/// One model under test: it, what it was measured at and the times behind the medians.
class Contestant {
 public:
  Contestant(const fs::path& directory, const transcribe::SessionOptions& session)
      : transcriber_(load(directory, session, measurement_.load_s)) {
    measurement_.directory = directory;
    measurement_.size = model::measure_size(directory);
    measurement_.device = session.device;
    measurement_.inference_precision = transcriber_.inference_precision();
    measurement_.threads = session.threads;
    measurement_.environment = environment();
  }

  /// Transcribes without counting: the first inferences allocate and tune.
  void warm_up(const std::vector<float>& samples,
               const transcribe::TranscribeOptions& options,
               const Progress& progress) {
    const auto source = audio::from_samples(samples);
    transcriber_.transcribe(*source, options, {}, {.report = {}, .stop = progress.stop});
  }

  /// Transcribes an utterance, adds it to the measurement and returns the language heard.
  std::string run(const Utterance& utterance,
                  const std::vector<float>& samples,
                  const transcribe::TranscribeOptions& options,
                  const Progress& progress) {
    const auto source = audio::from_samples(samples);
    const Stopwatch watch;
    const auto heard =
        transcriber_.transcribe(*source, options, timers(), {.report = {}, .stop = progress.stop});
    const double seconds = watch.seconds();
    const double audio_s = static_cast<double>(samples.size()) / audio::kSampleRateHz;
    measurement_.audio_s += audio_s;
    measurement_.transcription_total_s += seconds;
    measurement_.utterances.push_back({.id = utterance.id,
                                       .reference = utterance.text,
                                       .hypothesis = heard.text,
                                       .language = heard.language,
                                       .audio_s = audio_s,
                                       .transcription_s = seconds,
                                       .words = {}});
    return heard.language;
  }

  Measurement finish(const std::vector<std::string>& languages, const Normalizer& normalize) {
    measurement_.n_encoder_runs = encoder_ms_.size();
    measurement_.n_decoder_runs = decoder_ms_.size();
    measurement_.encoder_median_ms = median(std::move(encoder_ms_));
    measurement_.decoder_median_ms = median(std::move(decoder_ms_));
    measurement_.transcription_mean_s =
        measurement_.transcription_total_s / static_cast<double>(measurement_.utterances.size());
    measurement_.encoder_kernels = transcriber_.executed_kernels(transcribe::Stage::encoder);
    measurement_.decoder_kernels = transcriber_.executed_kernels(transcribe::Stage::decoder);
    count_words(measurement_, languages, normalize);
    return std::move(measurement_);
  }

 private:
  static transcribe::Transcriber load(const fs::path& directory,
                                      const transcribe::SessionOptions& session,
                                      double& load_s) {
    if (!model::is_ir_directory(directory)) {
      throw Error(
          ErrorCode::not_found, directory.string(),
          "expected a model directory with openvino_encoder_model.xml, found none (convert a checkpoint "
          "first).");
    }
    const Stopwatch watch;
    transcribe::Transcriber transcriber(model::load(directory), session);
    load_s = watch.seconds();
    return transcriber;
  }

  transcribe::Listeners timers() {
    return {.on_segment = {},
            .on_inference = [this](transcribe::Stage stage, ov::InferRequest&, double seconds) {
              (stage == transcribe::Stage::encoder ? encoder_ms_ : decoder_ms_).push_back(1000.0 * seconds);
            }};
  }

  Measurement measurement_;
  transcribe::Transcriber transcriber_;
  std::vector<double> encoder_ms_;
  std::vector<double> decoder_ms_;
};

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

std::vector<Contestant> load_all(const std::vector<fs::path>& models,
                                 const transcribe::SessionOptions& session,
                                 const Progress& progress) {
  std::vector<Contestant> contestants;
  contestants.reserve(models.size());
  for (const fs::path& model : models) {
    step(progress, "load", static_cast<double>(contestants.size()), static_cast<double>(models.size()));
    contestants.emplace_back(model, session);
  }
  return contestants;
}

/// Runs utterance `i` on every model and returns the language the first one heard.
std::string run_utterance(std::vector<Contestant>& contestants,
                          std::size_t i,
                          const Utterance& utterance,
                          const std::vector<float>& samples,
                          const transcribe::TranscribeOptions& options,
                          const Progress& progress) {
  std::string language;
  for (std::size_t turn = 0; turn < contestants.size(); ++turn) {
    // Alternating order: whoever comes second finds warm caches or a throttled processor.
    const std::size_t k = i % 2 == 0 ? turn : contestants.size() - 1 - turn;
    const std::string heard = contestants[k].run(utterance, samples, options, progress);
    if (k == 0) {
      language = heard;
    }
  }
  return language;
}

/// Returns the language of each utterance's text.
std::vector<std::string> run_all(std::vector<Contestant>& contestants,
                                 const std::vector<Utterance>& utterances,
                                 const transcribe::TranscribeOptions& options,
                                 const Progress& progress) {
  std::vector<std::string> languages;
  for (std::size_t i = 0; i < utterances.size(); ++i) {
    const std::vector<float> samples = audio::load_audio(utterances[i].audio);
    for (std::size_t k = 0; i == 0 && k < contestants.size(); ++k) {
      step(progress, "warm up", static_cast<double>(k), static_cast<double>(contestants.size()));
      contestants[k].warm_up(samples, options, progress);
    }
    step(progress, "compare", static_cast<double>(i), static_cast<double>(utterances.size()));
    const std::string heard = run_utterance(contestants, i, utterances[i], samples, options, progress);
    languages.push_back(text_language(options, heard));
  }
  step(progress, "compare", 1.0, 1.0);
  return languages;
}

}  // namespace

std::vector<Measurement> compare(const std::vector<fs::path>& models,
                                 const DataSet& data,
                                 const CompareOptions& options,
                                 const Progress& progress) {
  if (models.empty()) {
    throw Error(ErrorCode::invalid_argument, "compare", "expected at least one model, found none.");
  }
  if (data.utterances.empty()) {
    throw Error(ErrorCode::not_found, "compare", "expected at least one utterance, found none.");
  }
  transcribe::validate(options.transcribe);
  std::vector<Utterance> utterances = data.utterances;
  if (options.take != 0 && options.take < utterances.size()) {
    utterances.resize(options.take);
  }
  std::vector<Contestant> contestants = load_all(models, options.session, progress);
  const std::vector<std::string> languages = run_all(contestants, utterances, options.transcribe, progress);

  const Normalizer normalize(text::load_spelling(models.front()));
  const std::vector<std::string> names = unique_names(models);
  std::vector<Measurement> measurements;
  for (std::size_t k = 0; k < contestants.size(); ++k) {
    measurements.push_back(contestants[k].finish(languages, normalize));
    measurements.back().name = names[k];
  }
  return measurements;
}

}  // namespace sotto::evaluate
