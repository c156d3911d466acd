#include "recipe/revert_layers.h"

#include <algorithm>
#include <map>
#include <utility>

namespace sotto {
namespace {

constexpr std::size_t kMostOfPath = 8;  // models measured for the path alone

/// Thrown where no more models may be measured.
struct OutOfIterations {};

class Search {
 public:
  Search(const RevertOptions& options, const MeasureReverted& measure)
      : options_(options), measure_(measure) {}

  RevertResult run() {
    try {
      if (find_enough()) {
        give_back();
      }
    } catch (const OutOfIterations&) {  // with what was found so far
    }
    best_ = found_ ? *found_ : least_drop();
    return result();
  }

 private:
  /// The model with these layers reverted, measured once.
  const RevertTrial& trial(const LayerSet& reverted) {
    const auto known = trials_.find(reverted);
    if (known != trials_.end()) {
      return known->second;
    }
    if (options_.max_num_iterations != 0 && trials_.size() >= options_.max_num_iterations) {
      throw OutOfIterations();
    }
    return trials_.emplace(reverted, measure_(reverted)).first->second;
  }

  bool is_within(const RevertTrial& trial) const { return trial.drop.points <= options_.max_drop; }
  bool is_noise(const RevertTrial& trial) const {
    return options_.ignore_noise && !is_within(trial) && !trial.drop.is_shown;
  }
  bool is_enough(const RevertTrial& trial) const { return is_within(trial) || is_noise(trial); }

  static LayerSet first(std::size_t n) {
    LayerSet layers;
    for (std::size_t i = 0; i < n; ++i) {
      layers.insert(layers.end(), i);
    }
    return layers;
  }

  bool try_first(std::size_t n) {
    const LayerSet layers = first(n);
    if (!is_enough(trial(layers))) {
      return false;
    }
    found_ = layers;
    return true;
  }

  /// Finds how many layers of the ranking are enough; false where all are not.
  bool find_enough() {
    if (try_first(0)) {
      return true;
    }
    std::size_t too_few = 0;
    std::size_t n = 1;
    while (n <= options_.n_layers && !try_first(n)) {
      too_few = n;
      n = n < options_.n_layers ? std::min(2 * n, options_.n_layers) : n + 1;
    }
    if (n > options_.n_layers) {
      return false;
    }
    while (n - too_few > 1) {
      const std::size_t middle = too_few + (n - too_few) / 2;
      (try_first(middle) ? n : too_few) = middle;
    }
    return true;
  }

  /// No worse than the bound, or than what was found where that is above it.
  bool is_no_worse(const RevertTrial& other) {
    return is_within(other) || (is_enough(other) && other.drop.points <= trial(*found_).drop.points);
  }

  bool can_do_without(const std::vector<std::size_t>& layers) {
    LayerSet fewer = *found_;
    for (const std::size_t layer : layers) {
      fewer.erase(layer);
    }
    const RevertTrial& without = trial(fewer);
    if (layers.size() == 1) {
      drop_without_[layers.front()] = without.drop.points;
    }
    if (!is_no_worse(without)) {
      return false;
    }
    found_ = fewer;
    return true;
  }

  void give_back(const std::vector<std::size_t>& layers) {
    if (layers.empty() || can_do_without(layers) || layers.size() == 1) {
      return;
    }
    const auto middle = layers.begin() + static_cast<std::ptrdiff_t>(layers.size() / 2);
    give_back({middle, layers.end()});
    give_back({layers.begin(), middle});
  }

  void give_back() {
    const std::vector<std::size_t> layers(found_->begin(), found_->end());
    if (layers.size() > 1) {  // all of them without any was measured first
      const auto middle = layers.begin() + static_cast<std::ptrdiff_t>(layers.size() / 2);
      give_back({middle, layers.end()});
      give_back({layers.begin(), middle});
    } else if (layers.size() == 1) {
      drop_without_[layers.front()] = trial({}).drop.points;
    }
  }

  LayerSet least_drop() const {
    const auto least = std::ranges::min_element(trials_, {}, [](const auto& trial) {
      return std::pair(trial.second.drop.points, trial.first.size());
    });
    return least->first;
  }

  /// Layers of the result added in the order of the ranking, a few at a time where they are many.
  std::vector<RevertTrial> path() {
    std::vector<RevertTrial> steps = {trial({})};
    const std::size_t n_steps = std::min(best_.size(), kMostOfPath);
    LayerSet some;
    auto next = best_.begin();
    for (std::size_t i = 1; i <= n_steps; ++i) {
      while (some.size() < best_.size() * i / n_steps) {
        some.insert(*next++);
      }
      try {
        steps.push_back(trial(some));
      } catch (const OutOfIterations&) {  // a longer step then
      }
    }
    return steps;
  }

  RevertResult result() {
    RevertResult result;
    const RevertTrial& best = trial(best_);
    result.outcome = is_within(best)  ? AccuracyOutcome::within
                     : is_noise(best) ? AccuracyOutcome::noise
                                      : AccuracyOutcome::exceeded;
    result.path = path();
    for (const std::size_t layer : best_) {
      const auto known = drop_without_.find(layer);
      result.drop_without.push_back(known == drop_without_.end() ? std::nullopt
                                                                 : std::optional(known->second));
    }
    result.n_iterations = trials_.size();
    return result;
  }

  const RevertOptions& options_;
  const MeasureReverted& measure_;
  std::map<LayerSet, RevertTrial> trials_;
  std::optional<LayerSet> found_;  ///< the fewest layers so far that are enough
  LayerSet best_;
  std::map<std::size_t, double> drop_without_;  ///< when it was last tried
};

}  // namespace

RevertResult revert_layers(const RevertOptions& options, const MeasureReverted& measure) {
  return Search(options, measure).run();
}

}  // namespace sotto
