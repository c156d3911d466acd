#include "recipe/try_formats.h"

#include <algorithm>
#include <random>
#include <vector>

#include <openvino/core/model.hpp>

#include "core/log.h"
#include "sotto/audio.h"
#include "sotto/transcribe.h"

namespace sotto {
namespace {

constexpr int kWindows = 4;
constexpr int kTokens = 24;  // of each window

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::unique_ptr<audio::AudioSource> noise() {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0F, 0.05F);
  std::vector<float> samples(std::size_t{audio::kWindowSamples} * kWindows);
  std::ranges::generate(samples, [&] { return std::clamp(normal(random), -1.0F, 1.0F); });
  return audio::from_samples(std::move(samples));
}

/// Greedy decoding that goes on to kTokens whatever is heard.
transcribe::TranscribeOptions decoding_of(const model::WhisperModel& whisper) {
  transcribe::TranscribeOptions options;
  options.language = "en";
  options.temperatures = {0.0};
  options.without_timestamps = true;
  options.condition_on_previous_text = false;
  options.sample_len = kTokens;
  options.suppress_tokens = {-1, whisper.generation.eos_token_id};
  return options;
}

}  // namespace

std::vector<FormatTrial> try_formats(const model::WhisperModel& fp,
                                     const PartInput& encoder,
                                     const PartInput& decoder,
                                     const transcribe::SessionOptions& session,
                                     const Progress& progress) {
  std::vector<FormatTrial> trials;
  for (const PartFormat format : {PartFormat::int8, PartFormat::int8_weights, PartFormat::fp}) {
    step(progress, "try formats", static_cast<double>(trials.size()), 3);
    model::WhisperModel tried = fp;
    tried.encoder = quantize_part(fp.encoder, format, encoder, {.report = {}, .stop = progress.stop}).model;
    tried.decoder = quantize_part(fp.decoder, format, decoder, {.report = {}, .stop = progress.stop}).model;
    transcribe::Transcriber transcriber(tried, session);
    std::vector<double> encoder_s;
    std::vector<double> decoder_s;
    const transcribe::Listeners listeners{
        .on_segment = {}, .on_inference = [&](transcribe::Stage stage, ov::InferRequest&, double seconds) {
          (stage == transcribe::Stage::encoder ? encoder_s : decoder_s).push_back(seconds);
        }};
    transcriber.transcribe(*noise(), decoding_of(fp), listeners, {.report = {}, .stop = progress.stop});
    trials.push_back({format, 1e3 * median(encoder_s), 1e3 * median(decoder_s)});
  }
  return trials;
}

PartFormat fastest(const std::vector<FormatTrial>& trials, double FormatTrial::* time) {
  return std::ranges::min_element(trials, {}, time)->format;
}

}  // namespace sotto
