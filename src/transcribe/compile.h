#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openvino/core/type/element_type.hpp>
#include <openvino/runtime/compiled_model.hpp>
#include <openvino/runtime/core.hpp>

#include "sotto/transcribe.h"

namespace sotto::transcribe {

/// Throws Error(not_found) naming the devices there are unless `device` is one of them or a virtual one
/// (AUTO, HETERO, ...).
void expect_device(const ov::Core& core, const std::string& device);

/// The precision that compile() will lead to; dynamic where the device does not tell.
ov::element::Type inference_type(const ov::Core& core, const SessionOptions& options);

/// True for the CPU itself, which reads inputs where they are.
bool is_cpu(const SessionOptions& options);

/// Compiles for one inference at a time, unless `hints` say otherwise. Throws Error(invalid_argument) for an
/// unknown precision or a negative number of threads, Error(unsupported) with the device's words where it
/// refuses the model.
ov::CompiledModel compile(ov::Core& core,
                          const std::shared_ptr<const ov::Model>& model,
                          const SessionOptions& options,
                          std::string_view part,
                          const ov::AnyMap& hints = {});

/// A model that computes nothing, compiled: it tells how many threads and which precision the device takes.
ov::CompiledModel compile_nothing(ov::Core& core, const SessionOptions& options);

}  // namespace sotto::transcribe
