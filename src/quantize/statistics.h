#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "quantize/sample_store.h"
#include "quantize/token_reservoir.h"
#include "sotto/quantize.h"

namespace sotto::quantize {

/// Tokens offered by each inference for each site that keeps channels.
inline constexpr std::size_t kTokensPerInference = 16;

/// A tensor that is observed: the output `port` of `node`, by channel along `axis` or as a whole.
struct Site {
  enum class Keep {
    mean,      ///< running means only
    tensor,    ///< and the whole tensor's extremes of each sample
    channels,  ///< each channel's extremes of each sample, and some tokens
  };

  std::string node;
  std::size_t port = 0;
  std::int64_t axis = -1;  ///< -1: the tensor as one channel
  std::size_t n_channels = 1;
  Keep keep = Keep::tensor;

  bool operator==(const Site&) const = default;
};

/// What was seen of a site. A sample is one inference in which the tensor was not empty.
struct SiteStatistics {
  Site site;
  std::size_t n_samples = 0;
  std::vector<float> min;                 ///< [n_channels] over all samples
  std::vector<float> max;                 ///< [n_channels]
  std::vector<double> sum_mean;           ///< [n_channels] sum of the samples' means
  std::vector<std::int64_t> first_shape;  ///< of the first sample, where it was asked for
  std::vector<SampleStore::Row> rows;     ///< a sample's minima then maxima; once where they are equal
  std::vector<float> last_row;
  TokenReservoir tokens;

  /// Nothing seen yet.
  static SiteStatistics of(const Site& site);
  std::vector<float> mean() const;
};

struct Statistics::Impl {
  std::uint64_t model_hash = 0;
  std::size_t n_samples = 0;
  std::vector<SiteStatistics> sites;
  SampleStore store;

  explicit Impl(std::uint64_t hash, const std::vector<Site>& observed);

  /// Adds one sample: f32 [n_rows, n_channels] as StatisticsOp writes it, of kTokensPerInference tokens or of
  /// none. Throws Error(bad_format) naming the node for values that are
  /// not finite; ignores a sample of an empty tensor.
  void add(std::size_t site, std::span<const float> min_max_mean_tokens);

  /// Adds all samples of the same site taken elsewhere.
  void append(std::size_t site, const SiteStatistics& other, const SampleStore& from);

  /// Calls `visit` with the minima and maxima of each sample of a site: [n_channels], or [1] where the site
  /// keeps the tensor only.
  using Visitor = std::function<void(std::span<const float> min, std::span<const float> max)>;
  void for_each_sample(const SiteStatistics& site, const Visitor& visit) const;

 private:
  void add_row(SiteStatistics& site, std::vector<float> row);
};

}  // namespace sotto::quantize
