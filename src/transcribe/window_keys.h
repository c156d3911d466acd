#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <openvino/core/model.hpp>
#include <openvino/core/type/element_type.hpp>
#include <openvino/runtime/infer_request.hpp>
#include <openvino/runtime/tensor.hpp>

namespace sotto::transcribe {

/// True if a decoder has states that begin with what is made of the window alone.
bool keeps_window(const ov::Model& decoder);

/// Turns the keys and values of a decoder's cross-attention into inputs of `type`, behind the others, whether
/// it keeps them as states or makes them at every step, and takes encoder_hidden_states away. Returns the
/// model that computes them from a window of window_shape, [1, 1500, n_state]: one output for each such
/// input, in their order. Null, and the decoder as it was, where anything else is made of the window.
std::shared_ptr<ov::Model> split_off_window(ov::Model& decoder,
                                            ov::element::Type type,
                                            const ov::Shape& window_shape);

/// Keys and values of cross-attention of one or more windows, [n_windows, n_head, 1500, 64] each.
///
/// Apart from the decoder they are computed once a window, however often it is decoded, and those of windows
/// that have ended can leave a batch: 18 MB of whisper-base's are read for each at every step.
class WindowKeys {
 public:
  /// Fills tensors, one for each of the model's results, from hidden states.
  using Project = std::function<void(const ov::Tensor& hidden_states, std::span<const ov::Tensor> keys)>;

  /// `projections` is split_off_window's, of fixed shapes, and `project` what computes it.
  WindowKeys(const ov::Model& projections, Project project);

  /// Forgets what was heard and makes room.
  void resize(std::size_t n_windows);
  /// Computes those of a window, [1, 1500, n_state].
  void hear(const ov::Tensor& hidden_states, std::size_t window);
  /// Exchanges those of two windows.
  void swap(std::size_t window, std::size_t other);
  /// Gives those of n_windows windows to a decoder.
  void bind(ov::InferRequest& decoder, std::size_t first_window, std::size_t n_windows) const;

  /// Of one input of the decoder that split_off_window() left, [n_windows, n_head, 1500, 64].
  const ov::Tensor& tensor(std::size_t input) const { return tensors_[input]; }
  /// That input's place, by its name.
  static std::size_t index_of(const std::string& input_name);

 private:
  Project project_;
  std::vector<ov::element::Type> types_;  ///< of each result
  std::vector<ov::Shape> shapes_;         ///< of one window
  std::vector<ov::Tensor> tensors_;
};

}  // namespace sotto::transcribe
