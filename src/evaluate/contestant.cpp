#include "evaluate/contestant.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "evaluate/energy.h"
#include "evaluate/peer_results.h"
#include "evaluate/process_memory.h"
#include "evaluate/stopwatch.h"
#include "sotto/error.h"

namespace sotto::evaluate {
namespace fs = std::filesystem;
namespace {

class ModelContestant : public Contestant {
 public:
  ModelContestant(const fs::path& directory, const CompareOptions& options) : options_(options) {
    measurement_.directory = directory;
  }

  void prepare(const Speech& speech, const Progress& progress) override {
    const bool peak_is_ours = reset_peak_memory();
    const auto before = process_memory();
    const Stopwatch loading;
    transcriber_.emplace(model::load(measurement_.directory), options_.session);
    measurement_.load_s = loading.seconds();
    const auto loaded = process_memory();

    const Stopwatch warming;
    const auto source = audio::from_samples(speech.samples);
    transcriber_->transcribe(*source, options_.transcribe, {}, {.report = {}, .stop = progress.stop});
    measurement_.warm_up_s = warming.seconds();
    const auto warm = process_memory();
    if (before && loaded && warm && peak_is_ours) {
      measurement_.memory = {.loaded_bytes = growth(before->now_bytes, loaded->now_bytes),
                             .peak_bytes = growth(before->now_bytes, warm->peak_bytes)};
    }
  }

  Turn run(const Speech& speech, const Progress& progress) override {
    const auto source = audio::from_samples(speech.samples);
    Turn turn;
    energy_.start();
    const Stopwatch watch;
    const transcribe::Listeners listeners = {
        .on_segment =
            [&](const transcribe::Segment&) {
              turn.first_segment_s = turn.first_segment_s ? turn.first_segment_s : watch.seconds();
            },
        .on_inference =
            [&turn](transcribe::Stage stage, ov::InferRequest&, double seconds) {
              (stage == transcribe::Stage::encoder ? turn.encoder_ms : turn.decoder_ms)
                  .push_back(1000.0 * seconds);
            }};
    auto heard = transcriber_->transcribe(*source, options_.transcribe, listeners,
                                          {.report = {}, .stop = progress.stop});
    turn.transcription_s = watch.seconds();
    turn.energy_j = energy_.stop();
    turn.hypothesis = std::move(heard.text);
    turn.language = std::move(heard.language);
    return turn;
  }

  void count(const Turn& turn) override {
    encoder_ms_.insert(encoder_ms_.end(), turn.encoder_ms.begin(), turn.encoder_ms.end());
    decoder_ms_.insert(decoder_ms_.end(), turn.decoder_ms.begin(), turn.decoder_ms.end());
    transcription_s_.push_back(turn.transcription_s);
    if (turn.first_segment_s) {
      first_segment_s_.push_back(*turn.first_segment_s);
    }
    if (turn.energy_j) {
      measurement_.energy_j = measurement_.energy_j.value_or(0.0) + *turn.energy_j;
    }
  }

  Measurement finish() override {
    measurement_.size = model::measure_size(measurement_.directory);
    measurement_.device = options_.session.device;
    measurement_.inference_precision = transcriber_->inference_precision();
    measurement_.threads = options_.session.threads;
    measurement_.environment = environment();
    measurement_.encoder_ms = spread_of(std::move(encoder_ms_));
    measurement_.decoder_ms = spread_of(std::move(decoder_ms_));
    measurement_.transcription_s = spread_of(std::move(transcription_s_));
    measurement_.first_segment_s = spread_of(std::move(first_segment_s_));
    measurement_.encoder_kernels = transcriber_->executed_kernels(transcribe::Stage::encoder);
    measurement_.decoder_kernels = transcriber_->executed_kernels(transcribe::Stage::decoder);
    return std::move(measurement_);
  }

 private:
  static std::uint64_t growth(std::uint64_t before, std::uint64_t after) {
    return after > before ? after - before : 0;
  }

  const CompareOptions& options_;
  Measurement measurement_;
  std::optional<transcribe::Transcriber> transcriber_;
  EnergyMeter energy_;
  std::vector<double> encoder_ms_;
  std::vector<double> decoder_ms_;
  std::vector<double> transcription_s_;
  std::vector<double> first_segment_s_;
};

/// Another program's results: nothing runs, its texts are looked up.
class PeerContestant : public Contestant {
 public:
  PeerContestant(const fs::path& directory, PeerResults results) : results_(std::move(results)) {
    measurement_.directory = directory;
    measurement_.is_peer = true;
    measurement_.environment = environment();
  }

  void prepare(const Speech&, const Progress&) override {}

  Turn run(const Speech& speech, const Progress&) override {
    const auto found = results_.texts.find(speech.id);
    if (found == results_.texts.end()) {
      return {.is_missing = true};
    }
    return {.hypothesis = found->second.text, .language = found->second.language};
  }

  void count(const Turn& turn) override {
    ++n_utterances_;
    measurement_.n_missing += turn.is_missing ? 1 : 0;
  }

  Measurement finish() override {
    if (measurement_.n_missing == n_utterances_) {
      throw Error(ErrorCode::not_found, measurement_.directory.string(),
                  "expected results named for the utterances (ID.json), found none of any utterance.");
    }
    return std::move(measurement_);
  }

 private:
  PeerResults results_;
  Measurement measurement_;
  std::size_t n_utterances_ = 0;
};

}  // namespace

std::unique_ptr<Contestant> make_contestant(const fs::path& directory, const CompareOptions& options) {
  if (model::is_ir_directory(directory)) {
    return std::make_unique<ModelContestant>(directory, options);
  }
  PeerResults results = read_peer_results(directory);
  if (results.texts.empty()) {
    throw Error(
        ErrorCode::not_found, directory.string(),
        "expected a model directory with openvino_encoder_model.xml or a folder of results (ID.json), "
        "found neither (convert a checkpoint first).");
  }
  return std::make_unique<PeerContestant>(directory, std::move(results));
}

}  // namespace sotto::evaluate
