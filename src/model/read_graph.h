#pragma once

#include <filesystem>
#include <memory>

#include <openvino/core/model.hpp>

namespace sotto::model {

/// The .bin file beside an .xml file.
std::filesystem::path weights_of(const std::filesystem::path& xml);

/// Reads an .xml file and the .bin beside it. Throws Error(not_found | bad_format) naming the file.
std::shared_ptr<ov::Model> read_graph(const std::filesystem::path& xml);

}  // namespace sotto::model
