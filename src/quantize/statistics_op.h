#pragma once

#include <cstdint>

#include <openvino/op/op.hpp>

namespace sotto::quantize {

/// Minimum, maximum and mean of a tensor, by channel, in one pass over it, and some of its tokens.
///
/// Input: f32 or f16, any shape of static rank. Output: f32 [n_rows(n_tokens, n_channels), n_channels] =
/// minima, maxima, means along `axis`, then the values of n_tokens positions, then how many positions each of
/// them stands for, one after the other in rows of n_channels. Positions far from the mean have better
/// chances and stand for fewer. Where there are fewer, the rest stands for 0. With axis kWholeTensor,
/// n_channels is 1. An empty tensor gives +inf, -inf, 0; a value that is not finite makes the mean of its
/// channel not finite. Runs as a reference node inside the CPU plugin.
class StatisticsOp : public ov::op::Op {
 public:
  OPENVINO_OP("StatisticsOp", "sotto");

  static constexpr std::int64_t kWholeTensor = -1;

  static constexpr std::int64_t n_rows(std::int64_t n_tokens, std::int64_t n_channels) {
    return 3 + n_tokens + (n_tokens + n_channels - 1) / n_channels;
  }

  StatisticsOp() = default;
  StatisticsOp(const ov::Output<ov::Node>& tensor,
               std::int64_t axis,
               std::int64_t n_channels,
               std::int64_t n_tokens = 0);

  void validate_and_infer_types() override;
  std::shared_ptr<ov::Node> clone_with_new_inputs(const ov::OutputVector& inputs) const override;
  bool visit_attributes(ov::AttributeVisitor& visitor) override;
  bool evaluate(ov::TensorVector& outputs, const ov::TensorVector& inputs) const override;
  bool has_evaluate() const override { return true; }

 private:
  std::int64_t axis_ = kWholeTensor;
  std::int64_t n_channels_ = 1;
  std::int64_t n_tokens_ = 0;
};

}  // namespace sotto::quantize
