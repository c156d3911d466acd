#pragma once

#include <openvino/core/model.hpp>

namespace sotto::model {

/// Hands the pages of the model's weights that are mapped from files back to the system, which reads them
/// again when they are needed: a compiled model has copies of its own, and the pages would count as this
/// process's memory beside them. Weights in memory are left alone. Does nothing where /proc/self/maps cannot
/// be read. Source: madvise(2), MADV_DONTNEED of read-only file mappings.
void release_mapped_pages(const ov::Model& model);

}  // namespace sotto::model
