#pragma once

#include <string>
#include <vector>

#include "sotto/report.h"

namespace sotto::evaluate {

/// One line of the comparison: a label, indented where it belongs to the line above, and a cell a model.
struct Row {
  std::string label;
  std::vector<std::string> cells;
};

/// The notebook's lines, then the lines of how it ran; names of the models are not among them.
std::vector<Row> main_rows(const Comparison& comparison);
std::vector<Row> run_rows(const Comparison& comparison);

/// What the figures were measured on, and what of the data was left out or odd: a sentence each.
std::vector<std::string> notes(const Comparison& comparison);

}  // namespace sotto::evaluate
