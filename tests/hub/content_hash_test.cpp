#include "hub/content_hash.h"

#include <string>

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::hub {
namespace {

TEST(ContentHash, AgreesWithKnownValues) {
  const test::TempDir dir;
  test::write_file(dir / "abc", "abc");
  test::write_file(dir / "empty", "");
  // FIPS 180-4's example; `git hash-object` of the same files.
  EXPECT_EQ(sha256_of_file(dir / "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(git_blob_id_of_file(dir / "abc"), "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f");
  EXPECT_EQ(git_blob_id_of_file(dir / "empty"), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

TEST(ContentHash, ReadsFilesLongerThanAChunk) {
  const test::TempDir dir;
  test::write_file(dir / "a", std::string(1'000'000, 'a'));  // FIPS 180's third example
  test::write_file(dir / "b", std::string(3'000'001, 'b'));
  EXPECT_EQ(sha256_of_file(dir / "a"), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_NE(sha256_of_file(dir / "b"), sha256_of_file(dir / "a"));
}

TEST(ContentHash, FollowsTheFormOfTheTag) {
  const test::TempDir dir;
  test::write_file(dir / "abc", "abc");
  EXPECT_EQ(hash_for_etag(std::string(64, '0'), dir / "abc"), sha256_of_file(dir / "abc"));
  EXPECT_EQ(hash_for_etag(std::string(40, '0'), dir / "abc"), git_blob_id_of_file(dir / "abc"));
  EXPECT_EQ(hash_for_etag("5f-18c", dir / "abc"), "");
  EXPECT_EQ(hash_for_etag(std::string(32, '0'), dir / "abc"), "");
}

TEST(ContentHash, NamesAFileItCannotReadAndStops) {
  const test::TempDir dir;
  test::expect_error([&] { sha256_of_file(dir / "none"); }, ErrorCode::io, "none");
  test::expect_error([&] { git_blob_id_of_file(dir / "none"); }, ErrorCode::io, "none");
  test::write_file(dir / "abc", "abc");
  std::stop_source source;
  source.request_stop();
  test::expect_error([&] { sha256_of_file(dir / "abc", source.get_token()); }, ErrorCode::cancelled, "abc");
}

}  // namespace
}  // namespace sotto::hub
