#include <fstream>
#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "hub/hub_fixture.h"
#include "hub/local_address.h"
#include "hub/url.h"
#include "sotto/hub.h"
#include "support/expect_error.h"

namespace sotto::hub {
namespace {

using test::FakeHub;
using test::Received;
using test::Wire;

class FetchMediaTest : public testing::Test {
 protected:
  FetchedMedia fetch(const std::string& path, const MediaOptions& media = {.allow_local = true}) {
    HubOptions options;
    options.retries = 2;
    options.backoff_s = 0.01;
    options.token = "hf_secret";
    return fetch_media(server_.url() + path, file_, options, media);
  }
  void answer(const std::string& path, int status, const std::string& headers, const std::string& body = "") {
    server_.answer_always("GET " + path,
                          [=](const Wire& wire, const Received&) { wire.reply(status, headers, body); });
  }

  FakeHub server_;
  test::TempDir dir_;
  std::filesystem::path file_ = dir_ / "media";
};

TEST_F(FetchMediaTest, WritesWhatTheUrlHolds) {
  const std::string media = test::noise(300'000);
  answer("/talk.mp3", 200, "Content-Type: audio/mpeg\r\n", media);
  EXPECT_FALSE(fetch("/talk.mp3").is_page);
  EXPECT_EQ(test::read_file(file_), media);
  EXPECT_EQ(server_.received().front().header("authorization"), "");
}

TEST_F(FetchMediaTest, BeginsAnewAfterACut) {
  const std::string media = test::noise(300'000);
  server_.answer_next("GET /talk.mp3", [&](const Wire& wire, const Received&) {
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + media.substr(0, 1000));
  });
  answer("/talk.mp3", 200, "", media);
  fetch("/talk.mp3");
  EXPECT_EQ(test::read_file(file_), media);
}

TEST_F(FetchMediaTest, KnowsAPageAndWritesNothing) {
  answer("/watch", 302, "Location: /page\r\n");
  answer("/page", 200, "Content-Type: text/html; charset=utf-8\r\n", "<html>");
  const FetchedMedia page = fetch("/watch");
  EXPECT_TRUE(page.is_page);
  EXPECT_TRUE(page.url.ends_with("/page"));
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(FetchMediaTest, RefusesLocalAddressesUnlessAllowed) {
  answer("/talk.mp3", 200, "", "x");
  test::expect_error([&] { fetch("/talk.mp3", {}); }, ErrorCode::network, "found a local one");
  EXPECT_TRUE(server_.received().empty());
}

TEST_F(FetchMediaTest, RefusesWhatIsTooLargeOrMissingOrNoUrl) {
  answer("/long.mp3", 200, "", std::string(5000, 'x'));
  test::expect_error([&] { fetch("/long.mp3", {.allow_local = true, .max_bytes = 4000}); },
                     ErrorCode::network, "expected at most 4000 bytes");
  answer("/no.mp3", 404, "");
  test::expect_error([&] { fetch("/no.mp3"); }, ErrorCode::not_found, "found nothing there");
  test::expect_error([&] { fetch_media("file:///etc/passwd", file_, {}); }, ErrorCode::invalid_argument,
                     "expected an http:// or https:// URL");
  answer("/file.mp3", 302, "Location: file:///etc/passwd\r\n");
  test::expect_error([&] { fetch("/file.mp3"); }, ErrorCode::network, "");
}

TEST_F(FetchMediaTest, ReportsAFullDisk) {
  answer("/talk.mp3", 200, "", test::noise(300'000));
  file_ = "/dev/full";
  test::expect_error([&] { fetch("/talk.mp3"); }, ErrorCode::io, "/dev/full: writing failed");
}

bool is_local(const char* text) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  if (::inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
    return is_local_address(reinterpret_cast<const sockaddr&>(v4));
  }
  EXPECT_EQ(::inet_pton(AF_INET6, text, &v6.sin6_addr), 1) << text;
  return is_local_address(reinterpret_cast<const sockaddr&>(v6));
}

TEST(LocalAddress, IsWhatThePublicInternetDoesNotRoute) {
  for (const char* address :
       {"127.0.0.1", "10.1.2.3", "192.168.0.1", "172.31.255.255", "169.254.169.254", "0.0.0.0", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "2002:c0a8:1::"}) {
    EXPECT_TRUE(is_local(address)) << address;
  }
  for (const char* address : {"8.8.8.8", "172.32.0.1", "192.169.0.1", "100.128.0.1", "223.255.255.255",
                              "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"}) {
    EXPECT_FALSE(is_local(address)) << address;
  }
}

TEST(LocalHost, IsReadFromTheUrl) {
  for (const char* url :
       {"http://localhost/a", "http://LOCALHOST.:8080/a", "http://a.localhost", "http://[::1]/",
        "http://127.1/", "http://0x7f000001/", "http://2130706433/", "http://[fe80::1]/"}) {
    EXPECT_TRUE(has_local_host(url)) << url;
  }
  for (const char* url : {"http://example.org/", "https://8.8.8.8/", "http://localhost.example.org/"}) {
    EXPECT_FALSE(has_local_host(url)) << url;
  }
}

TEST(FileNameOf, IsTheLastComponentDecoded) {
  EXPECT_EQ(file_name_of("https://example.org/a/my%20talk.mp3?x=/y"), "my talk.mp3");
  EXPECT_EQ(file_name_of("https://example.org"), "");
  EXPECT_EQ(file_name_of("https://example.org/..%2f..%2fetc%2fpasswd"), "passwd");
}

}  // namespace
}  // namespace sotto::hub
