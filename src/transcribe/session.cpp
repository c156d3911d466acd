#include "transcribe/session.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <openvino/core/model.hpp>
#include <openvino/runtime/properties.hpp>

#include "core/parallel.h"
#include "model/ir_error.h"
#include "model/known_dimensions.h"
#include "model/release_pages.h"
#include "model/stateful.h"
#include "sotto/error.h"
#include "transcribe/compile.h"
#include "transcribe/gather_rows.h"
#include "transcribe/logit_positions.h"
#include "transcribe/runtime_info.h"
#include "transcribe/tensor_of.h"
#include "transcribe/unfold_attention.h"

namespace sotto::transcribe {
namespace {

/// The encoder for exactly one window: static shapes let the device plan memory and kernels once.
std::shared_ptr<ov::Model> for_one_window(const model::WhisperModel& model) {
  return model::translate_ir_errors("encoder", ErrorCode::bad_format, [&] {
    auto encoder = model.encoder->clone();
    unfold_attention(*encoder);
    encoder->reshape(ov::PartialShape{1, model.dims.n_mels, 2 * model.dims.n_audio_ctx});
    return encoder;
  });
}

/// compile(), with the device's copy of the weights the only one in memory afterwards.
ov::CompiledModel compile_alone(ov::Core& core,
                                const std::shared_ptr<const ov::Model>& model,
                                const SessionOptions& options,
                                std::string_view part) {
  ov::CompiledModel compiled = compile(core, model, options, part);
  model::release_mapped_pages(*model);
  return compiled;
}

/// A copy, which has state in place of caches that are inputs and outputs. --engine openvino runs graphs as
/// they are, and what is observed is about the nodes of one.
std::shared_ptr<ov::Model> decoder_to_run(const ov::Model& decoder, const SessionOptions& options) {
  const std::size_t n_caches = CacheTensors(decoder).size();
  const bool is_observed = decoder.outputs().size() != 1 + n_caches;
  const bool is_lifted =
      n_caches != 0 && !is_observed && is_cpu(options) && options.engine == Engine::automatic;
  auto copy = is_lifted ? model::lift_decoder(decoder) : decoder.clone();
  model::fold_known_dimensions(*copy);
  return copy;
}

ov::Shape window_shape(const model::ModelDimensions& dims) {
  return {1, static_cast<std::size_t>(dims.n_audio_ctx), static_cast<std::size_t>(dims.n_audio_state)};
}

void expect_thirty_seconds(const model::ModelDimensions& dims) {
  if (2 * dims.n_audio_ctx != audio::kWindowFrames) {
    throw Error(ErrorCode::unsupported, "config.json",
                fmt::format("expected max_source_positions of 1500 (30 s), found {}.", dims.n_audio_ctx));
  }
}

}  // namespace

Session::Session(const model::WhisperModel& model, const SessionOptions& options)
    : model_(model), options_(options), n_vocab_(static_cast<std::size_t>(model.dims.n_vocab)) {
  model_.encoder.reset();  // it is compiled once and for all
  expect_thirty_seconds(model.dims);
  expect_device(core_, options.device);
  const auto decoder = model::translate_ir_errors("decoder", ErrorCode::bad_format,
                                                  [&] { return decoder_to_run(*model.decoder, options); });
  caches_ = CacheTensors(*decoder);
  const bool is_observed = decoder->outputs().size() > 1;
  std::shared_ptr<ov::Model> projections;
  if (const auto type = inference_type(core_, options);
      !is_observed && is_cpu(options) && type != ov::element::dynamic) {
    projections = model::translate_ir_errors("decoder", ErrorCode::bad_format, [&] {
      return split_off_window(*decoder, type, window_shape(model.dims));
    });
  }
  shares_window_ = projections || keeps_window(*decoder);
  steps_need_no_window_ = shares_window_ && !is_observed;
  // Of both parts where they are made at once.
  const auto n_threads = static_cast<std::size_t>(options.threads);
  const std::size_t n_of_part = options.low_memory ? n_threads : (n_threads + 1) / 2;
  const ThreadLimit limit(n_of_part);
  const auto make_decoder = [&] {
    const ThreadLimit own_limit(n_of_part);
    if (projections && options.engine == Engine::automatic) {
      own_decoder_ = OwnDecoder::read(*decoder, projections->output(0).get_element_type());
    }
    make_keys(projections);
    chooses_logits_ = own_decoder_ || add_logit_positions(*decoder);
    if (own_decoder_) {
      model::release_mapped_pages(*decoder);
    } else {
      gather_rows_first(*decoder);
      decoder_model_ = compile_alone(core_, decoder, options_, "decoder");
      decoder_ = decoder_model_.create_infer_request();
    }
  };
  if (options.low_memory) {
    make_decoder();
    if (!own_decoder_) {
      settle_decoder(*decoder);
    }
    make_encoder(model);
  } else {
    // Compiling is one thread's work for the most part: both at once, unless one thread is all there may be.
    auto decoder_made =
        std::async(options.threads == 1 ? std::launch::deferred : std::launch::async, make_decoder);
    make_encoder(model);
    decoder_made.get();
  }
  make_team();
}

/// As many threads as OpenVINO takes, shared by all that is not its.
void Session::make_team() {
  const ov::CompiledModel any = own_encoder_ ? compile_nothing(core_, options_) : encoder_model_;
  inference_precision_ = transcribe::inference_precision(any);
  if (!own_encoder_ && !own_projections_ && !own_decoder_) {
    return;
  }
  team_ =
      std::make_unique<engine::Team>(static_cast<std::size_t>(any.get_property(ov::inference_num_threads)));
  if (own_encoder_) {
    own_encoder_->set_team(*team_);
  }
  if (own_projections_) {
    own_projections_->set_team(*team_);
  }
  if (own_decoder_) {
    own_decoder_->set_team(*team_);
  }
}

void Session::make_encoder(const model::WhisperModel& model) {
  const auto type = inference_type(core_, options_);
  if (is_cpu(options_) && options_.engine == Engine::automatic &&
      (type == ov::element::f32 || type == ov::element::bf16)) {
    // Where f32 is not asked for, but what the device chooses: in 8 bits as well.
    const bool is_exact = options_.inference_precision == "f32";
    own_encoder_ =
        OwnEncoder::read(*model.encoder, model.dims,
                         is_exact ? engine::SoftmaxPrecision::f32 : engine::SoftmaxPrecision::int8);
  }
  if (own_encoder_) {
    const auto n_mels = static_cast<std::size_t>(model.dims.n_mels);
    const auto n_frames = static_cast<std::size_t>(model.dims.n_audio_ctx);
    features_ = ov::Tensor(ov::element::f32, {1, n_mels, 2 * n_frames});
    encoded_ =
        ov::Tensor(ov::element::f32, {1, n_frames, static_cast<std::size_t>(model.dims.n_audio_state)});
    model::release_mapped_pages(*model.encoder);
  } else {
    encoder_model_ = compile_alone(core_, for_one_window(model), options_, "encoder");
    encoder_ = encoder_model_.create_infer_request();
    features_ = encoder_.get_tensor("input_features");
    encoded_ = encoder_.get_tensor("last_hidden_state");
  }
}

void Session::settle_decoder(const ov::Model& decoder) {
  const auto& dims = model_.dims;
  hidden_states_ = ov::Tensor(ov::element::f32, {1, static_cast<std::size_t>(dims.n_audio_ctx),
                                                 static_cast<std::size_t>(dims.n_audio_state)});
  std::fill_n(hidden_states_.data<float>(), hidden_states_.get_size(), 0.0F);
  start(std::array{TokenId{0}}, 0);
  hidden_states_ = {};
  has_keys_ = false;
  n_decoder_runs_ = 0;
  keys_time_ = {};
  model::release_mapped_pages(decoder);
}

void Session::make_keys(const std::shared_ptr<ov::Model>& projections) {
  if (!projections) {
    return;
  }
  if (own_decoder_) {
    own_projections_ = OwnProjections::read(*projections);
  }
  if (own_projections_) {
    keys_.emplace(*projections, [own = own_projections_.get()](const ov::Tensor& hidden_states,
                                                               std::span<const ov::Tensor> keys) {
      own->run(hidden_states, keys);
    });
  } else {
    keys_model_ = compile(core_, projections, options_, "decoder");
    keys_.emplace(*projections,
                  [request = keys_model_.create_infer_request()](const ov::Tensor& hidden_states,
                                                                 std::span<const ov::Tensor> keys) mutable {
                    request.set_input_tensor(hidden_states);
                    for (std::size_t i = 0; i < keys.size(); ++i) {
                      request.set_output_tensor(i, keys[i]);
                    }
                    request.infer();
                  });
  }
  keys_->resize(max_windows_);
}

void Session::listen(OnInference listener) {
  listener_ = std::move(listener);
  keys_time_ = {};
  heard_ = false;
  begin_batch(1);
  n_encoder_runs_ = 0;
  n_decoder_runs_ = 0;
}

void Session::infer(Stage stage) {
  ov::InferRequest& request = stage == Stage::encoder ? encoder_ : decoder_;
  const auto begin = std::chrono::steady_clock::now();
  model::translate_ir_errors(stage == Stage::encoder ? "encoder" : "decoder", ErrorCode::internal,
                             [&] { request.infer(); });
  count(stage, request, std::chrono::steady_clock::now() - begin);
}

void Session::count(Stage stage, ov::InferRequest& request, std::chrono::duration<double> seconds) {
  if (stage == Stage::decoder) {
    seconds += std::exchange(keys_time_, {});
  }
  ++(stage == Stage::encoder ? n_encoder_runs_ : n_decoder_runs_);
  if (listener_) {
    listener_(stage, request, seconds.count());
  }
}

void Session::encode(const audio::LogMel& window) {
  if (hear(window)) {
    has_keys_ = false;
  }
}

/// Returns false if it is the window heard last: the first one, after its language was detected.
bool Session::hear(const audio::LogMel& window) {
  const std::span<float> features(features_.data<float>(), features_.get_size());
  if (window.values.size() != features.size()) {
    throw Error(ErrorCode::internal, "encoder",
                fmt::format("expected {} mel values, found {}.", features.size(), window.values.size()));
  }
  if (heard_ && std::ranges::equal(window.values, features)) {
    return false;
  }
  std::ranges::copy(window.values, features.begin());
  heard_ = false;
  if (own_encoder_) {
    const auto begin = std::chrono::steady_clock::now();
    own_encoder_->run(features, {encoded_.data<float>(), encoded_.get_size()});
    count(Stage::encoder, encoder_, std::chrono::steady_clock::now() - begin);
  } else {
    infer(Stage::encoder);
  }
  heard_ = true;
  hidden_states_ = encoded_;
  return true;
}

/// Computes the window's keys and values where that is not done.
void Session::project() {
  if (!has_keys_) {
    slot_ = row_windows_.size();
    const auto begin = std::chrono::steady_clock::now();
    model::translate_ir_errors("decoder", ErrorCode::internal, [&] { keys_->hear(hidden_states_, slot_); });
    keys_time_ += std::chrono::steady_clock::now() - begin;
    has_keys_ = true;
  }
}

/// Gives the window to the decoder, as one row.
void Session::give_window() {
  if (!keys_) {
    set_hidden_states(1);
    return;
  }
  project();
  bind_windows(slot_, 1);
}

void Session::bind_windows(std::size_t first, std::size_t n_windows) {
  if (!own_decoder_) {
    keys_->bind(decoder_, first, n_windows);
  }
}

void Session::reset_decoder(std::size_t n_rows) {
  if (own_decoder_) {
    own_decoder_->reset();
  } else {
    decoder_.reset_state();
    caches_.reset(decoder_, n_rows);
  }
}

PromptLogits Session::start(std::span<const TokenId> prompt, std::size_t position) {
  constexpr std::array<std::int32_t, 1> kOnlyRow = {0};
  const std::array<std::int64_t, 2> positions = {static_cast<std::int64_t>(position),
                                                 static_cast<std::int64_t>(prompt.size()) - 1};
  reset_decoder(1);
  is_batch_ = false;
  give_window();
  feed_decoder(prompt, kOnlyRow, positions);
  take_window_back(1);
  const std::span<float> logits = decoder_logits();
  const std::size_t row = chooses_logits_ ? 0 : position;
  return {{logits.last(n_vocab_), n_vocab_}, logits.subspan(row * n_vocab_, n_vocab_)};
}

/// Keys and values are state by now: the device need not go through the window again.
void Session::take_window_back(std::size_t n_rows) {
  if (steps_need_no_window_ && !keys_) {
    ov::Tensor unread(ov::element::f32, {n_rows, 1, hidden_states_.get_shape()[2]});
    std::fill_n(unread.data<float>(), unread.get_size(), 0.0F);
    decoder_.set_tensor("encoder_hidden_states", unread);
  }
}

void Session::begin_batch(std::size_t n_windows) {
  row_windows_.clear();
  has_keys_ = false;
  max_windows_ = n_windows;
  if (keys_) {
    keys_->resize(n_windows);
  }
}

void Session::add(const audio::LogMel& window) {
  encode(window);
  if (keys_) {
    project();
  }
  const std::size_t place = row_windows_.size();
  if (place == 0) {
    ov::Shape shape = hidden_states_.get_shape();
    shape[0] = max_windows_;
    if (!batch_states_ || batch_states_.get_shape() != shape) {
      batch_states_ = ov::Tensor(ov::element::f32, shape);
    }
  }
  std::copy_n(hidden_states_.data<const float>(), hidden_states_.get_size(),
              states_of(place, 1).data<float>());
  row_windows_.push_back(place);
  has_keys_ = false;  // the next window's place is behind
}

/// Of windows of the batch that follow each other, in place.
ov::Tensor Session::states_of(std::size_t first, std::size_t n_windows) {
  ov::Shape shape = batch_states_.get_shape();
  shape[0] = n_windows;
  return {ov::element::f32, shape, batch_states_.data<float>() + first * shape[1] * shape[2]};
}

void Session::choose(std::size_t window) {
  hidden_states_ = states_of(window, 1);
  heard_ = false;
  const auto at = std::find(row_windows_.begin(), row_windows_.end(), window);
  slot_ = static_cast<std::size_t>(at - row_windows_.begin());
  has_keys_ = true;
}

BatchLogits Session::start_all(std::span<const TokenId> prompts, std::size_t position) {
  const std::size_t n_rows = row_windows_.size();
  const std::size_t length = prompts.size() / n_rows;
  std::vector<std::int32_t> rows(n_rows);
  std::iota(rows.begin(), rows.end(), 0);
  const std::array<std::int64_t, 2> positions = {static_cast<std::int64_t>(position),
                                                 static_cast<std::int64_t>(length) - 1};
  reset_decoder(n_rows);
  is_batch_ = true;
  if (keys_) {
    order_windows();
    bind_windows(0, n_rows);
  } else {
    decoder_.set_tensor("encoder_hidden_states", states_of(0, n_rows));
  }
  feed_decoder(prompts, rows, positions);
  take_window_back(n_rows);
  return batch_logits(n_rows, chooses_logits_ ? 0 : position);
}

/// Every window to its own place again, after rows were moved.
void Session::order_windows() {
  for (std::size_t window = 0; window < row_windows_.size(); ++window) {
    const auto at = std::find(row_windows_.begin(), row_windows_.end(), window) - row_windows_.begin();
    exchange(window, static_cast<std::size_t>(at));
  }
}

/// Keys and values follow their rows, which are together at the front.
void Session::move_rows(std::span<const std::int32_t> source_rows) {
  for (std::size_t row = 0; row < source_rows.size(); ++row) {
    exchange(row, static_cast<std::size_t>(source_rows[row]));
  }
  bind_windows(0, source_rows.size());
}

void Session::exchange(std::size_t row, std::size_t other) {
  if (row != other) {
    keys_->swap(row, other);
    std::swap(row_windows_[row], row_windows_[other]);
  }
}

/// The logits behind the prompts and at a place, each row's together.
BatchLogits Session::batch_logits(std::size_t n_rows, std::size_t place) {
  const std::span<float> logits = decoder_logits();
  const std::size_t n_places = logits.size() / n_rows / n_vocab_;
  batch_logits_.resize(2 * n_rows * n_vocab_);
  const std::span<float> next = std::span(batch_logits_).first(n_rows * n_vocab_);
  const std::span<float> at_position = std::span(batch_logits_).last(n_rows * n_vocab_);
  for (std::size_t row = 0; row < n_rows; ++row) {
    const std::span<float> own = logits.subspan(row * n_places * n_vocab_, n_places * n_vocab_);
    std::copy_n(own.last(n_vocab_).begin(), n_vocab_, next.subspan(row * n_vocab_).begin());
    std::copy_n(own.subspan(place * n_vocab_).begin(), n_vocab_, at_position.subspan(row * n_vocab_).begin());
  }
  return {{next, n_vocab_}, {at_position, n_vocab_}};
}

LogitRows Session::step(std::span<const TokenId> tokens, std::span<const std::int32_t> source_rows) {
  constexpr std::array<std::int64_t, 1> kOnlyToken = {0};
  if (!shares_window_) {
    set_hidden_states(source_rows.size());
  }
  if (is_batch_ && keys_) {
    move_rows(source_rows);
  }
  caches_.feed(decoder_, source_rows);
  feed_decoder(tokens, source_rows, kOnlyToken);
  return {decoder_logits(), n_vocab_};
}

void Session::feed_decoder(std::span<const TokenId> tokens,
                           std::span<const std::int32_t> source_rows,
                           std::span<const std::int64_t> logit_positions) {
  const std::size_t n_rows = source_rows.size();
  const std::vector<std::int64_t> ids(tokens.begin(), tokens.end());
  if (own_decoder_) {
    feed_own_decoder(ids, source_rows, logit_positions);
    expect_logits(n_rows * logit_positions.size());
    return;
  }
  decoder_.set_tensor("input_ids", tensor_of<std::int64_t>(ids, {n_rows, ids.size() / n_rows}));
  if (caches_.empty()) {
    decoder_.set_tensor("beam_idx", tensor_of(source_rows, {n_rows}));
  }
  if (chooses_logits_) {
    decoder_.set_tensor(kLogitPositions, tensor_of(logit_positions, {logit_positions.size()}));
  }
  infer(Stage::decoder);
  expect_logits(chooses_logits_ ? n_rows * logit_positions.size() : ids.size());
}

void Session::feed_own_decoder(std::span<const std::int64_t> tokens,
                               std::span<const std::int32_t> source_rows,
                               std::span<const std::int64_t> logit_positions) {
  const auto begin = std::chrono::steady_clock::now();
  const OwnDecoder::Windows windows{*keys_, is_batch_ ? 0 : slot_, !is_batch_};
  own_logits_ = own_decoder_->run(tokens, source_rows, logit_positions, windows);
  count(Stage::decoder, decoder_, std::chrono::steady_clock::now() - begin);
}

void Session::set_hidden_states(std::size_t n_rows) {
  const ov::Shape one = hidden_states_.get_shape();
  if (n_rows == 1) {
    decoder_.set_tensor("encoder_hidden_states", hidden_states_);
    return;
  }
  if (decoder_.get_tensor("encoder_hidden_states").get_shape()[0] == n_rows) {
    return;
  }
  ov::Tensor repeated(ov::element::f32, {n_rows, one[1], one[2]});
  const float* const source = hidden_states_.data<float>();
  for (std::size_t row = 0; row < n_rows; ++row) {
    std::copy_n(source, hidden_states_.get_size(), repeated.data<float>() + row * hidden_states_.get_size());
  }
  decoder_.set_tensor("encoder_hidden_states", repeated);
}

std::span<float> Session::decoder_logits() {
  if (own_decoder_) {
    return own_logits_;
  }
  ov::Tensor logits = decoder_.get_tensor("logits");
  return {logits.data<float>(), logits.get_size()};
}

/// A graph whose shapes are dynamic may have another vocabulary than config.json says.
void Session::expect_logits(std::size_t n_tokens) {
  const std::size_t n = decoder_logits().size();
  if (n != n_tokens * n_vocab_) {
    throw Error(ErrorCode::bad_format, "decoder",
                fmt::format("expected {} logits for a token, found {}.", n_vocab_, n / n_tokens));
  }
}

TokenAttention Session::attend(std::span<const TokenId> tokens,
                               std::span<const std::int64_t> logit_positions) {
  if (!alignment_) {
    alignment_ = std::make_unique<AlignmentModel>(core_, model_, options_);
  }
  return alignment_->attend(hidden_states_, tokens, logit_positions);
}

bool Session::can_attend() const {
  return has_cross_attention(*model_.decoder, alignment_heads(model_));
}

std::map<std::string, int> Session::executed_kernels(Stage stage) const {
  if (stage == Stage::encoder) {
    return own_encoder_ ? own_encoder_->executed_kernels() : transcribe::executed_kernels(encoder_model_);
  }
  auto kernels =
      own_decoder_ ? own_decoder_->executed_kernels() : transcribe::executed_kernels(decoder_model_);
  if (keys_) {
    const auto more =
        own_projections_ ? own_projections_->executed_kernels() : transcribe::executed_kernels(keys_model_);
    for (const auto& [kernel, n] : more) {
      kernels[kernel] += n;
    }
  }
  return kernels;
}

}  // namespace sotto::transcribe
