#include "core/atomic_file.h"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;

std::size_t n_entries(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

TEST(WriteFileAtomically, ReplacesTheFileAndLeavesNothingElse) {
  const test::TempDir dir;
  write_file_atomically(dir / "a.txt", "old");
  write_file_atomically(dir / "a.txt", "new");
  EXPECT_EQ(test::read_file(dir / "a.txt"), "new");
  EXPECT_EQ(n_entries(dir.path()), 1U);
}

TEST(WriteFileAtomically, NamesThePathItCannotWrite) {
  const test::TempDir dir;
  test::expect_error([&] { write_file_atomically(dir.path() / "no" / "a.txt", "x"); }, ErrorCode::io,
                     "a.txt: writing failed");
  test::expect_error([&] { write_file_atomically(dir.path(), "x"); }, ErrorCode::io, "found a directory");
}

TEST(WriteFileAtomically, LeavesTheOldFileWhenTheDiskIsFull) {
  if (!fs::exists("/dev/full")) {
    GTEST_SKIP() << "this system has no /dev/full";
  }
  test::expect_error([] { write_file_atomically("/dev/full/x", "x"); }, ErrorCode::io, "writing failed");
}

TEST(WriteFileAtomically, WritesToAPipeAndLeavesItOne) {
  const test::TempDir dir;
  const fs::path pipe = dir / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  write_file_atomically(pipe, "words");
  char found[8] = {};
  EXPECT_EQ(::read(reader, found, sizeof(found)), 5);
  ::close(reader);
  EXPECT_STREQ(found, "words");
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_EQ(n_entries(dir.path()), 1U);
}

TEST(AtomicDirectory, AppearsWholeOnCommit) {
  const test::TempDir dir;
  {
    AtomicDirectory out(dir / "model");
    test::write_file(out.path() / "a", "1");
    EXPECT_FALSE(fs::exists(dir / "model"));
    out.commit();
  }
  EXPECT_EQ(test::read_file(dir / "model" / "a"), "1");
  EXPECT_EQ(n_entries(dir.path()), 1U);
}

TEST(AtomicDirectory, LeavesNothingWithoutCommit) {
  const test::TempDir dir;
  {
    AtomicDirectory out(dir / "model");
    test::write_file(out.path() / "a", "1");
  }
  EXPECT_EQ(n_entries(dir.path()), 0U);
}

TEST(AtomicDirectory, ReplacesAnOlderOneWhole) {
  const test::TempDir dir;
  fs::create_directory(dir / "model");
  test::write_file(dir / "model" / "old", "1");
  AtomicDirectory out(dir / "model");
  test::write_file(out.path() / "new", "2");
  out.commit();
  EXPECT_FALSE(fs::exists(dir / "model" / "old"));
  EXPECT_TRUE(fs::exists(dir / "model" / "new"));
  EXPECT_EQ(n_entries(dir.path()), 1U);
}

TEST(AtomicDirectory, RemovesWhatAKilledProcessLeft) {
  const test::TempDir dir;
  fs::create_directory(dir / ".model.999999999.partial");  // above the largest process id
  const AtomicDirectory out(dir / "model");
  EXPECT_FALSE(fs::exists(dir / ".model.999999999.partial"));
}

TEST(AtomicDirectory, RefusesAFileInItsPlace) {
  const test::TempDir dir;
  test::write_file(dir / "model", "x");
  test::expect_error([&] { AtomicDirectory out(dir / "model"); }, ErrorCode::io, "found a file");
}

}  // namespace
}  // namespace sotto
