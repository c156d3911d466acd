#include "recipe/calibrate_whisper.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <openvino/core/model.hpp>

#include "core/cpu_features.h"
#include "core/log.h"
#include "sotto/audio.h"
#include "sotto/data_set.h"
#include "sotto/error.h"

namespace sotto {
namespace fs = std::filesystem;
namespace {

/// What a progress must agree with to be gone on with; the models are compared when parts are merged.
std::string settings_text(const CalibrateWhisperOptions& options) {
  const transcribe::TranscribeOptions& t = options.transcribe;
  return fmt::format("task {}, language {}, beam_size {}, sample_len {}, attention_inputs {}",
                     t.task == transcribe::Task::translate ? "translate" : "transcribe",
                     t.language.empty() ? "auto" : t.language, t.beam_size, t.sample_len,
                     options.attention_inputs ? "on" : "off");
}

fs::path progress_file(const fs::path& directory, std::size_t i) {
  return directory / fmt::format("{}.bin", i);
}

/// Statistics taken so far, as files 0.bin, 1.bin, ... in a directory: each holds the utterances since the
/// one before, so that saving costs the same however much there is.
class SavedProgress {
 public:
  SavedProgress(fs::path directory, bool resume) : directory_(std::move(directory)) {
    if (directory_.empty()) {
      return;
    }
    if (!resume) {
      remove_progress(directory_);
    }
    std::error_code error;
    fs::create_directories(directory_, error);
    if (error) {
      throw Error(ErrorCode::io, directory_.string(),
                  "making the directory failed: " + error.message() + ".");
    }
    while (fs::exists(progress_file(directory_, n_files_))) {
      ++n_files_;
    }
  }

  bool is_kept() const { return !directory_.empty(); }
  void add(const quantize::StatisticsSet& statistics) {
    statistics.save(progress_file(directory_, n_files_++));
  }

  /// Everything together.
  quantize::StatisticsSet load() const {
    quantize::StatisticsSet all;
    for (std::size_t i = 0; i < n_files_; ++i) {
      const fs::path file = progress_file(directory_, i);
      const auto some = quantize::StatisticsSet::load(file);
      if (!all.settings.empty() && some.settings != all.settings) {
        throw Error(
            ErrorCode::invalid_argument, file.string(),
            fmt::format("expected what was observed with {}, found {}.", all.settings, some.settings));
      }
      all.merge(some);
    }
    return all;
  }

 private:
  fs::path directory_;
  std::size_t n_files_ = 0;
};

/// Ranges are of the model as it was trained, but bf16 moves them far less than a step of INT8.
std::string precision_of(const CalibrateWhisperOptions& options) {
  const std::string& asked = options.session.inference_precision;
  const bool in_batches = options.transcribe.batch_size != 1;
  const bool needs_f32 = options.parity || in_batches;
  if (needs_f32 && !asked.empty() && asked != "f32") {
    throw Error(ErrorCode::invalid_argument, "inference_precision",
                fmt::format("expected f32 to calibrate {}, found {}.",
                            options.parity ? "for parity nncf" : "in batches", asked));
  }
  if (!asked.empty()) {
    return asked;
  }
  return !needs_f32 && has_bf16() ? "bf16" : "f32";
}

/// Goes past the utterances that `done` holds. Throws Error(invalid_argument) if `done` is of other speech.
void pass_over(evaluate::SpeechStream& speech,
               const quantize::StatisticsSet& done,
               const CalibrateWhisperOptions& options,
               const std::string& precision) {
  const std::string settings = settings_text(options);
  if (!done.inputs.empty() && done.inference_precision != precision) {
    throw Error(ErrorCode::invalid_argument, options.progress_directory.string(),
                fmt::format("expected progress made in {}, found {}.", precision, done.inference_precision));
  }
  if (!done.settings.empty() && done.settings != settings) {
    throw Error(ErrorCode::invalid_argument, options.progress_directory.string(),
                fmt::format("expected progress made with {}, found {}.", settings, done.settings));
  }
  for (std::size_t i = 0; i < done.inputs.size(); ++i) {
    const auto next = i < options.samples ? speech.next() : std::nullopt;
    if (!next || next->id != done.inputs[i]) {
      throw Error(ErrorCode::invalid_argument, options.progress_directory.string(),
                  fmt::format("expected progress with the same speech, found utterance {}.", done.inputs[i]));
    }
  }
}

/// An FP model that is observed while it transcribes.
class ObservedModel {
 public:
  ObservedModel(const model::WhisperModel& fp,
                const CalibrateWhisperOptions& options,
                const std::string& precision)
      : encoder_(fp.encoder, {.attention_inputs = true}),
        decoder_(fp.decoder, {.attention_inputs = options.attention_inputs}),
        transcriber_(instrumented(fp), session_of(options, precision)) {}

  void hear(const evaluate::Speech& utterance,
            const transcribe::TranscribeOptions& options,
            const Progress& progress) {
    const transcribe::Listeners listeners{
        .on_segment = {}, .on_inference = [this](transcribe::Stage stage, ov::InferRequest& request, double) {
          (stage == transcribe::Stage::encoder ? encoder_ : decoder_).observe(request);
        }};
    const auto source = audio::from_samples(utterance.samples);
    audio_s_ += transcriber_.transcribe(*source, options, listeners, {.report = {}, .stop = progress.stop})
                    .duration_s;
    heard_.push_back(utterance.id);
  }

  std::size_t n_heard() const { return heard_.size(); }

  quantize::StatisticsSet take() {
    quantize::StatisticsSet set;
    set.parts["encoder"] = encoder_.take();
    set.parts["decoder"] = decoder_.take();
    set.inputs = std::exchange(heard_, {});
    set.inputs_s = std::exchange(audio_s_, 0.0);
    return set;
  }

 private:
  model::WhisperModel instrumented(model::WhisperModel whisper) const {
    whisper.encoder = encoder_.instrumented();
    whisper.decoder = decoder_.instrumented();
    return whisper;
  }
  static transcribe::SessionOptions session_of(const CalibrateWhisperOptions& options,
                                               const std::string& precision) {
    transcribe::SessionOptions session = options.session;
    session.inference_precision = precision;
    // In bf16 OpenVINO 2026.4 goes on reading an observed input where it was at the first inference. With
    // low_memory that is a tensor of zeros, gone by now; without, the encoder's output, which stays in place.
    session.low_memory = session.low_memory && precision == "f32";
    return session;
  }

  quantize::Collector encoder_;
  quantize::Collector decoder_;
  transcribe::Transcriber transcriber_;
  std::vector<std::string> heard_;
  double audio_s_ = 0.0;
};

}  // namespace

std::unique_ptr<evaluate::SpeechStream> open_calibration(const CalibrateWhisperOptions& options) {
  if (options.samples == 0) {
    throw Error(ErrorCode::invalid_argument, "samples",
                "expected at least one calibration utterance, found 0.");
  }
  transcribe::validate(options.transcribe);
  precision_of(options);
  evaluate::DataOptions data = options.data;
  data.take = options.samples;
  data.untranscribed = true;
  return evaluate::open_speech(options.calibration, data);
}

model::WhisperModel read_whisper(const fs::path& model, const Progress& progress) {
  step(progress, "load", 0, 1);
  auto whisper = model::is_ir_directory(model) ? model::load(model) : model::build(model);
  step(progress, "load", 1, 1);
  return whisper;
}

quantize::StatisticsSet calibrate(const model::WhisperModel& fp,
                                  evaluate::SpeechStream& speech,
                                  const CalibrateWhisperOptions& options,
                                  const Progress& progress) {
  SavedProgress saved(options.progress_directory, options.resume);
  quantize::StatisticsSet done = saved.load();
  const std::string precision = precision_of(options);
  pass_over(speech, done, options, precision);
  ObservedModel observed(fp, options, precision);
  const auto take = [&] {
    quantize::StatisticsSet some = observed.take();
    some.settings = settings_text(options);
    some.inference_precision = precision;
    return some;
  };
  std::size_t n_done = done.inputs.size();
  const auto n_all = static_cast<double>(speech.size().value_or(options.samples));
  for (; n_done < options.samples; ++n_done) {
    const auto utterance = speech.next();
    if (!utterance) {
      break;
    }
    step(progress, "calibrate", static_cast<double>(n_done), n_all);
    observed.hear(*utterance, options.transcribe, progress);
    if (saved.is_kept() && observed.n_heard() >= options.utterances_a_save) {
      const auto some = take();
      saved.add(some);
      done.merge(some);
    }
  }
  step(progress, "calibrate", n_all, n_all);
  if (options.on_skipped) {
    std::ranges::for_each(speech.skipped(), options.on_skipped);
  }
  if (n_done == 0) {
    throw Error(ErrorCode::not_found, options.calibration,
                fmt::format("expected at least one utterance, found none ({} could not be used).",
                            speech.skipped().size()));
  }
  if (done.parts.empty()) {
    return take();
  }
  done.merge(take());
  return done;
}

void remove_progress(const fs::path& directory) {
  std::error_code ignored;
  for (std::size_t i = 0; fs::remove(progress_file(directory, i), ignored); ++i) {
  }
  fs::remove(directory, ignored);
}

quantize::StatisticsSet calibrate_whisper(const fs::path& model,
                                          const CalibrateWhisperOptions& options,
                                          const Progress& progress) {
  const auto speech = open_calibration(options);
  return calibrate(read_whisper(model, progress), *speech, options, progress);
}

}  // namespace sotto
