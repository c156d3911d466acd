#pragma once

#include <vector>

#include "sotto/report.h"

namespace sotto::evaluate::test {

/// An FP and an INT8 model measured on two utterances, with round figures.
inline std::vector<Measurement> two_measurements() {
  Measurement fp;
  fp.name = "fp16";
  fp.directory = "out/fp16";
  fp.environment = {.sotto_version = "0.1.0",
                    .openvino_version = "2026.4.1",
                    .cpu_name = "A Processor",
                    .n_cores = 4,
                    .cpu_features = {"avx2", "avx512_vnni"}};
  fp.size = {.encoder_bytes = 4096, .decoder_bytes = 10240, .directory_bytes = 20480};
  fp.device = "CPU";
  fp.inference_precision = "f32";
  fp.load_s = 0.5;
  fp.encoder_ms = {.n = 2, .p5 = 29.0, .median = 30.0, .p95 = 33.5};
  fp.decoder_ms = {.n = 20, .p5 = 4.5, .median = 5.0, .p95 = 6.0};
  fp.transcription_s = {.n = 2, .p5 = 0.8, .median = 0.9, .p95 = 1.0};
  fp.first_segment_s = {.n = 2, .p5 = 0.7, .median = 0.8, .p95 = 0.9};
  fp.transcription_mean_s = 0.9;
  fp.transcription_total_s = 1.8;
  fp.audio_s = 18.0;
  fp.memory = MemoryUse{.loaded_bytes = 20'000'000, .peak_bytes = 30'000'000};
  fp.words = {.hits = 9, .substitutions = 1, .deletions = 0, .insertions = 0};
  fp.utterances = {
      {.id = "1", .reference = "one two", .hypothesis = "one two", .language = "en", .words = {.hits = 2}},
      {.id = "2",
       .reference = "three",
       .hypothesis = "tree",
       .language = "en",
       .words = {.substitutions = 1}}};
  fp.encoder_kernels = {{"FullyConnected brgemm_avx512_f32", 24}};
  fp.decoder_kernels = {{"FullyConnected brgemm_avx512_f32", 40}};

  Measurement int8 = fp;
  int8.name = "int8";
  int8.directory = "out/int8";
  int8.size = {.encoder_bytes = 2048, .decoder_bytes = 5120, .directory_bytes = 12288};
  int8.encoder_ms = {.n = 2, .p5 = 14.0, .median = 15.0, .p95 = 16.0};
  int8.decoder_ms = {.n = 20, .p5 = 3.5, .median = 4.0, .p95 = 4.5};
  int8.transcription_mean_s = 0.6;
  int8.transcription_total_s = 1.2;
  int8.words = {.hits = 8, .substitutions = 1, .deletions = 1, .insertions = 1};
  int8.drop =
      AccuracyDrop{.points = 20.0, .interval = {-5.0, 45.0}, .is_shown = false, .n_utterances_to_show = 40};
  int8.encoder_kernels = {{"FullyConnected brgemm_avx512_I8", 22}, {"Convolution jit_avx512_f32", 2}};
  return {fp, int8};
}

/// The same as compare() gives it.
inline Comparison two_models() {
  return {.models = two_measurements(), .data = "demo/data/test", .skipped = {}, .audio = {}};
}

}  // namespace sotto::evaluate::test
