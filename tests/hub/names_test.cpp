#include "hub/names.h"

#include <string>

#include <gtest/gtest.h>

#include "sotto/hub.h"
#include "support/expect_error.h"

namespace sotto::hub {
namespace {

TEST(RepositoryOf, KnowsPlainNames) {
  EXPECT_EQ(repository_of("tiny"), "openai/whisper-tiny");
  EXPECT_EQ(repository_of("medium.en"), "openai/whisper-medium.en");
  EXPECT_EQ(repository_of("turbo"), "openai/whisper-large-v3-turbo");
  EXPECT_EQ(repository_of("whisper-base"), "openai/whisper-base");
  EXPECT_EQ(repository_of("distil-large-v3"), "distil-whisper/distil-large-v3");
  EXPECT_EQ(repository_of("distil-small.fr"), "distil-whisper/distil-small.fr");
}

TEST(RepositoryOf, LargeIsTheNewestAsInOpenaiWhisper) {
  EXPECT_EQ(repository_of("large"), "openai/whisper-large-v3");
  EXPECT_EQ(repository_of("large-v1"), "openai/whisper-large");
}

TEST(RepositoryOf, LeavesHubNamesAsTheyAre) {
  EXPECT_EQ(repository_of("Some-Org/My_model.v2"), "Some-Org/My_model.v2");
}

TEST(RepositoryOf, NamesTheNearest) {
  test::expect_error([] { repository_of("smal"); }, ErrorCode::not_found, "nearest names: small");
  test::expect_error([] { repository_of("large-v4"); }, ErrorCode::not_found, "large-v1, large-v2, large-v3");
  test::expect_error([] { repository_of("parakeet"); }, ErrorCode::not_found, "found none of them");
}

TEST(CheckRepository, RefusesWhatHubsDo) {
  for (const char* name : {"", "/", "a/", "/b", "a/b/c", "-a/b", "a/b.", "a--b/c", "a/b..c", "a/b.git",
                           "a/b c", "../b", "a/..", "a/b\n"}) {
    test::expect_error([&] { check_repository(name); }, ErrorCode::invalid_argument,
                       "expected a hub's model name");
  }
  test::expect_error([] { check_repository("a/" + std::string(95, 'b')); }, ErrorCode::invalid_argument, "");
  check_repository("a/" + std::string(94, 'b'));
}

TEST(IsSafePath, StaysInsideItsDirectory) {
  for (const char* path : {"config.json", "onnx/model.onnx", "a/b/c", "..a", "a..", "...", "\xc3\xa4.json"}) {
    EXPECT_TRUE(is_safe_path(path)) << path;
  }
  for (const char* path :
       {"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "./a", "a\\b", "a\tb", "a\x7f"}) {
    EXPECT_FALSE(is_safe_path(path)) << path;
  }
  EXPECT_FALSE(is_safe_path(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_safe_path(std::string(256, 'a')));
}

}  // namespace
}  // namespace sotto::hub
