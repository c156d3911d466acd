// Times what sotto's session does with one window: the encoder, the first decoder step with a prompt of four
// tokens (cross-attention K and V are computed there), and a step with one token.
// Usage: sotto_step_times MODEL THREADS ROUNDS [PRECISION [ENGINE]]; prints one line of JSON, milliseconds,
// minima.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <limits>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sotto/audio.h"
#include "sotto/model.h"
#include "transcribe/session.h"

namespace {

using sotto::transcribe::Session;
using sotto::transcribe::Stage;
using sotto::transcribe::TokenId;

constexpr int kSteps = 30;

double milliseconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

/// A window of its own for every round: the session does not hear the same one twice.
sotto::audio::LogMel window_of(int n_mels, int round) {
  sotto::audio::LogMel mel{n_mels, sotto::audio::kWindowFrames, {}};
  mel.values.resize(static_cast<std::size_t>(n_mels) * sotto::audio::kWindowFrames);
  for (std::size_t i = 0; i < mel.values.size(); ++i) {
    mel.values[i] = static_cast<float>((i * 7919 + static_cast<std::size_t>(round)) % 1000) / 1000.0F - 0.5F;
  }
  return mel;
}

struct Times {
  double encoder_ms = std::numeric_limits<double>::infinity();
  double first_step_ms = encoder_ms;
  double decoder_ms_per_token = encoder_ms;
};

void time_window(Session& session, const sotto::audio::LogMel& window, Times& times) {
  constexpr std::array<TokenId, 4> kPrompt = {0, 1, 2, 3};
  constexpr std::array<std::int32_t, 1> kOnlyRow = {0};
  const auto keep = [](double& best, double ms) { best = std::min(best, ms); };
  keep(times.encoder_ms, milliseconds([&] { session.encode(window); }));
  keep(times.first_step_ms, milliseconds([&] { session.start(kPrompt, 0); }));
  for (TokenId token = 0; token < kSteps; ++token) {
    keep(times.decoder_ms_per_token, milliseconds([&] { session.step({&token, 1}, kOnlyRow); }));
  }
}

int run(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: sotto_step_times MODEL THREADS ROUNDS [PRECISION [auto|openvino]]\n");
    return 2;
  }
  const auto model = sotto::model::load(argv[1]);
  const bool is_openvino = argc > 5 && std::string_view(argv[5]) == "openvino";
  Session session(model, {.inference_precision = argc > 4 ? argv[4] : "",
                          .threads = std::atoi(argv[2]),
                          .engine = is_openvino ? sotto::transcribe::Engine::openvino
                                                : sotto::transcribe::Engine::automatic});
  Times times;
  for (int round = 0; round < std::atoi(argv[3]); ++round) {
    time_window(session, window_of(static_cast<int>(model.dims.n_mels), round), times);
  }
  const nlohmann::ordered_json figures = {{"encoder_ms", times.encoder_ms},
                                          {"first_step_ms", times.first_step_ms},
                                          {"decoder_ms_per_token", times.decoder_ms_per_token},
                                          {"inference_precision", session.inference_precision()},
                                          {"encoder_kernels", session.executed_kernels(Stage::encoder)},
                                          {"decoder_kernels", session.executed_kernels(Stage::decoder)}};
  fmt::print("{}\n", figures.dump());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "sotto_step_times: {}\n", e.what());
    return 1;
  }
}
