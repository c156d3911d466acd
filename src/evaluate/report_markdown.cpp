#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "evaluate/report_details.h"
#include "evaluate/report_rows.h"

namespace sotto::evaluate {
namespace {

/// Text that Markdown takes as it is: names come from directories.
std::string escaped(std::string_view text) {
  constexpr std::string_view kSpecial = "\\`*_{}[]<>|#";
  std::string out;
  for (const char c : text) {
    if (kSpecial.find(c) != std::string_view::npos) {
      out += '\\';
    }
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string table(const Comparison& comparison, const std::vector<Row>& rows) {
  std::string head = "| |";
  std::string rule = "| --- |";
  for (const Measurement& model : comparison.models) {
    head += fmt::format(" {} |", escaped(model.name));
    rule += " ---: |";
  }
  std::string text = head + "\n" + rule + "\n";
  for (const Row& row : rows) {
    const std::size_t indent = row.label.find_first_not_of(' ');
    text += fmt::format("| {}{} |", indent > 0 ? "– " : "", row.label.substr(indent));
    for (const std::string& cell : row.cells) {
      text += fmt::format(" {} |", escaped(cell));
    }
    text += '\n';
  }
  return text;
}

/// What each layer that went back to floating point gave back, in the order they went.
std::string accuracy_table(const std::string& text) {
  const auto report = parse_quantize_report(text);
  const auto steps = accuracy_steps(report);
  if (steps.empty()) {
    return {};
  }
  const auto output = report.value("output", nlohmann::ordered_json());
  std::string table = fmt::format(
      "\n### Word accuracy as layers of {} went back to floating point\n\n| | % | gave back, points |\n| --- "
      "| "
      "---: | ---: |\n",
      escaped(output.is_string() ? output.get<std::string>() : "?"));
  double before = steps.front()["accuracy_percent"].get<double>();
  for (const auto& step : steps) {
    const auto percent = step["accuracy_percent"].get<double>();
    const auto reverted = step.value("reverted", nlohmann::ordered_json());
    table += fmt::format("| {} | {:.2f} | {} |\n",
                         reverted.is_string() ? escaped(reverted.get<std::string>()) : "everything quantized",
                         percent, &step == &steps.front() ? "" : fmt::format("{:+.2f}", percent - before));
    before = percent;
  }
  return table;
}

/// The layers of a part with most noise.
std::string noisiest_layers(std::string_view part, std::vector<LayerFidelity> layers) {
  constexpr std::size_t kShown = 5;
  std::ranges::stable_sort(layers, {}, &LayerFidelity::sqnr_db);
  layers.resize(std::min(layers.size(), kShown));
  std::string rows;
  for (const LayerFidelity& layer : layers) {
    rows +=
        fmt::format("| {} {} | {:.1f} | {:.4g} to {:.4g} | {:.1f} | {:.1f} |\n", part, escaped(layer.name),
                    layer.sqnr_db, layer.low, layer.high, layer.outlier_before, layer.outlier_after);
  }
  return rows;
}

std::string layers_table(const LayersOfModel& model) {
  const std::string rows =
      noisiest_layers("encoder", model.layers.encoder) + noisiest_layers("decoder", model.layers.decoder);
  return rows.empty() ? std::string()
                      : fmt::format(
                            "\n### Noisiest layers of {}\n\n| | SQNR, dB | range of the input | widest "
                            "channel / median | smoothed |\n| --- | ---: | ---: | ---: | ---: |\n",
                            escaped(model.name)) +
                            rows;
}

}  // namespace

std::string to_markdown(const Comparison& comparison, const ReportDetails& details) {
  if (comparison.models.empty()) {
    return {};
  }
  std::string text = table(comparison, main_rows(comparison)) + "\n";
  for (const std::string& verdict : verdicts(comparison)) {
    text += fmt::format("**{}**\n\n", escaped(verdict));
  }
  text += table(comparison, run_rows(comparison)) + "\n";
  for (const std::string& note : notes(comparison)) {
    text += fmt::format("- {}\n", escaped(note));
  }
  for (const std::string& report : details.quantize_reports) {
    text += accuracy_table(report);
  }
  for (const LayersOfModel& model : details.layers) {
    text += layers_table(model);
  }
  return text;
}

}  // namespace sotto::evaluate
