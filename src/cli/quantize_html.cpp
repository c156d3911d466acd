#include <cmath>
#include <map>

#include <fmt/format.h>

#include "cli/field_json.h"
#include "cli/quantize_report.h"

namespace sotto::cli {
namespace {

constexpr const char* kStyle =
    "body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#222;"
    "background:#fff}table{border-collapse:collapse;width:100%;margin:1em "
    "0}th,td{text-align:left;padding:2px "
    "10px 2px 0;border-bottom:1px solid #ddd;vertical-align:top}th{position:sticky;top:0;background:#fff}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}.skipped{color:#a33}code{font-size:12px}";

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '&':
        result += "&amp;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

/// "0.5", or a dash for what is no number.
std::string number_text(double value) {
  return std::isfinite(value) ? fmt::format("{:.4g}", value) : "–";
}

std::string steps_table(const std::vector<quantize::StepReport>& steps) {
  std::string rows;
  for (const quantize::StepReport& step : steps) {
    rows += fmt::format(
        "<tr{}><td><code>{}</code></td><td>{}</td><td>{}</td><td class=n>{}</td><td>{}</td></tr>\n",
        step.done ? "" : " class=skipped", escaped(step.node), escaped(step.algorithm),
        step.done ? "done" : "skipped", number_text(step.value), escaped(step.reason));
  }
  return "<table><tr><th>layer</th><th>algorithm</th><th></th><th>value</th><th>note</th></tr>\n" + rows +
         "</table>\n";
}

std::string tensors_table(const std::vector<quantize::TensorSummary>& tensors) {
  if (tensors.empty()) {
    return {};
  }
  std::string rows;
  for (const quantize::TensorSummary& tensor : tensors) {
    std::string outliers;
    for (const std::size_t c : tensor.outlier_channels) {
      outliers += fmt::format("{}{} ({})", outliers.empty() ? "" : ", ", c,
                              number_text(static_cast<double>(tensor.channel_magnitude[c])));
    }
    rows += fmt::format(
        "<tr><td><code>{}</code></td><td class=n>{}</td><td class=n>{}</td><td "
        "class=n>{}</td><td>{}</td></tr>\n",
        escaped(tensor.node), number_text(static_cast<double>(tensor.min)),
        number_text(static_cast<double>(tensor.max)),
        number_text(static_cast<double>(tensor.median_magnitude)), outliers);
  }
  return "<h3>What was observed</h3>\n<table><tr><th>output of</th><th>min</th><th>max</th><th>median "
         "magnitude</th><th>outlier channels (magnitude)</th></tr>\n" +
         rows + "</table>\n";
}

/// How many words quantizing cost, and which layers stay in floating point for that.
std::string accuracy_section(const std::optional<AccuracyControlReport>& report, double max_drop) {
  if (!report) {
    return {};
  }
  std::string steps;
  for (const AccuracyStep& step : report->steps) {
    std::string layers;
    for (const QuantizedLayer& layer : step.reverted) {
      layers += fmt::format("{}{} {}", layers.empty() ? "" : ", ", layer.part, layer.node);
    }
    steps += fmt::format(
        "<tr><td><code>{}</code></td><td class=n>{:.2f} %</td><td class=n>{:.2f}</td><td class=n>{:.2f} to "
        "{:.2f}</td></tr>\n",
        layers.empty() ? "everything quantized" : escaped(layers), step.accuracy_percent, step.drop.points,
        step.drop.interval.low, step.drop.interval.high);
  }
  std::string kept;
  for (const KeptLayer& layer : report->kept) {
    kept +=
        fmt::format("<tr><td>{}</td><td><code>{}</code></td><td class=n>{}</td><td class=n>{}</td></tr>\n",
                    layer.layer.part, escaped(layer.layer.node), number_text(layer.layer.sqnr_db),
                    layer.drop_without ? fmt::format("{:.2f}", *layer.drop_without) : "–");
  }
  constexpr const char* kOutcome[] = {"The bound is kept.", "No difference to FP is shown.",
                                      "The bound is not reached; this is the best model found."};
  return fmt::format(
      "<h2>Words</h2>\n<p>{} utterances, {} words{}; FP {:.2f} %. May lose {:g} points. {} Models measured: "
      "{}.</p>\n<table><tr><th>back in floating point</th><th>word accuracy</th><th>drop, "
      "points</th><th>95 % interval</th></tr>\n{}</table>\n{}",
      report->n_utterances, report->n_words, report->has_transcripts ? "" : " as the FP model hears them",
      report->fp_accuracy_percent, max_drop, kOutcome[static_cast<std::size_t>(report->outcome)],
      report->n_iterations, steps,
      kept.empty()
          ? ""
          : "<h3>Kept in floating point</h3>\n<table><tr><th>part</th><th>layer</th><th>output noise "
            "quantized alone, dB</th><th>drop if quantized too, points</th></tr>\n" +
                kept + "</table>\n");
}

std::string part_section(std::string_view title,
                         const std::vector<quantize::StepReport>& steps,
                         const std::vector<quantize::TensorSummary>& tensors,
                         const quantize::QuantizeOptions& options) {
  return fmt::format(
      "<h2>{}</h2>\n<p>{}</p>\n<details><summary>Options</summary><pre>{}</pre></details>\n{}{}", title,
      escaped(steps_summary(steps)), escaped(json_text(fields_json(options))), steps_table(steps),
      tensors_table(tensors));
}

}  // namespace

std::string quantize_html(const std::string& model,
                          const std::string& output,
                          const QuantizeWhisperOptions& options,
                          const QuantizeWhisperReport& report) {
  const std::string head = fmt::format(
      "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport "
      "content=\"width=device-width\"><title>{0}</title><style>{1}</style>\n<h1>{0}</h1>\n"
      "<p>Quantized from <code>{2}</code>: encoder {3}, decoder {4}. Calibrated with {5} utterances, {6:.1f} "
      "s "
      "of audio.</p>\n<p>Values: smooth_quant, smallest / largest scale; min_max, width of the range; bias "
      "correction, largest |shift / bias|; weights and output_error, signal to quantization noise in dB, of "
      "the weight and of the layer's output; accuracy_control, the drop with the layer quantized, "
      "points.</p>\n",
      escaped(output), kStyle, escaped(model), value_text(report.encoder_format),
      value_text(report.decoder_format), report.n_utterances, report.audio_s);
  return head + accuracy_section(report.accuracy, options.accuracy.max_drop.value_or(0.0)) +
         part_section("Encoder", report.encoder_steps, report.encoder_tensors, options.encoder) +
         part_section("Decoder", report.decoder_steps, report.decoder_tensors, options.decoder) + "</html>\n";
}

}  // namespace sotto::cli
