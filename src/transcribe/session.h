#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <openvino/runtime/compiled_model.hpp>
#include <openvino/runtime/core.hpp>
#include <openvino/runtime/infer_request.hpp>
#include <openvino/runtime/tensor.hpp>

#include "engine/team.h"
#include "sotto/model.h"
#include "sotto/transcribe.h"
#include "transcribe/alignment_model.h"
#include "transcribe/cache_tensors.h"
#include "transcribe/find_alignment.h"
#include "transcribe/inference.h"
#include "transcribe/own_decoder.h"
#include "transcribe/own_encoder.h"
#include "transcribe/own_projections.h"
#include "transcribe/window_keys.h"

namespace sotto::transcribe {

/// A Whisper pair compiled for a device and the requests that run it.
///
/// A prompt is fed once, as one row; the decoder's beam_idx spreads its state over the rows of the next
/// step. Cross-attention K and V belong to the window and are shared by its rows. A decoder without such a
/// state (older exports recompute them) is fed the window once for each row.
class Session final : public BatchInference, public Aligner {
 public:
  using OnInference = std::function<void(Stage, ov::InferRequest&, double seconds)>;

  Session(const model::WhisperModel& model, const SessionOptions& options);

  void encode(const audio::LogMel& window) override;
  PromptLogits start(std::span<const TokenId> prompt, std::size_t position) override;
  LogitRows step(std::span<const TokenId> tokens, std::span<const std::int32_t> source_rows) override;

  void begin_batch(std::size_t n_windows) override;
  void add(const audio::LogMel& window) override;
  BatchLogits start_all(std::span<const TokenId> prompts, std::size_t position) override;
  bool drops_rows() const override { return keys_.has_value(); }
  void choose(std::size_t window) override;

  /// Compiles the decoder once more at its first call.
  TokenAttention attend(std::span<const TokenId> tokens,
                        std::span<const std::int64_t> logit_positions) override;
  /// False where attend() would throw Error(unsupported).
  bool can_attend() const;

  /// Begins anew: who hears of inferences from now on, and counts from 0.
  void listen(OnInference listener);
  std::size_t n_runs(Stage stage) const {
    return stage == Stage::encoder ? n_encoder_runs_ : n_decoder_runs_;
  }

  const std::string& inference_precision() const { return inference_precision_; }
  std::map<std::string, int> executed_kernels(Stage stage) const;

 private:
  void make_encoder(const model::WhisperModel& model);
  void infer(Stage stage);
  void count(Stage stage, ov::InferRequest& request, std::chrono::duration<double> seconds);
  void make_keys(const std::shared_ptr<ov::Model>& projections);
  void make_team();
  bool hear(const audio::LogMel& window);
  void project();
  ov::Tensor states_of(std::size_t first, std::size_t n_windows);
  void give_window();
  void take_window_back(std::size_t n_rows);
  void order_windows();
  void exchange(std::size_t row, std::size_t other);
  void move_rows(std::span<const std::int32_t> source_rows);
  BatchLogits batch_logits(std::size_t n_rows, std::size_t place);
  /// Runs the decoder once: devices bring weights into their own layout at the first inference.
  void settle_decoder(const ov::Model& decoder);
  void feed_decoder(std::span<const TokenId> tokens,
                    std::span<const std::int32_t> source_rows,
                    std::span<const std::int64_t> logit_positions);
  void feed_own_decoder(std::span<const std::int64_t> tokens,
                        std::span<const std::int32_t> source_rows,
                        std::span<const std::int64_t> logit_positions);
  /// Forgets all tokens.
  void reset_decoder(std::size_t n_rows);
  /// Gives windows to the decoder, as its rows.
  void bind_windows(std::size_t first, std::size_t n_windows);
  void set_hidden_states(std::size_t n_rows);
  std::span<float> decoder_logits();
  void expect_logits(std::size_t n_tokens);

  model::WhisperModel model_;  ///< without the encoder; for word times
  SessionOptions options_;
  std::size_t n_vocab_;
  std::optional<WindowKeys> keys_;                   ///< none where the decoder makes them itself
  ov::CompiledModel keys_model_;                     ///< what makes them; empty where own_projections_ do
  std::unique_ptr<engine::Team> team_;               ///< who runs what follows; null where OpenVINO runs all
  std::unique_ptr<OwnEncoder> own_encoder_;          ///< in place of encoder_; null where OpenVINO encodes
  std::unique_ptr<OwnProjections> own_projections_;  ///< in place of keys_model_; null where OpenVINO has it
  std::unique_ptr<OwnDecoder>
      own_decoder_;              ///< in place of decoder_, with keys_; null where OpenVINO decodes
  std::span<float> own_logits_;  ///< of its last run
  std::chrono::duration<double> keys_time_{};  ///< what they took since the decoder's last inference
  std::size_t slot_ = 0;  ///< of the window that start() is about, in keys_: behind those of a batch
  std::vector<std::size_t> row_windows_;  ///< of the rows of a batch, and behind them of those left out
  std::size_t max_windows_ = 1;           ///< of a batch
  bool is_batch_ = false;                 ///< the rows are of start_all
  bool has_keys_ = false;                 ///< that slot is filled
  bool shares_window_ = false;            ///< cross-attention K and V are there once for all rows of a window
  /// K and V are there from the prompt on, and nothing but logits comes out: an observed graph (see
  /// quantize::Collector) has more outputs and sees the window at every step, as it would elsewhere.
  bool steps_need_no_window_ = false;
  CacheTensors caches_;          ///< none where the decoder keeps state
  bool chooses_logits_ = false;  ///< the decoder has the input logit_positions
  ov::Core core_;
  std::string inference_precision_;
  ov::CompiledModel encoder_model_;
  ov::CompiledModel decoder_model_;
  ov::InferRequest encoder_;
  ov::InferRequest decoder_;
  std::unique_ptr<AlignmentModel> alignment_;
  ov::Tensor hidden_states_;         ///< of one window
  ov::Tensor batch_states_;          ///< of the windows of a batch, as many as it may have
  std::vector<float> batch_logits_;  ///< of start_all
  ov::Tensor features_;              ///< the encoder's input
  ov::Tensor encoded_;               ///< its output
  bool heard_ = false;               ///< hidden_states_ are of what features_ holds
  OnInference listener_;
  std::size_t n_encoder_runs_ = 0;
  std::size_t n_decoder_runs_ = 0;
};

}  // namespace sotto::transcribe
