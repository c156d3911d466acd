#include "sotto/error.h"

#include <string>

#include <gtest/gtest.h>

namespace sotto {
namespace {

TEST(Error, SaysWhereAndWhat) {
  const Error error(ErrorCode::not_found, "a.wav", "expected a file, found nothing.");
  EXPECT_STREQ(error.what(), "a.wav: expected a file, found nothing.");
  EXPECT_EQ(error.code(), ErrorCode::not_found);
}

TEST(ExitCode, TellsInputCallAndSurroundingsApart) {
  EXPECT_EQ(exit_code(ErrorCode::not_found), 1);
  EXPECT_EQ(exit_code(ErrorCode::bad_format), 1);
  EXPECT_EQ(exit_code(ErrorCode::unsupported), 1);
  EXPECT_EQ(exit_code(ErrorCode::invalid_argument), 2);
  EXPECT_EQ(exit_code(ErrorCode::io), 3);
  EXPECT_EQ(exit_code(ErrorCode::network), 3);
  EXPECT_EQ(exit_code(ErrorCode::internal), 3);
  EXPECT_EQ(exit_code(ErrorCode::cancelled), 130);
}

TEST(ErrorCodeName, IsStable) {
  EXPECT_EQ(to_string(ErrorCode::bad_format), "bad_format");
  EXPECT_EQ(to_string(ErrorCode::cancelled), "cancelled");
}

}  // namespace
}  // namespace sotto
