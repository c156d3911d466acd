#include "evaluate/report_rows.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "evaluate/figures.h"

namespace sotto::evaluate {
namespace {

using Cell = std::function<std::string(const Measurement&)>;

constexpr const char* kNone = "-";

std::string fixed(std::optional<double> value, int decimals) {
  return value ? fmt::format("{:.{}f}", *value, decimals) : "n/a";
}

/// With fewer decimals where a cell has no room for as many.
std::string range(double low, double high, int decimals) {
  constexpr std::size_t kMostDigits = 10;
  const std::string from = fmt::format("{:.{}f}", low, decimals);
  const std::string to = fmt::format("{:.{}f}", high, decimals);
  return decimals == 0 || from.size() + to.size() <= kMostDigits ? from + "…" + to
                                                                 : range(low, high, decimals - 1);
}

std::string range(const std::optional<Interval>& interval) {
  return interval ? range(interval->low, interval->high, 2) : "n/a";
}

/// 5th to 95th percentile.
std::string range(const Spread& spread, int decimals) {
  return spread.n == 0 ? kNone : range(spread.p5, spread.p95, decimals);
}

std::string median(const Spread& spread, int decimals) {
  return spread.n == 0 ? kNone : fixed(spread.median, decimals);
}

std::string kilobytes(std::uintmax_t bytes) {
  return bytes == 0 ? kNone : fixed(static_cast<double>(bytes) / 1024.0, 2);
}

std::string megabytes(std::uint64_t bytes) {
  return fixed(static_cast<double>(bytes) / 1e6, 1);
}

std::string int8_of_all(const std::map<std::string, int>& executed) {
  const KernelCount count = count_kernels(executed);
  return count.total == 0 ? kNone : fmt::format("{} of {}", count.int8, count.total);
}

class Rows {
 public:
  explicit Rows(const Comparison& comparison) : models_(comparison.models) {}

  void add(std::string_view label, const Cell& cell) {
    Row row{.label = std::string(label), .cells = {}};
    for (const Measurement& model : models_) {
      row.cells.push_back(cell(model));
    }
    rows_.push_back(std::move(row));
  }

  /// A line of what only sotto's own models have; a peer shows "-".
  void add_own(std::string_view label, const Cell& cell) {
    add(label, [&](const Measurement& m) { return m.is_peer ? kNone : cell(m); });
  }

  /// A line of a figure against the first model, which itself shows "-".
  void add_ratio(std::string_view label, std::optional<double> Ratios::* field, int decimals) {
    add(label, [&](const Measurement& m) -> std::string {
      return &m == &models_.front() ? kNone : fixed(ratios(models_.front(), m).*field, decimals);
    });
  }

  bool any(const std::function<bool(const Measurement&)>& holds) const {
    return std::any_of(models_.begin(), models_.end(), holds);
  }

  std::vector<Row> take() { return std::move(rows_); }

 private:
  const std::vector<Measurement>& models_;
  std::vector<Row> rows_;
};

void add_size(Rows& rows) {
  rows.add("Encoder file size (KB)", [](const Measurement& m) { return kilobytes(m.size.encoder_bytes); });
  rows.add_ratio("  compression rate", &Ratios::encoder_compression, 3);
  rows.add("Decoder file size (KB)", [](const Measurement& m) { return kilobytes(m.size.decoder_bytes); });
  rows.add_ratio("  compression rate", &Ratios::decoder_compression, 3);
}

void add_speed(Rows& rows) {
  rows.add("Encoder median inference (ms)", [](const Measurement& m) { return median(m.encoder_ms, 2); });
  rows.add_ratio("  speed-up", &Ratios::encoder_speedup, 3);
  rows.add("Decoder median inference (ms)", [](const Measurement& m) { return median(m.decoder_ms, 2); });
  rows.add_ratio("  speed-up", &Ratios::decoder_speedup, 3);
  rows.add_own("Whole transcription, mean (s)",
               [](const Measurement& m) { return fixed(m.transcription_mean_s, 3); });
  rows.add_ratio("  speed-up", &Ratios::transcription_speedup, 3);
  rows.add_own("  audio seconds per second",
               [](const Measurement& m) { return fixed(realtime_factor(m), 1); });
}

void add_accuracy(Rows& rows) {
  rows.add("Word accuracy (%)", [](const Measurement& m) { return fixed(m.word_accuracy_percent(), 2); });
  rows.add_ratio("  drop (points)", &Ratios::accuracy_drop_points, 2);
  rows.add("  95 % interval", [](const Measurement& m) { return range(m.word_accuracy_interval); });
  rows.add("  95 % interval of the drop",
           [](const Measurement& m) { return m.drop ? range(m.drop->interval) : kNone; });
  rows.add("  a difference is", [](const Measurement& m) -> std::string {
    return m.drop ? (m.drop->is_shown ? "shown" : "not shown") : kNone;
  });
  rows.add("  words right", [](const Measurement& m) { return fmt::to_string(m.words.hits); });
  rows.add("  words in the references",
           [](const Measurement& m) { return fmt::to_string(m.words.reference_length()); });
  rows.add("  substituted", [](const Measurement& m) { return fmt::to_string(m.words.substitutions); });
  rows.add("  deleted", [](const Measurement& m) { return fmt::to_string(m.words.deletions); });
  rows.add("  inserted", [](const Measurement& m) { return fmt::to_string(m.words.insertions); });
  rows.add("Character error rate (%)", [](const Measurement& m) {
    const auto rate = m.characters.rate();
    return fixed(rate ? std::optional(100.0 * *rate) : std::nullopt, 2);
  });
}

void add_translation(Rows& rows) {
  rows.add("chrF", [](const Measurement& m) { return fixed(m.chrf.score(), 2); });
  rows.add("  95 % interval", [](const Measurement& m) { return range(m.chrf_interval); });
}

/// "2 references have", "1 reference has".
std::string some(std::size_t n, std::string_view noun) {
  return n == 1 ? fmt::format("1 {} has", noun) : fmt::format("{} {}s have", n, noun);
}

void note_model(std::vector<std::string>& lines, const Measurement& m) {
  if (m.n_missing > 0) {
    lines.push_back(fmt::format("{}: no result for {} of {} utterances; they count as heard nothing.", m.name,
                                m.n_missing, m.utterances.size()));
  }
  if (m.n_empty_hypotheses > m.n_missing) {
    lines.push_back(fmt::format("{}: nothing was heard in {} of {} utterances with words.", m.name,
                                m.n_empty_hypotheses, m.utterances.size()));
  }
}

void note_data(std::vector<std::string>& lines, const Comparison& comparison) {
  const Measurement& m = comparison.models.front();
  lines.push_back(fmt::format("{} utterances, {:.1f} s of audio; models in turn, warm-up not counted.",
                              m.utterances.size(), m.audio_s));
  if (!comparison.skipped.empty()) {
    lines.push_back(fmt::format("{} could not be used and {} left out.",
                                comparison.skipped.size() == 1
                                    ? "1 part of the data"
                                    : fmt::format("{} parts of the data", comparison.skipped.size()),
                                comparison.skipped.size() == 1 ? "is" : "are"));
  }
  if (comparison.n_resampled > 0) {
    lines.push_back(
        fmt::format("{} not been recorded at 16 kHz: resampled.", some(comparison.n_resampled, "utterance")));
  }
  if (m.n_empty_references > 0) {
    lines.push_back(fmt::format("{} no words: what was heard there counts as inserted.",
                                some(m.n_empty_references, "reference")));
  }
}

}  // namespace

std::vector<Row> main_rows(const Comparison& comparison) {
  Rows rows(comparison);
  add_size(rows);
  add_speed(rows);
  add_accuracy(rows);
  if (comparison.task == transcribe::Task::translate) {
    add_translation(rows);
  }
  return rows.take();
}

std::vector<Row> run_rows(const Comparison& comparison) {
  Rows rows(comparison);
  rows.add("Encoder, 5 % … 95 % (ms)", [](const Measurement& m) { return range(m.encoder_ms, 1); });
  rows.add("Decoder, 5 % … 95 % (ms)", [](const Measurement& m) { return range(m.decoder_ms, 2); });
  rows.add("First segment, median (s)", [](const Measurement& m) { return median(m.first_segment_s, 3); });
  rows.add_own("Load time (s)", [](const Measurement& m) { return fixed(m.load_s, 2); });
  rows.add_own("Warm-up (s)", [](const Measurement& m) { return fixed(m.warm_up_s, 2); });
  if (rows.any([](const Measurement& m) { return m.memory.has_value(); })) {
    rows.add("Memory once loaded (MB)",
             [](const Measurement& m) { return m.memory ? megabytes(m.memory->loaded_bytes) : kNone; });
    rows.add("Memory at its peak (MB)",
             [](const Measurement& m) { return m.memory ? megabytes(m.memory->peak_bytes) : kNone; });
  }
  if (rows.any([](const Measurement& m) { return m.energy_j.has_value(); })) {
    rows.add("Energy (J per minute of audio)", [](const Measurement& m) {
      return m.energy_j && m.audio_s > 0.0 ? fixed(*m.energy_j * 60.0 / m.audio_s, 2) : kNone;
    });
  }
  rows.add_own("Inference precision", [](const Measurement& m) { return m.inference_precision; });
  rows.add("INT8 kernels, encoder", [](const Measurement& m) { return int8_of_all(m.encoder_kernels); });
  rows.add("INT8 kernels, decoder", [](const Measurement& m) { return int8_of_all(m.decoder_kernels); });
  return rows.take();
}

std::vector<std::string> verdicts(const Comparison& comparison) {
  std::vector<std::string> lines;
  for (const Measurement& m : comparison.models) {
    if (!m.drop) {
      continue;
    }
    const AccuracyDrop& drop = *m.drop;
    const std::string interval =
        fmt::format("{:.2f} to {:.2f} points", drop.interval.low, drop.interval.high);
    if (drop.is_shown) {
      lines.push_back(fmt::format("{}: word accuracy is {} by {:.2f} points (95 % interval of the drop {}).",
                                  m.name, drop.points > 0 ? "lower" : "higher", std::abs(drop.points),
                                  interval));
    } else if (drop.n_utterances_to_show) {
      lines.push_back(
          fmt::format("{}: no difference in word accuracy shown (95 % interval of the drop {}); some {} "
                      "utterances would show one of {:.2f}.",
                      m.name, interval, *drop.n_utterances_to_show, std::abs(drop.points)));
    } else if (drop.interval.low == drop.interval.high) {
      lines.push_back(fmt::format(
          "{}: no difference in word accuracy shown: as many errors in every utterance.", m.name));
    } else {
      lines.push_back(fmt::format("{}: no difference in word accuracy shown (95 % interval of the drop {}).",
                                  m.name, interval));
    }
  }
  return lines;
}

std::vector<std::string> notes(const Comparison& comparison) {
  std::vector<std::string> lines;
  if (comparison.models.empty()) {
    return lines;
  }
  note_data(lines, comparison);
  for (const Measurement& m : comparison.models) {
    note_model(lines, m);
  }
  const auto own = std::find_if(comparison.models.begin(), comparison.models.end(),
                                [](const Measurement& m) { return !m.is_peer; });
  const Measurement& m = own == comparison.models.end() ? comparison.models.front() : *own;
  const Environment& e = m.environment;
  if (!m.is_peer) {
    const std::string threads =
        m.threads > 0 ? fmt::format("{} threads", m.threads) : "threads: device's choice";
    lines.push_back(fmt::format("Device {}, {}. {} cores: {}", m.device, threads, e.n_cores, e.cpu_name));
  }
  lines.push_back(fmt::format("CPU features: {}", fmt::join(e.cpu_features, " ")));
  lines.push_back(fmt::format("sotto {}, OpenVINO {}", e.sotto_version, e.openvino_version));
  return lines;
}

}  // namespace sotto::evaluate
