#include "transcribe/compile.h"

#include <algorithm>
#include <array>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openvino/op/parameter.hpp>
#include <openvino/op/result.hpp>
#include <openvino/runtime/properties.hpp>

#include "core/cpu_quota.h"
#include "model/ir_error.h"
#include "sotto/error.h"

namespace sotto::transcribe {
namespace {

constexpr std::array<std::string_view, 4> kVirtualDevices = {"AUTO", "BATCH", "HETERO", "MULTI"};

/// "GPU.1" → "GPU", "AUTO:GPU,CPU" → "AUTO".
std::string_view family(std::string_view device) {
  return device.substr(0, device.find_first_of(".:"));
}

ov::element::Type precision(const std::string& name) {
  if (name == "f32") {
    return ov::element::f32;
  }
  if (name == "bf16") {
    return ov::element::bf16;
  }
  if (name == "f16") {
    return ov::element::f16;
  }
  throw Error(ErrorCode::invalid_argument, "inference_precision",
              fmt::format("expected f32, bf16, f16 or nothing, found {}.", name));
}

bool supports(const ov::Core& core, const std::string& device, const std::string& property) {
  const auto names = core.get_property(device, ov::supported_properties);
  return std::find(names.begin(), names.end(), property) != names.end();
}

/// The device's default is to round cached keys and values to 8 bits, which pays for long texts only: a
/// Whisper window has at most 448 tokens.
void keep_cache_precision(const ov::Core& core, const SessionOptions& options, ov::AnyMap& map) {
  const auto type = inference_type(core, options);
  if (type != ov::element::dynamic && supports(core, options.device, ov::hint::kv_cache_precision.name())) {
    map.insert(ov::hint::kv_cache_precision(type));
  }
}

/// As many threads as asked for; otherwise, on a processor of which a control group grants a part only, as
/// many as that part. Else 0: OpenVINO takes one for each physical core that the process may run on.
int n_threads(const SessionOptions& options) {
  if (options.threads < 0) {
    throw Error(ErrorCode::invalid_argument, "threads",
                fmt::format("expected 0 or more, found {}.", options.threads));
  }
  if (options.threads > 0 || family(options.device) != "CPU") {
    return options.threads;
  }
  const int n_processors = static_cast<int>(std::thread::hardware_concurrency());
  const int quota = cpu_quota().value_or(n_processors);
  return quota < n_processors ? quota : 0;
}

ov::AnyMap properties(const ov::Core& core, const SessionOptions& options) {
  ov::AnyMap map = {ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY)};
  if (!options.inference_precision.empty()) {
    map.insert(ov::hint::inference_precision(precision(options.inference_precision)));
  }
  if (const int n = n_threads(options); n > 0) {
    map.insert(ov::inference_num_threads(n));
  }
  keep_cache_precision(core, options, map);
  return map;
}

}  // namespace

ov::element::Type inference_type(const ov::Core& core, const SessionOptions& options) {
  if (!supports(core, options.device, ov::hint::inference_precision.name())) {
    return ov::element::dynamic;
  }
  return options.inference_precision.empty()
             ? core.get_property(options.device, ov::hint::inference_precision)
             : precision(options.inference_precision);
}

bool is_cpu(const SessionOptions& options) {
  return family(options.device) == "CPU";
}

void expect_device(const ov::Core& core, const std::string& device) {
  std::vector<std::string> available = core.get_available_devices();
  const bool is_virtual =
      std::find(kVirtualDevices.begin(), kVirtualDevices.end(), family(device)) != kVirtualDevices.end();
  const bool is_there = std::any_of(available.begin(), available.end(), [&](const std::string& name) {
    return name == device || (family(name) == device);
  });
  // A single device of its family may be called "CPU.0" or "GPU.0" too.
  const bool is_first = device.ends_with(".0") &&
                        std::find(available.begin(), available.end(), family(device)) != available.end();
  if (!is_virtual && !is_there && !is_first) {
    available.emplace_back("AUTO");
    throw Error(ErrorCode::not_found, "device",
                fmt::format("expected one of {}, found {}.", fmt::join(available, ", "), device));
  }
}

ov::CompiledModel compile(ov::Core& core,
                          const std::shared_ptr<const ov::Model>& model,
                          const SessionOptions& options,
                          std::string_view part,
                          const ov::AnyMap& hints) {
  const std::string where = fmt::format("{} on {}", part, options.device);
  return model::translate_ir_errors(where, ErrorCode::unsupported, [&] {
    ov::AnyMap map = hints;
    map.merge(properties(core, options));  // keeps what is there
    return core.compile_model(model, options.device, map);
  });
}

ov::CompiledModel compile_nothing(ov::Core& core, const SessionOptions& options) {
  const auto value = std::make_shared<ov::op::v0::Parameter>(ov::element::f32, ov::Shape{1});
  const auto model = std::make_shared<ov::Model>(
      ov::OutputVector{std::make_shared<ov::op::v0::Result>(value)}, ov::ParameterVector{value}, "nothing");
  return compile(core, model, options, "model");
}

}  // namespace sotto::transcribe
