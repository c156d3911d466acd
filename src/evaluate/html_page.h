#pragma once

#include <string_view>

namespace sotto::evaluate {

/// A file of the HTML report by name: "report.html", "report.css", "report.js", "d3.min.js",
/// "plot.umd.min.js"; empty for another name. Written by cmake/embed_text.cmake.
std::string_view html_part(std::string_view name);

}  // namespace sotto::evaluate
