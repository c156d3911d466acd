#include "model/sources/zip_archive.h"

#include <string>

#include <gtest/gtest.h>

#include "model/sources/archive_writer.h"
#include "support/expect_error.h"

namespace sotto::model::sources {
namespace {

using test::as_bytes;
using test::le;
using test::zip_of;
using test::ZipEntry;

void expect_refused(const std::string& file,
                    const std::string& part,
                    ErrorCode code = ErrorCode::bad_format) {
  test::expect_error([&] { read_zip(as_bytes(file), "m.pt"); }, code, part);
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Zip, ReadsStoredEntries) {
  const std::string file =
      zip_of({{.name = "a/data.pkl", .data = "pickle"}, {.name = "a/data/0", .data = ""}});
  const ZipEntries entries = read_zip(as_bytes(file), "m.pt");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(text_of(entries.at("a/data.pkl")), "pickle");
  EXPECT_TRUE(entries.at("a/data/0").empty());
  EXPECT_TRUE(looks_like_zip(as_bytes(file)));
}

TEST(Zip, ReadsZip64Records) {
  std::string file = zip_of({{.name = "x", .data = "12345", .n_bytes = 5}});
  const std::size_t end = file.size() - 22;
  const std::size_t directory = end - 47;
  const std::string record =
      "PK\6\6" + le(44, 8) + le(0, 4) + le(0, 8) + le(1, 8) + le(1, 8) + le(47, 8) + le(directory, 8);
  const std::string locator = "PK\6\7" + le(0, 4) + le(end, 8) + le(1, 4);
  file = file.substr(0, end) + record + locator + "PK\5\6" + le(0, 4) + le(0xffff, 2) + le(0xffff, 2) +
         le(0xffffffff, 4) + le(0xffffffff, 4) + le(0, 2);
  EXPECT_EQ(text_of(read_zip(as_bytes(file), "m.pt").at("x")), "12345");
}

TEST(Zip, ReadsZip64FieldsOfEntries) {
  const std::string name = "x";
  const std::string local = "PK\3\4" + le(0, 22) + le(1, 2) + le(0, 2) + name + "12345";
  const std::string field = le(1, 2) + le(24, 2) + le(5, 8) + le(5, 8) + le(0, 8);
  const std::string central = "PK\1\2" + le(0, 16) + le(0xffffffff, 4) + le(0xffffffff, 4) + le(1, 2) +
                              le(28, 2) + le(0, 2) + le(0, 8) + le(0xffffffff, 4) + name + field;
  const std::string file = local + central + "PK\5\6" + le(0, 4) + le(1, 2) + le(1, 2) +
                           le(central.size(), 4) + le(local.size(), 4) + le(0, 2);
  EXPECT_EQ(text_of(read_zip(as_bytes(file), "m.pt").at("x")), "12345");
}

TEST(Zip, RefusesWhatTorchDoesNotWrite) {
  expect_refused(zip_of({{.name = "a", .data = "x", .method = 8}}), "found compression with method 8",
                 ErrorCode::unsupported);
  expect_refused(zip_of({{.name = "a", .data = "x", .flags = 1}}), "found encryption",
                 ErrorCode::unsupported);
  expect_refused("", "end record");
  expect_refused(std::string(100, 'x'), "end record");
}

TEST(Zip, RefusesOddNames) {
  for (const std::string name : {"/etc/passwd", "../x", "a/../x", "a\\b", "c:x", "a\nb"}) {
    expect_refused(zip_of({{.name = name, .data = "x"}}), "expected a plain relative name");
  }
  expect_refused(zip_of({{.name = "a", .data = "x", .local_name = "b"}}), "its local header names \"b\"");
  expect_refused(zip_of({{.name = "a", .data = "x"}, {.name = "a", .data = "y"}}), "is there twice");
}

TEST(Zip, RefusesEntriesOutOfPlace) {
  expect_refused(zip_of({{.name = "a", .data = "x", .n_bytes = 0x7fffffff}}), "to end before the directory");
  expect_refused(zip_of({{.name = "a", .data = "x", .header_offset = 0xfffffff0}}), "local header");
  expect_refused(zip_of({{.name = "a", .data = "x", .header_offset = 3}}),
                 "expected a local header at offset 3");
  // The second entry's data begin inside the first one's, which itself spells a local header.
  const std::string inner = "PK\3\4" + le(0, 22) + le(1, 2) + le(0, 2) + "b" + "data";
  expect_refused(zip_of({{.name = "a", .data = inner}, {.name = "b", .data = "data", .header_offset = 31}}),
                 "overlap");
}

TEST(Zip, RefusesADirectoryThatDoesNotFit) {
  std::string file = zip_of({{.name = "a", .data = "x"}});
  const std::size_t end = file.size() - 22;
  std::string more = file;
  more.replace(end + 8, 4, le(2, 2) + le(2, 2));
  expect_refused(more, "expected a directory entry");
  std::string elsewhere = file;
  elsewhere.replace(end + 16, 4, le(0x7fffffff, 4));
  expect_refused(elsewhere, "expected a directory of");
  std::string parts = file;
  parts.replace(end + 4, 2, le(1, 2));
  expect_refused(parts, "in one part");
  std::string saturated = file;
  saturated.replace(end + 16, 4, le(0xffffffff, 4));
  expect_refused(saturated, "expected a zip64 record");
}

}  // namespace
}  // namespace sotto::model::sources
