#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <openvino/openvino.hpp>
#include <openvino/opsets/opset13.hpp>

#include "sotto/quantize.h"

namespace sotto::quantize::test {

namespace op = ov::opset13;

using Output = ov::Output<ov::Node>;

inline std::vector<float> random_values(std::size_t n, unsigned seed, float scale = 1.0F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.1F, scale);
  std::vector<float> values(n);
  for (float& v : values) {
    v = normal(generator);
  }
  return values;
}

inline Output named(const std::shared_ptr<ov::Node>& node, const std::string& name) {
  node->set_friendly_name(name);
  return node->output(0);
}

inline std::shared_ptr<op::Parameter> parameter(const ov::PartialShape& shape, const std::string& name) {
  auto p = std::make_shared<op::Parameter>(ov::element::f32, shape);
  p->set_friendly_name(name);
  p->output(0).get_tensor().set_names({name});
  return p;
}

inline Output constant(const ov::Shape& shape, const std::vector<float>& values, const std::string& name) {
  return named(op::Constant::create(ov::element::f32, shape, values), name);
}

/// x [.., n_in] → [.., n_out]; weight "<name>.weight" [n_out, n_in], bias [1, 1, n_out].
inline Output linear(const Output& x,
                     const ov::Shape& shape,
                     const std::vector<float>& weight,
                     const std::vector<float>& bias,
                     const std::string& name) {
  auto y =
      named(std::make_shared<op::MatMul>(x, constant(shape, weight, name + ".weight"), false, true), name);
  if (bias.empty()) {
    return y;
  }
  return named(std::make_shared<op::Add>(y, constant({1, 1, bias.size()}, bias, name + ".bias")),
               name + "/add");
}

inline Output gelu(const Output& x, const std::string& name) {
  return named(std::make_shared<op::Gelu>(x), name);
}

inline std::shared_ptr<ov::Model> model(const Output& result, const ov::ParameterVector& parameters) {
  return std::make_shared<ov::Model>(ov::OutputVector{result}, parameters, "test");
}

/// x [1, ?, 8] → fc1 → gelu → fc2 → [1, ?, 8], with random weights and biases.
inline std::shared_ptr<ov::Model> mlp(unsigned seed = 1) {
  const auto x = parameter({1, -1, 8}, "x");
  const auto h =
      gelu(linear(x, {16, 8}, random_values(128, seed, 0.4F), random_values(16, seed + 1), "fc1"), "gelu");
  return model(linear(h, {8, 16}, random_values(128, seed + 2, 0.3F), random_values(8, seed + 3), "fc2"),
               {x});
}

/// x [1, ?, n] → layer normalization "ln" with one gain or one for each channel → layers fc1 and fc2 → their
/// sum, and the normalization itself if it is read elsewhere too.
inline std::shared_ptr<ov::Model> behind_normalization(std::size_t n,
                                                       const std::vector<float>& gain,
                                                       bool read_elsewhere) {
  const auto x = parameter({1, -1, static_cast<std::int64_t>(n)}, "x");
  const auto axes = op::Constant::create(ov::element::i64, {1}, {-1});
  const auto mvn = std::make_shared<op::MVN>(x, axes, true, 1e-5F, ov::op::MVNEpsMode::INSIDE_SQRT);
  const ov::Shape shape = gain.size() == 1 ? ov::Shape{} : ov::Shape{1, 1, n};
  const auto scaled = std::make_shared<op::Multiply>(mvn, constant(shape, gain, "ln.weight"));
  const auto y =
      named(std::make_shared<op::Add>(scaled, constant({n}, random_values(n, 5), "ln.bias")), "ln");
  const auto a = linear(y, {n, n}, random_values(n * n, 1), {}, "fc1");
  const auto b = linear(y, {n, n}, random_values(n * n, 2), {}, "fc2");
  auto sum = std::make_shared<op::Add>(a, b)->output(0);
  if (read_elsewhere) {
    sum = std::make_shared<op::Add>(sum, y);
  }
  return model(sum, {x});
}

/// Random inputs of shape [1, n, 8] for n = 1, 2, ...; channel 2 is 20 times as large as the others.
inline std::vector<ov::Tensor> mlp_inputs(std::size_t n_samples, unsigned seed = 7) {
  std::vector<ov::Tensor> inputs;
  for (std::size_t i = 0; i < n_samples; ++i) {
    ov::Tensor tensor(ov::element::f32, {1, i + 1, 8});
    std::vector<float> values = random_values(tensor.get_size(), seed + static_cast<unsigned>(i));
    for (std::size_t j = 2; j < values.size(); j += 8) {
      values[j] *= 20.0F;
    }
    std::copy(values.begin(), values.end(), tensor.data<float>());
    inputs.push_back(tensor);
  }
  return inputs;
}

inline ov::InferRequest compile(const std::shared_ptr<ov::Model>& m) {
  static ov::Core core;
  return core.compile_model(m, "CPU", ov::hint::inference_precision(ov::element::f32)).create_infer_request();
}

/// Runs a model of one input over each tensor and takes its statistics.
inline Statistics calibrate(const std::shared_ptr<ov::Model>& m,
                            const std::vector<ov::Tensor>& inputs,
                            const CollectorOptions& options = {}) {
  Collector collector(m, options);
  auto request = compile(collector.instrumented());
  for (const ov::Tensor& input : inputs) {
    request.set_input_tensor(0, input);
    request.infer();
    collector.observe(request);
  }
  return collector.take();
}

inline std::vector<float> infer(const std::shared_ptr<ov::Model>& m, const ov::Tensor& input) {
  auto request = compile(m);
  request.set_input_tensor(0, input);
  request.infer();
  const ov::Tensor output = request.get_output_tensor(0);
  const auto* values = output.data<const float>();
  return {values, values + output.get_size()};
}

/// Largest difference between two results over the largest magnitude of the first.
inline double relative_error(const std::vector<float>& expected, const std::vector<float>& found) {
  double difference = 0.0;
  double magnitude = 1e-12;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference = std::max(difference, static_cast<double>(std::abs(expected[i] - found[i])));
    magnitude = std::max(magnitude, static_cast<double>(std::abs(expected[i])));
  }
  return difference / magnitude;
}

inline std::shared_ptr<ov::Node> find(const std::shared_ptr<ov::Model>& m, const std::string& name) {
  for (const auto& node : m->get_ordered_ops()) {
    if (node->get_friendly_name() == name) {
      return node;
    }
  }
  return nullptr;
}

/// Names of the nodes of a type, in topological order.
inline std::vector<std::string> names_of(const std::shared_ptr<ov::Model>& m, const std::string& type) {
  std::vector<std::string> names;
  for (const auto& node : m->get_ordered_ops()) {
    if (type == node->get_type_info().name) {
      names.push_back(node->get_friendly_name());
    }
  }
  return names;
}

inline std::vector<float> values_of(const std::shared_ptr<ov::Node>& node) {
  return std::dynamic_pointer_cast<op::Constant>(node)->cast_vector<float>();
}

inline const StepReport* report_of(const QuantizeResult& result,
                                   const std::string& algorithm,
                                   const std::string& node) {
  for (const StepReport& step : result.steps) {
    if (step.algorithm == algorithm && step.node == node) {
      return &step;
    }
  }
  return nullptr;
}

}  // namespace sotto::quantize::test
