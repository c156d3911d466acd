#include <algorithm>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "evaluate/figures.h"
#include "sotto/evaluate.h"

namespace sotto::evaluate {
namespace {

constexpr std::size_t kLabelWidth = 32;
constexpr std::size_t kCellWidth = 12;

/// The end of a name that is too long for a cell: what differs is mostly there.
std::string shorten(const std::string& name) {
  if (name.size() < kCellWidth) {
    return name;
  }
  const auto continues = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; };
  std::size_t first = name.size() - (kCellWidth - 2);
  while (first < name.size() && continues(name[first])) {
    ++first;
  }
  return "…" + name.substr(first);
}

std::string fixed(std::optional<double> value, int decimals) {
  return value ? fmt::format("{:.{}f}", *value, decimals) : "n/a";
}

class Table {
 public:
  explicit Table(const std::vector<Measurement>& measurements) : measurements_(measurements) {}

  /// One line: a label and what `cell` says of each model.
  void row(std::string_view label, const std::function<std::string(const Measurement&)>& cell) {
    fmt::format_to(out(), "{:<{}}", label, kLabelWidth);
    for (const Measurement& measurement : measurements_) {
      fmt::format_to(out(), "{:>{}}", cell(measurement), kCellWidth);
    }
    text_ += '\n';
  }

  /// A line of a figure against the first model, which itself shows "-".
  void ratio_row(std::string_view label, std::optional<double> Ratios::* field, int decimals) {
    row(label, [&](const Measurement& m) -> std::string {
      return &m == &measurements_.front() ? "-" : fixed(ratios(measurements_.front(), m).*field, decimals);
    });
  }

  void line(std::string_view text = {}) {
    text_ += text;
    text_ += '\n';
  }

  std::string take() { return std::move(text_); }

 private:
  std::back_insert_iterator<std::string> out() { return std::back_inserter(text_); }

  const std::vector<Measurement>& measurements_;
  std::string text_;
};

std::string kilobytes(std::uintmax_t bytes) {
  return fixed(static_cast<double>(bytes) / 1024.0, 2);
}

std::string int8_of_all(const std::map<std::string, int>& executed) {
  const KernelCount count = count_kernels(executed);
  return fmt::format("{} of {}", count.int8, count.total);
}

void add_size(Table& table) {
  table.row("Encoder file size (KB)", [](const Measurement& m) { return kilobytes(m.size.encoder_bytes); });
  table.ratio_row("  compression rate", &Ratios::encoder_compression, 3);
  table.row("Decoder file size (KB)", [](const Measurement& m) { return kilobytes(m.size.decoder_bytes); });
  table.ratio_row("  compression rate", &Ratios::decoder_compression, 3);
}

void add_speed(Table& table) {
  table.row("Encoder median inference (ms)",
            [](const Measurement& m) { return fixed(m.encoder_median_ms, 2); });
  table.ratio_row("  speed-up", &Ratios::encoder_speedup, 3);
  table.row("Decoder median inference (ms)",
            [](const Measurement& m) { return fixed(m.decoder_median_ms, 2); });
  table.ratio_row("  speed-up", &Ratios::decoder_speedup, 3);
  table.row("Whole transcription, mean (s)",
            [](const Measurement& m) { return fixed(m.transcription_mean_s, 3); });
  table.ratio_row("  speed-up", &Ratios::transcription_speedup, 3);
  table.row("  audio seconds per second", [](const Measurement& m) { return fixed(realtime_factor(m), 1); });
}

void add_accuracy(Table& table) {
  table.row("Word accuracy (%)", [](const Measurement& m) { return fixed(m.word_accuracy_percent(), 2); });
  table.ratio_row("  drop (points)", &Ratios::accuracy_drop_points, 2);
  table.row("  words right", [](const Measurement& m) { return fmt::to_string(m.words.hits); });
  table.row("  words in the references",
            [](const Measurement& m) { return fmt::to_string(m.words.reference_length()); });
  table.row("  substituted", [](const Measurement& m) { return fmt::to_string(m.words.substitutions); });
  table.row("  deleted", [](const Measurement& m) { return fmt::to_string(m.words.deletions); });
  table.row("  inserted", [](const Measurement& m) { return fmt::to_string(m.words.insertions); });
}

void add_run(Table& table) {
  table.row("Inference precision", [](const Measurement& m) { return m.inference_precision; });
  table.row("INT8 kernels, encoder", [](const Measurement& m) { return int8_of_all(m.encoder_kernels); });
  table.row("INT8 kernels, decoder", [](const Measurement& m) { return int8_of_all(m.decoder_kernels); });
  table.row("Load time (s)", [](const Measurement& m) { return fixed(m.load_s, 2); });
}

void add_environment(Table& table, const Measurement& m) {
  const Environment& e = m.environment;
  table.line(fmt::format("{} utterances, {:.1f} s of audio; models in turn, warm-up not counted.",
                         m.utterances.size(), m.audio_s));
  if (m.n_empty_references > 0) {
    table.line(fmt::format("{} have a reference without words: what was heard there counts as inserted.",
                           m.n_empty_references));
  }
  const std::string threads =
      m.threads > 0 ? fmt::format("{} threads", m.threads) : "threads: device's choice";
  table.line(fmt::format("Device {}, {}. {} cores: {}", m.device, threads, e.n_cores, e.cpu_name));
  table.line(fmt::format("CPU features: {}", fmt::join(e.cpu_features, " ")));
  table.line(fmt::format("sotto {}, OpenVINO {}", e.sotto_version, e.openvino_version));
}

}  // namespace

std::string to_table(const std::vector<Measurement>& measurements) {
  if (measurements.empty()) {
    return {};
  }
  Table table(measurements);
  table.row("", [](const Measurement& m) { return shorten(m.name); });
  add_size(table);
  add_speed(table);
  add_accuracy(table);
  table.line();
  add_run(table);
  table.line();
  add_environment(table, measurements.front());
  return table.take();
}

}  // namespace sotto::evaluate
