#include "transcribe/batch_decoder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "sotto/error.h"
#include "transcribe/greedy_decoder.h"

namespace sotto::transcribe {
namespace {

/// The rows of a batch while they grow.
class Rows {
 public:
  Rows(const DecodingTask& task, std::size_t n_rows) : task_(task) {
    for (std::size_t row = 0; row < n_rows; ++row) {
      decoders_.emplace_back(0.0, 1, task.eot(), 0);
    }
    order_.resize(n_rows);
    std::iota(order_.begin(), order_.end(), 0);
  }

  void update(const LogitRows& logits) {
    for (std::size_t row = 0; row < decoders_.size(); ++row) {
      GreedyDecoder& decoder = decoders_[row];
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

  LogitRows step(Inference& inference) {
    last_tokens_.clear();
    for (const GreedyDecoder& decoder : decoders_) {
      last_tokens_.push_back(decoder.completed() ? task_.eot() : decoder.open_rows().front().tokens.back());
    }
    return inference.step(last_tokens_, order_);
  }

  const std::vector<GreedyDecoder>& decoders() const { return decoders_; }

 private:
  const DecodingTask& task_;
  std::vector<GreedyDecoder> decoders_;
  std::vector<std::int32_t> order_;  // every row goes on where it was
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
