#include "transcribe/batch_decoder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>

#include "sotto/error.h"
#include "transcribe/greedy_decoder.h"

namespace sotto::transcribe {
namespace {

/// The rows of a batch while they grow, a window each.
class Rows {
 public:
  Rows(const DecodingTask& task, std::size_t n_windows) : task_(task), windows_(n_windows) {
    for (std::size_t window = 0; window < n_windows; ++window) {
      decoders_.emplace_back(0.0, 1, task.eot(), 0);
    }
    std::iota(windows_.begin(), windows_.end(), 0);
  }

  void update(const LogitRows& logits) {
    for (std::size_t row = 0; row < windows_.size(); ++row) {
      GreedyDecoder& decoder = decoders_[windows_[row]];
      if (!decoder.completed()) {
        const LogitRows own{logits[row], logits.n_vocab};
        task_.apply_filters(own, decoder.open_rows());
        decoder.update(own);
      }
    }
  }

  bool completed() const {
    return std::all_of(decoders_.begin(), decoders_.end(), [](const auto& d) { return d.completed(); });
  }

  LogitRows step(BatchInference& inference) {
    std::vector<std::int32_t> source_rows(windows_.size());
    std::iota(source_rows.begin(), source_rows.end(), 0);
    if (inference.drops_rows()) {
      drop_ended(source_rows);
    }
    last_tokens_.clear();
    for (const std::size_t window : windows_) {
      const GreedyDecoder& decoder = decoders_[window];
      last_tokens_.push_back(decoder.completed() ? task_.eot() : decoder.open_rows().front().tokens.back());
    }
    return inference.step(last_tokens_, source_rows);
  }

  const std::vector<GreedyDecoder>& decoders() const { return decoders_; }

 private:
  bool is_open(std::size_t row) const { return !decoders_[windows_[row]].completed(); }

  /// Moves the last open rows to where others have ended: what is moved is large.
  void drop_ended(std::vector<std::int32_t>& source_rows) {
    std::size_t n_open = 0;
    for (std::size_t row = 0; row < windows_.size(); ++row) {
      n_open += is_open(row) ? 1 : 0;
    }
    if (4 * n_open > 3 * windows_.size()) {
      return;  // a step of another size costs the device a plan of its own
    }
    std::size_t last = windows_.size();
    for (std::size_t row = 0; row < n_open; ++row) {
      if (!is_open(row)) {
        do {
          --last;
        } while (!is_open(last));
        std::swap(windows_[row], windows_[last]);
        source_rows[row] = static_cast<std::int32_t>(last);
      }
    }
    windows_.resize(n_open);
    source_rows.resize(n_open);
  }

  const DecodingTask& task_;
  std::vector<GreedyDecoder> decoders_;  // of the windows
  std::vector<std::size_t> windows_;     // of the rows
  std::vector<TokenId> last_tokens_;
};

}  // namespace

std::vector<DecodingResult> decode_together(BatchInference& inference,
                                            const DecodingTask& task,
                                            std::span<const DecodingTask::Run> runs) {
  std::vector<TokenId> prompts;
  for (const DecodingTask::Run& run : runs) {
    const std::vector<TokenId> prompt = task.initial_tokens(run);
    prompts.insert(prompts.end(), prompt.begin(), prompt.end());
  }
  const std::size_t n_initial = prompts.size() / runs.size();
  const BatchLogits first = inference.start_all(prompts, task.sot_position(runs.front()));
  std::vector<double> no_speech;
  for (std::size_t row = 0; row < runs.size(); ++row) {
    no_speech.push_back(task.no_speech_probability(first.at_position[row]));
  }
  Rows rows(task, runs.size());
  LogitRows logits = first.next;
  for (std::size_t n_sampled = 1;; ++n_sampled) {
    rows.update(logits);
    if (rows.completed() || task.is_full(n_initial, n_sampled)) {
      break;
    }
    if (runs.front().stop.stop_requested()) {
      throw Error(ErrorCode::cancelled, "transcribing", "stopped on request.");
    }
    logits = rows.step(inference);
  }
  std::vector<DecodingResult> results;
  for (std::size_t row = 0; row < runs.size(); ++row) {
    results.push_back(task.result(rows.decoders()[row], 0.0, no_speech[row]));
  }
  return results;
}

}  // namespace sotto::transcribe
