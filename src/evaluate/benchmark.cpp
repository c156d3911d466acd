#include "sotto/benchmark.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <numeric>
#include <thread>
#include <utility>

#include <openvino/openvino.hpp>

#include "core/log.h"
#include "evaluate/stopwatch.h"
#include "model/ir_error.h"
#include "sotto/error.h"
#include "transcribe/cache_tensors.h"
#include "transcribe/compile.h"
#include "transcribe/gather_rows.h"
#include "transcribe/logit_positions.h"

namespace sotto::evaluate {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kPromptTokens = 4;  // start, language, task, timestamps or none

/// The times of one kind of inference.
struct Times {
  std::vector<double> milliseconds;
  double wall_s = 0.0;  ///< during which all requests together ran them
};

ov::AnyMap hints(const BenchmarkOptions& options) {
  ov::AnyMap map = {ov::hint::performance_mode(options.hint == BenchmarkHint::latency
                                                   ? ov::hint::PerformanceMode::LATENCY
                                                   : ov::hint::PerformanceMode::THROUGHPUT)};
  if (options.streams > 0) {
    map.insert(ov::num_streams(options.streams));
  }
  return map;
}

ov::CompiledModel compile_part(ov::Core& core,
                               const std::shared_ptr<ov::Model>& graph,
                               const BenchmarkOptions& options,
                               std::string_view part) {
  transcribe::expect_device(core, options.session.device);
  return transcribe::compile(core, graph, options.session, part, hints(options));
}

int property_or_zero(const ov::CompiledModel& compiled, const std::string& name) {
  const auto names = compiled.get_property(ov::supported_properties);
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return 0;
  }
  const ov::Any value = compiled.get_property(name);
  return value.is<ov::streams::Num>() ? value.as<ov::streams::Num>().num : value.as<int>();
}

int n_requests(const ov::CompiledModel& compiled, const BenchmarkOptions& options) {
  if (options.requests > 0) {
    return options.requests;
  }
  return options.hint == BenchmarkHint::latency
             ? 1
             : std::max(1, static_cast<int>(compiled.get_property(ov::optimal_number_of_infer_requests)));
}

ov::Tensor filled(const ov::element::Type& type, const ov::Shape& shape) {
  ov::Tensor tensor(type, shape);
  std::fill_n(static_cast<char*>(tensor.data()), tensor.get_byte_size(), '\0');
  return tensor;
}

double timed_ms(ov::InferRequest& request) {
  const Stopwatch watch;
  request.infer();
  return 1000.0 * watch.seconds();
}

/// Runs `work(request number)` on `n` threads and passes on the first failure.
template <typename Work>
void in_parallel(int n, const Work& work) {
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(n));
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < n; ++i) {
      threads.emplace_back([&, i] {
        try {
          work(static_cast<std::size_t>(i));
        } catch (...) {
          failures[static_cast<std::size_t>(i)] = std::current_exception();
        }
      });
    }
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
}

BenchmarkPart part_of(std::string name, const std::vector<Times>& of_requests, double wall_s) {
  std::vector<double> all;
  for (const Times& times : of_requests) {
    all.insert(all.end(), times.milliseconds.begin(), times.milliseconds.end());
  }
  BenchmarkPart part;
  part.name = std::move(name);
  if (!all.empty()) {
    part.mean_ms = std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
    part.per_second = wall_s > 0.0 ? static_cast<double>(all.size()) / wall_s : 0.0;
  }
  part.latency_ms = spread_of(std::move(all));
  return part;
}

/// True while a run of `seconds` has not ended; throws Error(cancelled) where a stop was requested.
bool goes_on(const Stopwatch& watch, double seconds, const Progress& progress) {
  if (progress.stop.stop_requested()) {
    throw Error(ErrorCode::cancelled, "benchmark", "stopped on request.");
  }
  return watch.seconds() < seconds;
}

BenchmarkPart run_encoder(ov::CompiledModel& compiled, int n, double seconds, const Progress& progress) {
  std::vector<Times> times(static_cast<std::size_t>(n));
  const Stopwatch all;
  in_parallel(n, [&](std::size_t i) {
    ov::InferRequest request = compiled.create_infer_request();
    const auto input = compiled.input("input_features");
    request.set_tensor(input, filled(input.get_element_type(), input.get_shape()));
    request.infer();
    const Stopwatch watch;
    do {
      times[i].milliseconds.push_back(timed_ms(request));
    } while (goes_on(watch, seconds, progress));
    times[i].wall_s = watch.seconds();
  });
  double wall_s = 0.0;
  for (const Times& of_one : times) {
    wall_s = std::max(wall_s, of_one.wall_s);
  }
  return part_of("encoder", times, wall_s);
}

/// The decoder as transcribe::Session runs it.
struct DecoderGraph {
  std::shared_ptr<ov::Model> graph;
  transcribe::CacheTensors caches;    ///< none where it keeps state
  bool steps_need_no_window = false;  ///< K and V of the window are state after the prompt
  bool chooses_logits = false;
};

DecoderGraph decoder_graph(const ov::Model& decoder) {
  DecoderGraph result{.graph = decoder.clone(), .caches = transcribe::CacheTensors(decoder)};
  const auto variables = result.graph->get_variables();
  result.steps_need_no_window =
      result.graph->outputs().size() == 1 &&
      std::any_of(variables.begin(), variables.end(), [](const auto& variable) {
        return variable->get_info().variable_id.find(".encoder.") != std::string::npos;
      });
  result.chooses_logits = transcribe::add_logit_positions(*result.graph);
  transcribe::gather_rows_first(*result.graph);
  return result;
}

/// One decoder request and what it is fed.
class DecoderRun {
 public:
  DecoderRun(ov::CompiledModel& compiled, const DecoderGraph& graph, const ov::Tensor& hidden_states)
      : graph_(graph), hidden_states_(hidden_states), request_(compiled.create_infer_request()) {
    if (graph_.caches.empty()) {
      request_.set_tensor("beam_idx", filled(ov::element::i32, {1}));
    }
  }

  /// A window: its prompt, then `n_tokens` one by one.
  void run(int n_tokens, Times& prompts, Times& tokens) {
    request_.reset_state();
    graph_.caches.reset(request_, 1);
    request_.set_tensor("encoder_hidden_states", hidden_states_);
    prompts.milliseconds.push_back(feed(kPromptTokens));
    if (graph_.steps_need_no_window) {
      const std::size_t n_state = hidden_states_.get_shape()[2];
      request_.set_tensor("encoder_hidden_states", {hidden_states_, {0, 0, 0}, {1, 1, n_state}});
    }
    for (int i = 0; i < n_tokens; ++i) {
      tokens.milliseconds.push_back(feed(1));
    }
  }

 private:
  double feed(std::size_t n) {
    request_.set_tensor("input_ids", filled(ov::element::i64, {1, n}));
    if (graph_.chooses_logits) {
      request_.set_tensor(transcribe::kLogitPositions, filled(ov::element::i64, {1}));
    }
    const double ms = timed_ms(request_);
    constexpr std::int32_t kOnlyRow = 0;
    graph_.caches.feed(request_, {&kOnlyRow, 1});
    return ms;
  }

  const DecoderGraph& graph_;
  ov::Tensor hidden_states_;
  ov::InferRequest request_;
};

/// The rate of one kind of inference while the requests ran nothing else: summed over requests.
double rate(const std::vector<Times>& times) {
  double per_second = 0.0;
  for (const Times& of_one : times) {
    const double busy_ms = std::accumulate(of_one.milliseconds.begin(), of_one.milliseconds.end(), 0.0);
    per_second += busy_ms > 0.0 ? 1000.0 * static_cast<double>(of_one.milliseconds.size()) / busy_ms : 0.0;
  }
  return per_second;
}

std::vector<BenchmarkPart> run_decoder(ov::CompiledModel& compiled,
                                       const DecoderGraph& graph,
                                       const ov::Tensor& hidden_states,
                                       const BenchmarkOptions& options,
                                       const Progress& progress) {
  const int n = n_requests(compiled, options);
  std::vector<Times> prompts(static_cast<std::size_t>(n));
  std::vector<Times> tokens(static_cast<std::size_t>(n));
  in_parallel(n, [&](std::size_t i) {
    DecoderRun decoder(compiled, graph, hidden_states);
    Times ignored;
    decoder.run(options.decoder_tokens, ignored, ignored);
    const Stopwatch watch;
    do {
      decoder.run(options.decoder_tokens, prompts[i], tokens[i]);
    } while (goes_on(watch, options.seconds, progress));
  });
  BenchmarkPart prompt = part_of("decoder, prompt", prompts, 0.0);
  BenchmarkPart token = part_of("decoder, token", tokens, 0.0);
  prompt.per_second = rate(prompts);
  token.per_second = rate(tokens);
  return {prompt, token};
}

void validate(const BenchmarkOptions& options, const model::ModelDimensions& dims) {
  const std::int64_t most = dims.n_text_ctx - static_cast<std::int64_t>(kPromptTokens);
  if (options.decoder_tokens < 1 || options.decoder_tokens > most) {
    throw Error(
        ErrorCode::invalid_argument, "decoder_tokens",
        "expected 1 to " + std::to_string(most) + ", found " + std::to_string(options.decoder_tokens) + ".");
  }
  if (!(options.seconds > 0.0) || options.streams < 0 || options.requests < 0) {
    throw Error(ErrorCode::invalid_argument, "benchmark",
                "expected seconds above 0, and streams and requests of 0 or more.");
  }
}

}  // namespace

BenchmarkResult benchmark(const fs::path& directory,
                          const BenchmarkOptions& options,
                          const Progress& progress) {
  const model::WhisperModel whisper =
      model::is_ir_directory(directory) ? model::load(directory) : model::build(directory);
  validate(options, whisper.dims);
  BenchmarkResult result{.directory = directory,
                         .environment = environment(),
                         .device = options.session.device,
                         .hint = options.hint,
                         .inference_precision = {},
                         .parts = {}};
  return model::translate_ir_errors("benchmark", ErrorCode::internal, [&] {
    ov::Core core;
    step(progress, "compile", 0, 1);
    const Stopwatch loading;
    const DecoderGraph decoder_part = decoder_graph(*whisper.decoder);
    const auto graph = whisper.encoder->clone();
    graph->reshape(ov::PartialShape{1, whisper.dims.n_mels, 2 * whisper.dims.n_audio_ctx});
    ov::CompiledModel encoder = compile_part(core, graph, options, "encoder");
    ov::CompiledModel decoder = compile_part(core, decoder_part.graph, options, "decoder");
    result.load_s = loading.seconds();
    result.requests = n_requests(encoder, options);
    result.streams = property_or_zero(encoder, ov::num_streams.name());
    result.threads = property_or_zero(encoder, ov::inference_num_threads.name());
    result.inference_precision = encoder.get_property(ov::hint::inference_precision).get_type_name();

    step(progress, "encoder", 0, 0);
    result.parts.push_back(run_encoder(encoder, result.requests, options.seconds, progress));
    step(progress, "decoder", 0, 0);
    const auto frames = static_cast<std::size_t>(whisper.dims.n_audio_ctx);
    const ov::Tensor hidden = filled(decoder.input("encoder_hidden_states").get_element_type(),
                                     {1, frames, static_cast<std::size_t>(whisper.dims.n_audio_state)});
    for (BenchmarkPart& part : run_decoder(decoder, decoder_part, hidden, options, progress)) {
      result.parts.push_back(std::move(part));
    }
    return result;
  });
}

}  // namespace sotto::evaluate
