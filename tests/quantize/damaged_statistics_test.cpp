// A file of statistics, damaged everywhere: each must be read or refused by name. Under the sanitizers.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "quantize/statistics.h"
#include "support/damage.h"
#include "support/peak_memory.h"
#include "support/temp_dir.h"

namespace sotto::quantize {
namespace {

/// Two sites with every kind of field, as a run over two inferences leaves them.
Statistics small_statistics() {
  auto impl = std::make_unique<Statistics::Impl>(
      7, std::vector<Site>{{.node = "a", .n_channels = 1, .keep = Site::Keep::tensor},
                           {.node = "b", .axis = 1, .n_channels = 2, .keep = Site::Keep::channels}});
  for (SiteStatistics& site : impl->sites) {
    site.n_samples = 2;
    site.min.assign(site.site.n_channels, -1.0F);
    site.max.assign(site.site.n_channels, 2.0F);
    site.sum_mean.assign(site.site.n_channels, 0.5);
    site.first_shape = {1, 2};
    site.last_row.assign(2 * site.site.n_channels, 1.0F);
    site.rows.push_back(impl->store.append(site.last_row));
    site.rows.push_back(site.rows.back());
  }
  const std::vector<float> token = {0.25F, 0.75F};
  impl->sites[1].tokens.offer(token, 3);
  impl->n_samples = 2;
  return Statistics(std::move(impl));
}

/// The hash that ends a file, FNV-1a, made anew: what is damaged before it then comes to be read.
std::string with_hash(std::string bytes) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3ULL;
  }
  bytes.resize(bytes.size() + sizeof hash);
  std::memcpy(bytes.data() + bytes.size() - sizeof hash, &hash, sizeof hash);
  return bytes;
}

class DamagedStatistics : public testing::Test {
 protected:
  DamagedStatistics() {
    StatisticsSet set;
    set.parts["encoder"] = small_statistics();
    set.inputs = {"one", "two"};
    set.settings = "en";
    set.save(dir_ / "s.bin");
    whole_ = test::read_file(dir_ / "s.bin");
    content_ = whole_.substr(0, whole_.size() - sizeof(std::uint64_t));
  }

  /// Names may be a mebibyte long; a number in the file may stand for a kept value of four.
  test::ReadBytes reader() {
    return test::within_memory(
        [this](const std::string& bytes) {
          test::write_file(dir_ / "s.bin", bytes);
          StatisticsSet::load(dir_ / "s.bin");
        },
        16, std::size_t{2} << 20U);
  }
  test::ReadBytes reader_behind_hash() {
    return [read = reader()](const std::string& bytes) { read(with_hash(bytes)); };
  }

  const test::TempDir dir_;
  std::string whole_;
  std::string content_;
};

TEST_F(DamagedStatistics, AreMadeByHandAsTheyAreRead) {
  EXPECT_EQ(with_hash(content_), whole_);
  StatisticsSet::load(dir_ / "s.bin").save(dir_ / "again.bin");
  EXPECT_EQ(test::read_file(dir_ / "again.bin"), whole_);
}

TEST_F(DamagedStatistics, EveryPrefixIsRefused) {
  test::expect_prefixes_refused(reader(), whole_, "s.bin");
  test::expect_prefixes_refused(reader_behind_hash(), content_, "s.bin");
}

TEST_F(DamagedStatistics, EveryFlippedByteIsRefused) {
  for (std::size_t at = 0; at < whole_.size(); ++at) {
    for (const unsigned flip : {1U, 0x80U, 0xffU}) {
      std::string changed = whole_;
      changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ flip);
      EXPECT_FALSE(test::is_read([&] { reader()(changed); }, "s.bin")) << at;
    }
  }
}

TEST_F(DamagedStatistics, EveryFlippedByteWithAHashThatFitsIsReadOrRefused) {
  test::expect_flips_read_or_refused(reader_behind_hash(), content_, "s.bin");
}

TEST_F(DamagedStatistics, EveryImpossibleNumberIsReadOrRefused) {
  for (std::size_t at = 12; at + 8 <= content_.size(); ++at) {
    for (const std::uint64_t number : {~std::uint64_t{0}, std::uint64_t{1} << 63U, std::uint64_t{1} << 32U,
                                       std::uint64_t{0x7fffffff}, std::uint64_t{1} << 62U}) {
      std::string changed = content_;
      std::memcpy(changed.data() + at, &number, sizeof number);
      test::is_read([&] { reader_behind_hash()(changed); }, "s.bin");
    }
  }
}

}  // namespace
}  // namespace sotto::quantize
