#pragma once

#include <filesystem>
#include <vector>

#include "sotto/log.h"
#include "sotto/quantize.h"
#include "sotto/transcribe.h"

namespace sotto {

struct QuantizeWhisperOptions {
  std::filesystem::path calibration;         ///< a folder in LibriSpeech's layout
  std::size_t samples = 30;                  ///< utterances transcribed while statistics are taken
  transcribe::TranscribeOptions transcribe;  ///< how the FP model transcribes them
  transcribe::SessionOptions session;
  quantize::QuantizeOptions encoder{.smooth_quant_alpha = 0.5, .ignored_scope = {}, .attention_inputs = true};
  quantize::QuantizeOptions decoder{.smooth_quant_alpha = 0.95, .ignored_scope = {}};
};

struct QuantizeWhisperReport {
  std::size_t n_utterances = 0;
  double audio_s = 0.0;
  std::size_t n_encoder_samples = 0;
  std::size_t n_decoder_samples = 0;
  double calibration_s = 0.0;  ///< transcribing with statistics
  double quantize_encoder_s = 0.0;
  double quantize_decoder_s = 0.0;
  double save_s = 0.0;
  std::vector<quantize::StepReport> encoder_steps;
  std::vector<quantize::StepReport> decoder_steps;
};

/// The notebook's whole flow: load the FP model, transcribe calibration speech with it once while its
/// activations are observed, quantize encoder and decoder, save the INT8 model.
QuantizeWhisperReport quantize_whisper(const std::filesystem::path& model,
                                       const std::filesystem::path& output,
                                       const QuantizeWhisperOptions& options,
                                       const Progress& progress = {});

}  // namespace sotto
