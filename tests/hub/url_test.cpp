#include "hub/url.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace sotto::hub {
namespace {

TEST(OriginOf, SpellsOutWhatDecides) {
  EXPECT_EQ(origin_of("https://HuggingFace.co/a?b"), "https://huggingface.co:443");
  EXPECT_EQ(origin_of("http://127.0.0.1:8000"), "http://127.0.0.1:8000");
  EXPECT_EQ(origin_of("http://[::1]/x"), "http://[::1]:80");
  EXPECT_NE(origin_of("https://huggingface.co:8443"), origin_of("https://huggingface.co"));
  EXPECT_NE(origin_of("http://huggingface.co:443"), origin_of("https://huggingface.co"));
}

TEST(OriginOf, RefusesOtherUrls) {
  for (const char* url : {"", "file:///etc/passwd", "ftp://host", "huggingface.co"}) {
    test::expect_error([&] { origin_of(url); }, ErrorCode::invalid_argument, "expected an http");
  }
  test::expect_error([] { origin_of("https://me:secret@host/"); }, ErrorCode::invalid_argument,
                     "https://host/: expected a URL without user");
}

TEST(RedirectTarget, ResolvesAsRfc3986) {
  const std::string base = "https://hub.test/a/b/c?d=e";
  EXPECT_EQ(redirect_target(base, "https://cdn.test/x?y=z"), "https://cdn.test/x?y=z");
  EXPECT_EQ(redirect_target(base, "/x"), "https://hub.test/x");
  EXPECT_EQ(redirect_target(base, "x"), "https://hub.test/a/b/x");
  EXPECT_EQ(redirect_target(base, "//cdn.test/x"), "https://cdn.test/x");
}

TEST(RedirectTarget, KeepsToHttpsOnceThere) {
  EXPECT_EQ(redirect_target("http://hub.test/", "https://cdn.test/"), "https://cdn.test/");
  test::expect_error([] { redirect_target("https://hub.test/", "http://cdn.test/?key=s3cret"); },
                     ErrorCode::network, "refused a redirect from https to http://cdn.test/.");
}

TEST(EscapePath, EncodesAllThatIsNotPlain) {
  EXPECT_EQ(escape_path("org/a b+c?d#e%"), "org/a%20b%2Bc%3Fd%23e%25");
  EXPECT_EQ(escape_component("refs/pr/3"), "refs%2Fpr%2F3");
  EXPECT_EQ(escape_path("\xc3\xa4.json"), "%C3%A4.json");
}

TEST(ShownUrl, LeavesOutWhatIsSecret) {
  EXPECT_EQ(shown_url("https://me:pass@host/path?signature=1#x"), "https://host/path");
  EXPECT_EQ(shown_url("https://host/a@b"), "https://host/a@b");
}

TEST(ShownText, IsOneShortLine) {
  EXPECT_EQ(shown_text("a\r\nb\x1b[1m\xff"), "a??b?[1m?");
  EXPECT_EQ(shown_text(std::string(300, 'a')), std::string(200, 'a') + "...");
}

}  // namespace
}  // namespace sotto::hub
