#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openvino/runtime/compiled_model.hpp>
#include <openvino/runtime/core.hpp>

#include "sotto/transcribe.h"

namespace sotto::transcribe {

/// Throws Error(not_found) naming the devices there are unless `device` is one of them or a virtual one
/// (AUTO, HETERO, ...).
void expect_device(const ov::Core& core, const std::string& device);

/// Compiles for one inference at a time, unless `hints` say otherwise. Throws Error(invalid_argument) for an
/// unknown precision or a negative number of threads, Error(unsupported) with the device's words where it
/// refuses the model.
ov::CompiledModel compile(ov::Core& core,
                          const std::shared_ptr<const ov::Model>& model,
                          const SessionOptions& options,
                          std::string_view part,
                          const ov::AnyMap& hints = {});

}  // namespace sotto::transcribe
