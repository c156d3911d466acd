#pragma once

namespace sotto::model {

/// Names in a directory of optimum-intel and openvino.genai; each graph has a .bin beside it.
inline constexpr const char* kEncoderFile = "openvino_encoder_model.xml";
inline constexpr const char* kDecoderFile = "openvino_decoder_model.xml";

}  // namespace sotto::model
