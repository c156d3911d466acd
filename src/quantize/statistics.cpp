#include "quantize/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "sotto/error.h"

namespace sotto::quantize {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// What is stored of a sample: minima then maxima, reduced to one channel if only the tensor is kept.
std::vector<float> row_of(const Site& site, std::span<const float> min, std::span<const float> max) {
  std::vector<float> row;
  if (site.keep == Site::Keep::tensor) {
    row = {std::ranges::min(min), std::ranges::max(max)};
  } else {
    row.assign(min.begin(), min.end());
    row.insert(row.end(), max.begin(), max.end());
  }
  const std::size_t half = row.size() / 2;
  if (half > 1 && std::equal(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(half),
                             row.begin() + static_cast<std::ptrdiff_t>(half))) {
    row.resize(half);  // a decoder step of one token
  }
  return row;
}

}  // namespace

Statistics::Statistics() = default;
Statistics::~Statistics() = default;
Statistics::Statistics(Statistics&&) noexcept = default;
Statistics& Statistics::operator=(Statistics&&) noexcept = default;
Statistics::Statistics(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

std::size_t Statistics::n_samples() const {
  return impl_ ? impl_->n_samples : 0;
}

std::size_t Statistics::size_bytes() const {
  if (!impl_) {
    return 0;
  }
  std::size_t bytes = impl_->store.memory_bytes();
  for (const SiteStatistics& s : impl_->sites) {
    bytes += s.rows.capacity() * sizeof(SampleStore::Row) +
             s.site.n_channels * (2 * sizeof(float) + sizeof(double)) + s.last_row.capacity() * sizeof(float);
  }
  return bytes;
}

void Statistics::expect_mergeable(const Statistics& other) const {
  const auto same_site = [](const SiteStatistics& a, const SiteStatistics& b) { return a.site == b.site; };
  if (impl_ && other.impl_ &&
      (impl_->model_hash != other.impl_->model_hash ||
       !std::ranges::equal(impl_->sites, other.impl_->sites, same_site))) {
    throw Error(ErrorCode::invalid_argument, "statistics",
                "expected statistics of the same model taken with the same options, found others.");
  }
}

void Statistics::merge(const Statistics& other) {
  expect_mergeable(other);
  if (!other.impl_) {
    return;
  }
  if (!impl_) {
    impl_ = std::make_unique<Impl>(other.impl_->model_hash, std::vector<Site>{});
    for (const SiteStatistics& s : other.impl_->sites) {
      impl_->sites.push_back(SiteStatistics::of(s.site));
    }
  }
  for (std::size_t i = 0; i < impl_->sites.size(); ++i) {
    impl_->append(i, other.impl_->sites[i], other.impl_->store);
  }
  impl_->n_samples += other.impl_->n_samples;
}

SiteStatistics SiteStatistics::of(const Site& site) {
  SiteStatistics s;
  s.site = site;
  s.min.assign(site.n_channels, kInfinity);
  s.max.assign(site.n_channels, -kInfinity);
  s.sum_mean.assign(site.n_channels, 0.0);
  return s;
}

std::vector<float> SiteStatistics::mean() const {
  std::vector<float> means(sum_mean.size());
  for (std::size_t c = 0; c < means.size(); ++c) {
    means[c] = static_cast<float>(sum_mean[c] / static_cast<double>(std::max<std::size_t>(n_samples, 1)));
  }
  return means;
}

Statistics::Impl::Impl(std::uint64_t hash, const std::vector<Site>& observed) : model_hash(hash) {
  for (const Site& site : observed) {
    sites.push_back(SiteStatistics::of(site));
  }
}

void Statistics::Impl::add(std::size_t index, std::span<const float> values) {
  SiteStatistics& s = sites[index];
  const std::size_t n = s.site.n_channels;
  const auto min = values.subspan(0, n);
  const auto max = values.subspan(n, n);
  const auto mean = values.subspan(2 * n, n);
  for (std::size_t c = 0; c < n; ++c) {
    if (!std::isfinite(mean[c])) {
      throw Error(
          ErrorCode::bad_format, s.site.node,
          fmt::format(
              "expected finite activations, found a value that is not finite at output {}, channel {}.",
              s.site.port, c));
    }
  }
  if (min[0] > max[0]) {
    return;  // an empty tensor
  }
  for (std::size_t c = 0; c < n; ++c) {
    s.min[c] = std::min(s.min[c], min[c]);
    s.max[c] = std::max(s.max[c], max[c]);
    s.sum_mean[c] += static_cast<double>(mean[c]);
  }
  s.n_samples += 1;
  if (values.size() > 3 * n) {
    const auto tokens = values.subspan(3 * n, kTokensPerInference * n);
    const auto counts = values.subspan(3 * n + tokens.size(), kTokensPerInference);
    for (std::size_t t = 0; t < counts.size() && counts[t] > 0.0F; ++t) {
      s.tokens.offer(tokens.subspan(t * n, n), static_cast<std::uint64_t>(counts[t]));
    }
  }
  if (s.site.keep == Site::Keep::mean) {
    return;
  }
  std::vector<float> row = row_of(s.site, min, max);
  add_row(s, std::move(row));
}

void Statistics::Impl::add_row(SiteStatistics& s, std::vector<float> row) {
  if (row == s.last_row) {  // the encoder's output, seen again at every decoder step
    s.rows.push_back(s.rows.back());
    return;
  }
  s.rows.push_back(store.append(row));
  s.last_row = std::move(row);
}

void Statistics::Impl::append(std::size_t index, const SiteStatistics& other, const SampleStore& from) {
  SiteStatistics& s = sites[index];
  for (std::size_t c = 0; c < s.site.n_channels; ++c) {
    s.min[c] = std::min(s.min[c], other.min[c]);
    s.max[c] = std::max(s.max[c], other.max[c]);
    s.sum_mean[c] += other.sum_mean[c];
  }
  s.n_samples += other.n_samples;
  if (s.first_shape.empty()) {
    s.first_shape = other.first_shape;
  }
  s.tokens.merge(other.tokens);
  std::vector<float> row;
  for (const SampleStore::Row& at : other.rows) {
    from.read(at, row);
    add_row(s, row);
  }
}

void Statistics::Impl::for_each_sample(const SiteStatistics& s, const Visitor& visit) const {
  const std::size_t n = s.site.keep == Site::Keep::tensor ? 1 : s.site.n_channels;
  std::vector<float> row;
  for (const SampleStore::Row& at : s.rows) {
    store.read(at, row);
    const std::span<const float> values(row);
    visit(values.subspan(0, n), values.subspan(values.size() - n, n));
  }
}

}  // namespace sotto::quantize
