#pragma once

#include <map>
#include <string>

namespace ov {
class CompiledModel;
}

namespace sotto::transcribe {

/// Layer and kernel of the nodes that multiply matrices, as the device runs them ("FullyConnected
/// brgemm_avx512_amx_I8"), and how many there are of each. Empty where a device has no runtime model.
std::map<std::string, int> executed_kernels(const ov::CompiledModel& model);

/// The precision a device computes in: "f32", "bf16", "f16"; empty where it does not say.
std::string inference_precision(const ov::CompiledModel& model);

}  // namespace sotto::transcribe
