#include "hub/http_client.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "hub/hub_fixture.h"
#include "sotto/log.h"
#include "support/expect_error.h"

namespace sotto::hub {
namespace {

using test::FakeHub;
using test::Received;
using test::Wire;

/// Redirects and the token, of a hub that keeps large files on another host.
class RedirectTest : public test::HubTest {
 protected:
  RedirectTest() { hub_.redirect_storage_to(storage_); }

  HubOptions with_token() const {
    HubOptions with = options();
    with.token = "hf_secret";
    return with;
  }
  void redirect_config(const std::string& location, int status = 302) {
    for (const char* method : {"HEAD", "GET"}) {
      hub_.answer_always(FakeHub::file_line(method, "config.json"),
                         test::reply(status, "Location: " + location + "\r\n"));
    }
  }

  FakeHub storage_;
};

TEST_F(RedirectTest, TheTokenStaysWithTheHub) {
  hub_.require_token("hf_secret");
  hub::download(FakeHub::kRepository, with_token());
  expect_whole();
  ASSERT_EQ(storage_.received().size(), 1U);
  for (const Received& request : storage_.received()) {
    EXPECT_EQ(request.header("authorization"), "");
  }
  for (const Received& request : hub_.received()) {
    EXPECT_EQ(request.header("authorization"), "Bearer hf_secret");
  }
}

TEST_F(RedirectTest, TheTokenStaysAwayFromAnotherNameOfTheSameHost) {
  std::string location = hub_.storage_line("model.safetensors").substr(4);
  const std::string port = hub_.url().substr(hub_.url().rfind(':'));
  location.insert(0, "http://localhost" + port);
  hub_.answer_always(FakeHub::file_line("GET", "model.safetensors"),
                     test::reply(307, "Location: " + location + "\r\n"));
  storage_.answer_always(hub_.storage_line("model.safetensors"), test::reply(500));
  hub::download(FakeHub::kRepository, with_token());
  expect_whole();
  const Received last = hub_.received().back();
  EXPECT_EQ(last.line(), hub_.storage_line("model.safetensors"));
  EXPECT_EQ(last.header("authorization"), "");
  EXPECT_EQ(last.header("host"), "localhost" + port);
}

TEST_F(RedirectTest, FollowsARenamedRepositoryWithTheToken) {
  const std::string renamed = "/openai/whisper-renamed/config.json";
  redirect_config(renamed, 307);
  const std::string content = R"({"model_type": "whisper", "d_model": 384})";
  for (const char* method : {"HEAD ", "GET "}) {
    hub_.answer_always(method + renamed, [content](const Wire& wire, const Received& request) {
      test::send_content(wire, request, content, "ETag: \"" + test::git_blob_id(content) + "\"\r\n");
    });
  }
  hub::download(FakeHub::kRepository, with_token());
  expect_whole();
  EXPECT_EQ(hub_.n_received("GET " + renamed), 1U);
  for (const Received& request : hub_.received()) {
    EXPECT_EQ(request.header("authorization"), "Bearer hf_secret");
  }
}

TEST_F(RedirectTest, FollowsAMirrorToTheHubWithoutTheToken) {
  const std::string path = FakeHub::file_line("GET", "config.json").substr(4);
  storage_.add_file("config.json", R"({"model_type": "whisper", "d_model": 384})");
  redirect_config(storage_.url() + path, 308);
  hub::download(FakeHub::kRepository, with_token());
  expect_whole();
  EXPECT_EQ(storage_.n_received("GET " + path), 1U);
  for (const Received& request : storage_.received()) {
    EXPECT_EQ(request.header("authorization"), "");
  }
}

TEST_F(RedirectTest, GivesUpOnCircles) {
  redirect_config("/openai/whisper-tiny/resolve/" + std::string(FakeHub::kCommit) + "/config.json");
  test::expect_error([&] { download(); }, ErrorCode::network, "more than 10 redirects");
}

TEST_F(RedirectTest, FollowsHttpOnly) {
  for (const char* location : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x",
                               "javascript:x", "http://user:password@127.0.0.1/x"}) {
    redirect_config(location);
    test::expect_error([&] { download(); }, ErrorCode::network, "redirect to");
  }
}

TEST_F(RedirectTest, SaysNothingOfTokenOrSignature) {
  std::string said;
  set_log_callback([&](LogLevel, std::string_view line) { said += line; });
  storage_.answer_always(hub_.storage_line("model.safetensors") + "?Signature=s3cret",
                         [](const Wire& wire, const Received&) { wire.reply(500, ""); });
  hub_.answer_always(
      FakeHub::file_line("GET", "model.safetensors"),
      test::reply(302, "Location: " + storage_.url() + hub_.storage_line("model.safetensors").substr(4) +
                           "?Signature=s3cret\r\n"));
  try {
    hub::download(FakeHub::kRepository, with_token());
    ADD_FAILURE() << "the storage is broken";
  } catch (const Error& e) {
    said += e.what();
  }
  set_log_callback({});
  EXPECT_NE(said.find("status 500"), std::string::npos) << said;
  EXPECT_EQ(said.find("secret"), std::string::npos) << said;
  EXPECT_EQ(said.find("s3cret"), std::string::npos) << said;
}

TEST_F(RedirectTest, AsksADifferentStorageHostAgainAfterItsLinkExpired) {
  storage_.answer_next(hub_.storage_line("model.safetensors"), test::cut_after(weights_, 1'000'000));
  download();
  expect_whole();
  // Signed links expire: each try begins at the hub.
  EXPECT_EQ(hub_.n_received(FakeHub::file_line("GET", "model.safetensors")), 2U);
}

TEST_F(RedirectTest, TellsWhatTheStorageHostAnswers) {
  storage_.answer_always(hub_.storage_line("model.safetensors"), test::reply(403));
  test::expect_error([&] { download(); }, ErrorCode::network, "answered with status 403");
}

class ProxyTest : public test::HubTest {};

TEST_F(ProxyTest, AsksTheProxyAndTheDirectHostsDirectly) {
  FakeHub proxy;
  HubOptions through = options();
  through.proxy = proxy.url();
  through.endpoint = "http://hub.invalid";
  proxy.answer_always("GET http://hub.invalid/api/models/openai/whisper-tiny/revision/main",
                      test::reply(418));
  test::expect_error([&] { hub::download(FakeHub::kRepository, through); }, ErrorCode::network, "status 418");
  through.endpoint = hub_.url();
  through.no_proxy = "127.0.0.1";
  hub::download(FakeHub::kRepository, through);
  expect_whole();
}

TEST_F(ProxyTest, IgnoresTheEnvironment) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  download();
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
  expect_whole();
}

TEST_F(ProxyTest, NamesAMissingCertificateBundle) {
  HubOptions unusable = options();
  unusable.endpoint = "https://127.0.0.1:1";
  unusable.ca_bundle = dir_ / "none.pem";
  test::expect_error([&] { hub::download(FakeHub::kRepository, unusable); }, ErrorCode::network, "");
}

}  // namespace
}  // namespace sotto::hub
