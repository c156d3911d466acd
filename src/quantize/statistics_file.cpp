// The file of a StatisticsSet, little-endian, texts as u32 length and bytes:
//   "SOTTOSTA" u32 version, the settings, the inference precision, f64 inputs_s, u64 n_inputs, the inputs,
//   u64 n_parts, the parts, u64 hash of all before.
// A part: its name, u64 model hash, u64 n_samples, u64 n_sites, the sites. A Statistics alone is one part
// without a name.
// A site: its name, u64 port, i64 axis, u64 n_channels, u32 keep, u64 n_samples, f32 min
// [n_channels], f32 max, f64 sums of means, its first shape (u64 rank, i64 dimensions), then n_rows rows: u32
// size, f32 values (size 0 repeats the row before), then tokens: u64 count, for
// each f32 [n_channels] and u64 positions it stands for.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "core/atomic_file.h"
#include "quantize/statistics.h"
#include "sotto/error.h"

namespace sotto::quantize {
namespace {

namespace fs = std::filesystem;

constexpr char kMagic[] = "SOTTOSTA";
constexpr std::uint32_t kVersion = 5;
constexpr std::uint64_t kMaxCount = std::uint64_t{1} << 32U;  // of anything: larger numbers are damage

/// FNV-1a over what was written or read so far.
class Hash {
 public:
  void add(const void* data, std::size_t n_bytes) {
    for (const char* p = static_cast<const char*>(data); n_bytes-- != 0; ++p) {
      value_ = (value_ ^ static_cast<unsigned char>(*p)) * 0x100000001B3ULL;
    }
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325ULL;
};

class Writer {
 public:
  explicit Writer(const fs::path& target)
      : target_(expected_file(target)),
        partial_(fmt::format("{}.{}.partial", target_.string(), ::getpid())),
        out_(partial_, std::ios::binary) {
    check();
  }
  ~Writer() {
    std::error_code ignored;
    fs::remove(partial_, ignored);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void bytes(const void* data, std::size_t n_bytes) {
    out_.write(static_cast<const char*>(data), static_cast<std::streamsize>(n_bytes));
    hash_.add(data, n_bytes);
  }
  template <typename T>
  void number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    bytes(&value, sizeof(value));
  }
  template <typename T>
  void values(const std::vector<T>& v) {
    bytes(v.data(), v.size() * sizeof(T));
  }
  void text(const std::string& value) {
    number(static_cast<std::uint32_t>(value.size()));
    bytes(value.data(), value.size());
  }
  void commit() {
    number(hash_.value());
    out_.close();
    check();
    std::error_code error;
    fs::rename(partial_, target_, error);
    if (error) {
      throw Error(ErrorCode::io, target_.string(), "writing failed: " + error.message() + ".");
    }
  }

 private:
  static const fs::path& expected_file(const fs::path& target) {
    if (is_device_or_pipe(target)) {
      throw Error(ErrorCode::io, target.string(), "expected a file to write, found a device or a pipe.");
    }
    return target;
  }

  void check() const {
    if (!out_) {
      throw Error(ErrorCode::io, target_.string(), fmt::format("writing failed: {}.", std::strerror(errno)));
    }
  }

  fs::path target_;
  fs::path partial_;
  std::ofstream out_;
  Hash hash_;
};

class Reader {
 public:
  explicit Reader(const fs::path& path) : path_(path), in_(path, std::ios::binary) {
    if (!in_) {
      throw Error(ErrorCode::not_found, path.string(),
                  "expected a file of statistics, found none that can be read.");
    }
  }

  void bytes(void* data, std::size_t n_bytes) {
    in_.read(static_cast<char*>(data), static_cast<std::streamsize>(n_bytes));
    if (!in_) {
      fail("found its end too early");
    }
    hash_.add(data, n_bytes);
  }
  template <typename T>
  T number() {
    T value{};
    bytes(&value, sizeof(value));
    return value;
  }
  /// A count of things that follow, at least `size` bytes each.
  std::size_t count(std::size_t size) {
    const auto n = number<std::uint64_t>();
    if (n > kMaxCount || n * size > fs::file_size(path_)) {
      fail(fmt::format("found a count of {}", n));
    }
    return static_cast<std::size_t>(n);
  }
  template <typename T>
  void values(std::vector<T>& v) {
    bytes(v.data(), v.size() * sizeof(T));
  }
  std::string text() {
    const auto n = number<std::uint32_t>();
    if (n > 1U << 20U) {
      fail("found a name without end");
    }
    std::string value(n, '\0');
    bytes(value.data(), n);
    return value;
  }
  void expect_end() {
    const std::uint64_t expected = hash_.value();
    if (number<std::uint64_t>() != expected || in_.peek() != std::ifstream::traits_type::eof()) {
      fail("found other content than was written");
    }
  }
  [[noreturn]] void fail(const std::string& found) const {
    throw Error(ErrorCode::bad_format, path_.string(),
                "expected a file of statistics, " + found + "; calibrate again.");
  }

 private:
  fs::path path_;
  std::ifstream in_;
  Hash hash_;
};

void write_site(Writer& out, const SiteStatistics& s, const SampleStore& store) {
  out.text(s.site.node);
  out.number<std::uint64_t>(s.site.port);
  out.number<std::int64_t>(s.site.axis);
  out.number<std::uint64_t>(s.site.n_channels);
  out.number(static_cast<std::uint32_t>(s.site.keep));
  out.number<std::uint64_t>(s.n_samples);
  out.values(s.min);
  out.values(s.max);
  out.values(s.sum_mean);
  out.number<std::uint64_t>(s.first_shape.size());
  out.values(s.first_shape);
  out.number<std::uint64_t>(s.rows.size());
  std::vector<float> row;
  for (std::size_t i = 0; i < s.rows.size(); ++i) {
    const bool repeated = i != 0 && s.rows[i].offset == s.rows[i - 1].offset;
    out.number(repeated ? 0U : s.rows[i].size);
    if (!repeated) {
      store.read(s.rows[i], row);
      out.values(row);
    }
  }
  const std::vector<std::vector<float>> tokens = s.tokens.rows();
  out.number<std::uint64_t>(tokens.size());
  const std::vector<std::uint64_t> n_positions = s.tokens.counts();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    out.values(tokens[i]);
    out.number(n_positions[i]);
  }
}

Site read_site(Reader& in) {
  Site site;
  site.node = in.text();
  site.port = in.number<std::uint64_t>();
  site.axis = in.number<std::int64_t>();
  site.n_channels = in.count(2 * sizeof(float));
  const auto keep = in.number<std::uint32_t>();
  if (keep > static_cast<std::uint32_t>(Site::Keep::channels) || site.n_channels == 0) {
    in.fail("found a site of no known kind");
  }
  site.keep = static_cast<Site::Keep>(keep);
  return site;
}

void read_rows(Reader& in, SiteStatistics& s, SampleStore& store) {
  const std::size_t n = s.site.keep == Site::Keep::tensor ? 1 : s.site.n_channels;
  const std::size_t n_rows = in.count(sizeof(std::uint32_t));
  for (std::size_t i = 0; i < n_rows; ++i) {
    const auto size = in.number<std::uint32_t>();
    if (size == 0 && i != 0) {
      s.rows.push_back(s.rows.back());
      continue;
    }
    if (size != n && size != 2 * n) {
      in.fail(fmt::format("found a row of {} values for {} channels", size, n));
    }
    s.last_row.resize(size);
    in.values(s.last_row);
    s.rows.push_back(store.append(s.last_row));
  }
}

SiteStatistics read_site_statistics(Reader& in, SampleStore& store) {
  SiteStatistics s;
  s.site = read_site(in);
  s.n_samples = in.number<std::uint64_t>();
  s.min.resize(s.site.n_channels);
  s.max.resize(s.site.n_channels);
  s.sum_mean.resize(s.site.n_channels);
  in.values(s.min);
  in.values(s.max);
  in.values(s.sum_mean);
  s.first_shape.resize(in.count(sizeof(std::int64_t)));
  in.values(s.first_shape);
  read_rows(in, s, store);
  const std::size_t n_tokens = in.count(s.site.n_channels * sizeof(float) + sizeof(std::uint64_t));
  std::vector<float> token(s.site.n_channels);
  for (std::size_t i = 0; i < n_tokens; ++i) {
    in.values(token);
    s.tokens.offer(token, in.number<std::uint64_t>());
  }
  return s;
}

void write_part(Writer& out, const std::string& name, const Statistics::Impl& part) {
  out.text(name);
  out.number<std::uint64_t>(part.model_hash);
  out.number<std::uint64_t>(part.n_samples);
  out.number<std::uint64_t>(part.sites.size());
  for (const SiteStatistics& site : part.sites) {
    write_site(out, site, part.store);
  }
}

std::unique_ptr<Statistics::Impl> read_part(Reader& in) {
  auto part = std::make_unique<Statistics::Impl>(in.number<std::uint64_t>(), std::vector<Site>{});
  part->n_samples = in.number<std::uint64_t>();
  const std::size_t n_sites = in.count(1);
  for (std::size_t i = 0; i < n_sites; ++i) {
    part->sites.push_back(read_site_statistics(in, part->store));
  }
  return part;
}

using Parts = std::vector<std::pair<std::string, const Statistics*>>;

/// `about`: what a set holds beside its parts.
void write_file(const fs::path& path, const Parts& parts, const StatisticsSet& about) {
  for (const auto& [name, part] : parts) {
    if (!part->has_value()) {
      throw Error(ErrorCode::invalid_argument, path.string(), "expected statistics to write, found none.");
    }
  }
  Writer out(path);
  out.bytes(kMagic, 8);
  out.number(kVersion);
  out.text(about.settings);
  out.text(about.inference_precision);
  out.number(about.inputs_s);
  out.number<std::uint64_t>(about.inputs.size());
  for (const std::string& input : about.inputs) {
    out.text(input);
  }
  out.number<std::uint64_t>(parts.size());
  for (const auto& [name, part] : parts) {
    write_part(out, name, part->impl());
  }
  out.commit();
}

void expect_header(Reader& in) {
  char magic[8] = {};
  in.bytes(magic, sizeof(magic));
  if (std::memcmp(magic, kMagic, sizeof(magic)) != 0) {
    in.fail("found another kind of file");
  }
  if (const auto version = in.number<std::uint32_t>(); version != kVersion) {
    in.fail(fmt::format("found version {} where {} is read", version, kVersion));
  }
}

}  // namespace

void Statistics::save(const fs::path& path) const {
  write_file(path, {{"", this}}, {});
}

Statistics Statistics::load(const fs::path& path) {
  StatisticsSet set = StatisticsSet::load(path);
  if (set.parts.size() != 1) {
    throw Error(ErrorCode::bad_format, path.string(),
                fmt::format("expected statistics of one model, found those of {}.", set.parts.size()));
  }
  return std::move(set.parts.begin()->second);
}

void StatisticsSet::save(const fs::path& path) const {
  Parts all;
  for (const auto& [name, part] : parts) {
    all.emplace_back(name, &part);
  }
  write_file(path, all, *this);
}

StatisticsSet StatisticsSet::load(const fs::path& path) {
  Reader in(path);
  expect_header(in);
  StatisticsSet set;
  set.settings = in.text();
  set.inference_precision = in.text();
  set.inputs_s = in.number<double>();
  set.inputs.resize(in.count(sizeof(std::uint32_t)));
  for (std::string& input : set.inputs) {
    input = in.text();
  }
  const std::size_t n_parts = in.count(1);
  for (std::size_t i = 0; i < n_parts; ++i) {
    std::string name = in.text();
    set.parts.insert_or_assign(std::move(name), Statistics(read_part(in)));
  }
  in.expect_end();
  return set;
}

void StatisticsSet::merge(const StatisticsSet& other) {
  const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
  if (!parts.empty() && !std::ranges::equal(parts, other.parts, same_name)) {
    throw Error(ErrorCode::invalid_argument, "statistics",
                "expected statistics of the same parts of a model, found others.");
  }
  if (!parts.empty() && inference_precision != other.inference_precision) {
    throw Error(ErrorCode::invalid_argument, "statistics",
                fmt::format("expected statistics observed in {}, found some in {}; calibrate again with "
                            "--inference-precision {}.",
                            inference_precision, other.inference_precision, inference_precision));
  }
  for (const auto& [name, part] : other.parts) {
    parts[name].expect_mergeable(part);
  }
  for (const auto& [name, part] : other.parts) {
    parts[name].merge(part);
  }
  inputs.insert(inputs.end(), other.inputs.begin(), other.inputs.end());
  inputs_s += other.inputs_s;
  if (settings.empty()) {
    settings = other.settings;
  }
  inference_precision = other.inference_precision;
}

}  // namespace sotto::quantize
