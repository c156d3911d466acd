#include "cli/hub_environment.h"

#include <filesystem>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::cli {
namespace {

hub::HubOptions options_of(std::map<std::string, std::string> variables) {
  variables.try_emplace("HOME", "/no/such/home");
  return hub_options([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  });
}

std::filesystem::path cache_of(const std::map<std::string, std::string>& variables) {
  return options_of(variables).cache;
}

TEST(HubEnvironment, HasTheDefaultsOfHuggingFaceHub) {
  const hub::HubOptions options = options_of({});
  EXPECT_EQ(options.endpoint, "https://huggingface.co");
  EXPECT_EQ(options.cache, "/no/such/home/.cache/huggingface/hub");
  EXPECT_EQ(options.token, "");
  EXPECT_FALSE(options.offline);
  EXPECT_EQ(options.proxy, "");
}

TEST(HubEnvironment, FindsTheCacheBySixVariables) {
  EXPECT_EQ(cache_of({{"XDG_CACHE_HOME", "/x"}}), "/x/huggingface/hub");
  EXPECT_EQ(cache_of({{"XDG_CACHE_HOME", "/x"}, {"HF_HOME", "/h"}}), "/h/hub");
  EXPECT_EQ(cache_of({{"HF_HOME", "/h"}, {"HUGGINGFACE_HUB_CACHE", "/old"}}), "/old");
  EXPECT_EQ(cache_of({{"HUGGINGFACE_HUB_CACHE", "/old"}, {"HF_HUB_CACHE", "/new"}}), "/new");
  EXPECT_EQ(cache_of({{"HF_HUB_CACHE", ""}, {"HF_HOME", "/h"}}), "/h/hub");
}

TEST(HubEnvironment, ExpandsHomeAndVariables) {
  EXPECT_EQ(cache_of({{"HF_HUB_CACHE", "~/models"}}), "/no/such/home/models");
  EXPECT_EQ(cache_of({{"HF_HOME", "$SCRATCH/${USER}/hf"}, {"SCRATCH", "/s"}, {"USER", "me"}}),
            "/s/me/hf/hub");
  EXPECT_EQ(cache_of({{"HF_HUB_CACHE", "/a$/${UNSET}/$UNSET/${b"}}), "/a$/${UNSET}/$UNSET/${b");
}

TEST(HubEnvironment, NeedsAHomeOnlyForWhatIsInIt) {
  EXPECT_EQ(cache_of({{"HOME", ""}, {"HF_HOME", "/h"}}), "/h/hub");
  test::expect_error([] { options_of({{"HOME", ""}}); }, ErrorCode::invalid_argument, "set HF_HOME");
}

TEST(HubEnvironment, FindsTheToken) {
  const test::TempDir dir;
  test::write_file(dir / "token", " hf_file\r\n");
  test::write_file(dir / "other", "hf_other");
  const std::string home = dir.path().string();
  EXPECT_EQ(options_of({{"HF_HOME", home}}).token, "hf_file");
  EXPECT_EQ(options_of({{"HF_HOME", home}, {"HF_TOKEN_PATH", home + "/other"}}).token, "hf_other");
  EXPECT_EQ(options_of({{"HF_HOME", home}, {"HUGGING_FACE_HUB_TOKEN", "hf_legacy"}}).token, "hf_legacy");
  EXPECT_EQ(options_of({{"HUGGING_FACE_HUB_TOKEN", "hf_legacy"}, {"HF_TOKEN", "hf_new\n"}}).token, "hf_new");
  EXPECT_EQ(options_of({{"HF_TOKEN", "hf_new"}, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"}}).token, "");
}

TEST(HubEnvironment, NamesATokenFileThatCannotBeRead) {
  const test::TempDir dir;
  std::filesystem::create_directory(dir / "token");
  test::expect_error([&] { options_of({{"HF_HOME", dir.path().string()}}); }, ErrorCode::io, "token");
}

TEST(HubEnvironment, ReadsSwitchesAsHuggingFaceHub) {
  for (const char* on : {"1", "on", "Yes", "TRUE"}) {
    EXPECT_TRUE(options_of({{"HF_HUB_OFFLINE", on}}).offline) << on;
  }
  for (const char* off : {"", "0", "off", "no", "2"}) {
    EXPECT_FALSE(options_of({{"HF_HUB_OFFLINE", off}}).offline) << off;
  }
  EXPECT_TRUE(options_of({{"TRANSFORMERS_OFFLINE", "1"}}).offline);
  EXPECT_FALSE(options_of({{"HF_HUB_OFFLINE", "0"}, {"TRANSFORMERS_OFFLINE", "1"}}).offline);
}

TEST(HubEnvironment, ReadsTimeouts) {
  const auto options = options_of({{"HF_HUB_ETAG_TIMEOUT", "5"}, {"HF_HUB_DOWNLOAD_TIMEOUT", "60"}});
  EXPECT_EQ(options.connect_timeout_s, 5.0);
  EXPECT_EQ(options.stall_timeout_s, 60.0);
  for (const char* bad : {"soon", "-1", "0", "10 s"}) {
    test::expect_error([&] { options_of({{"HF_HUB_DOWNLOAD_TIMEOUT", bad}}); }, ErrorCode::invalid_argument,
                       "HF_HUB_DOWNLOAD_TIMEOUT");
  }
}

TEST(HubEnvironment, ChoosesTheProxyByTheEndpointsScheme) {
  const std::map<std::string, std::string> both = {
      {"http_proxy", "http://plain"}, {"HTTPS_PROXY", "http://secure"}, {"NO_PROXY", "localhost"}};
  EXPECT_EQ(options_of(both).proxy, "http://secure");
  EXPECT_EQ(options_of(both).no_proxy, "localhost");
  auto plain = both;
  plain["HF_ENDPOINT"] = "http://hub.test";
  EXPECT_EQ(options_of(plain).proxy, "http://plain");
  EXPECT_EQ(options_of({{"HTTP_PROXY", "http://evil"}, {"HF_ENDPOINT", "http://hub.test"}}).proxy, "");
  EXPECT_EQ(options_of({{"all_proxy", "socks5://s"}}).proxy, "socks5://s");
  EXPECT_EQ(options_of({{"SSL_CERT_FILE", "/ca.pem"}}).ca_bundle, "/ca.pem");
}

}  // namespace
}  // namespace sotto::cli
