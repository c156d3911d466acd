#include <cmath>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <openvino/op/result.hpp>
#include <openvino/op/shape_of.hpp>
#include <openvino/runtime/infer_request.hpp>

#include "quantize/graph_analysis.h"
#include "quantize/observation.h"
#include "quantize/op_table.h"
#include "quantize/statistics.h"
#include "quantize/statistics_op.h"
#include "quantize/weights.h"
#include "sotto/error.h"
#include "sotto/quantize.h"

namespace sotto::quantize {
namespace {

/// The Results of an observation in the instrumented model.
struct Outputs {
  std::size_t statistics = 0;
  std::optional<std::size_t> shape;
};

/// The CPU plugin runs what the first Result needs, then what the second needs beside, and so on. With the
/// model's own Results first, every observed tensor would be kept until the model is done: 500 MB more for
/// the encoder of whisper-small.
void put_first(const ov::ResultVector& results, ov::Model& model) {
  const ov::ResultVector own = model.get_results();
  for (const auto& result : own) {
    model.remove_result(result);
  }
  model.add_results(results);
  model.add_results(own);
}

}  // namespace

struct Collector::Impl {
  std::shared_ptr<ov::Model> instrumented;
  std::vector<Outputs> outputs;
  std::vector<Site> sites;
  std::uint64_t hash = 0;
  std::unique_ptr<Statistics::Impl> statistics;

  void start() { statistics = std::make_unique<Statistics::Impl>(hash, sites); }
};

Collector::Collector(std::shared_ptr<ov::Model> model, const CollectorOptions& options)
    : impl_(std::make_unique<Impl>()) {
  if (!model) {
    throw Error(ErrorCode::invalid_argument, "Collector", "expected a model, found none.");
  }
  const auto clone = model->clone();
  make_friendly_names_unique(*clone);
  const InferenceGraph graph(clone);
  refuse_quantized_model(graph);
  refuse_weights_not_finite(graph);
  impl_->hash = model_hash(graph);
  ov::ResultVector results;
  std::size_t n_outputs = 0;
  for (const Observation& o : find_observations(graph, options.attention_inputs)) {
    const std::size_t n_tokens = o.site.keep == Site::Keep::channels ? kTokensPerInference : 0;
    const auto op =
        std::make_shared<StatisticsOp>(o.tensor, o.site.axis, static_cast<std::int64_t>(o.site.n_channels),
                                       static_cast<std::int64_t>(n_tokens));
    op->set_friendly_name(fmt::format("{}/statistics_{}_{}", o.site.node, o.site.port, o.site.axis));
    results.push_back(std::make_shared<ov::op::v0::Result>(op));
    Outputs at{n_outputs++, std::nullopt};
    if (o.shape) {
      results.push_back(
          std::make_shared<ov::op::v0::Result>(std::make_shared<ov::op::v3::ShapeOf>(o.tensor)));
      at.shape = n_outputs++;
    }
    impl_->outputs.push_back(at);
    impl_->sites.push_back(o.site);
  }
  put_first(results, *clone);
  // Else the CPU plugin keeps the K and V of attention in u8, and everything behind is observed through that.
  clone->set_rt_info(std::string("f32"), "runtime_options", "KV_CACHE_PRECISION");
  impl_->instrumented = clone;
  impl_->start();
}

Collector::~Collector() = default;
Collector::Collector(Collector&&) noexcept = default;
Collector& Collector::operator=(Collector&&) noexcept = default;

std::shared_ptr<ov::Model> Collector::instrumented() const {
  return impl_->instrumented;
}

void Collector::observe(ov::InferRequest& request) {
  Statistics::Impl& statistics = *impl_->statistics;
  for (std::size_t i = 0; i < impl_->outputs.size(); ++i) {
    const Outputs& at = impl_->outputs[i];
    const ov::Tensor values = request.get_output_tensor(at.statistics);
    statistics.add(i, {values.data<const float>(), values.get_size()});
    if (at.shape && statistics.sites[i].first_shape.empty()) {
      const ov::Tensor shape = request.get_output_tensor(*at.shape);
      const auto* dims = shape.data<const std::int64_t>();
      statistics.sites[i].first_shape.assign(dims, dims + shape.get_size());
    }
  }
  statistics.n_samples += 1;
}

Statistics Collector::take() {
  Statistics taken(std::move(impl_->statistics));
  impl_->start();
  return taken;
}

}  // namespace sotto::quantize
