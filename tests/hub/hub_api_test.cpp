#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "hub/hub_fixture.h"
#include "sotto/hub.h"
#include "support/damage.h"
#include "support/expect_error.h"

namespace sotto::hub {
namespace {

using test::FakeHub;
using test::Received;
using test::Wire;

/// What the hub answers to the two questions about a model.
class HubApiTest : public test::HubTest {
 protected:
  void expect_refused(ErrorCode code, const std::string& part) {
    test::expect_error([&] { download(); }, code, part);
  }
  void list_as(const std::string& body) {
    hub_.answer_always(FakeHub::list_line(), test::reply(200, "", body));
  }
  HubOptions with_token(const std::string& token) const {
    HubOptions with = options();
    with.token = token;
    return with;
  }
};

TEST_F(HubApiTest, NamesTheNearestModelsForOneThatIsNotThere) {
  test::expect_error([&] { hub::download("openai/whisper-tinny", options()); }, ErrorCode::not_found,
                     "openai/whisper-tinny: expected a model on http://127.0.0.1");
  test::expect_error([&] { hub::download("openai/whisper-tinny", options()); }, ErrorCode::not_found,
                     "nearest names: openai/whisper-tiny");
}

TEST_F(HubApiTest, APrivateModelNeedsItsToken) {
  hub_.require_token("hf_secret");
  expect_refused(ErrorCode::not_found, "if it is private, a token (HF_TOKEN) is needed");
  test::expect_error([&] { hub::download(FakeHub::kRepository, with_token("hf_other")); },
                     ErrorCode::not_found, "if it is private, the token does not open it");
  EXPECT_EQ(hub::download(FakeHub::kRepository, with_token("hf_secret")), snapshot());
  expect_whole();
}

TEST_F(HubApiTest, TellsATokenThatIsNotAccepted) {
  hub_.answer_always(FakeHub::list_line(),
                     test::reply(401, "X-Error-Message: Invalid credentials in Authorization header\r\n"));
  test::expect_error([&] { hub::download(FakeHub::kRepository, with_token("hf_old")); }, ErrorCode::network,
                     "does not accept the token (status 401)");
}

TEST_F(HubApiTest, TellsHowToOpenAGatedModel) {
  for (const int status : {401, 403}) {
    hub_.answer_next(FakeHub::file_line("HEAD", "config.json"),
                     test::reply(status, "X-Error-Code: GatedRepo\r\n"));
    expect_refused(ErrorCode::network, "accept its conditions at " + hub_.url() + "/openai/whisper-tiny");
  }
}

TEST_F(HubApiTest, TellsOtherRefusalsInTheServersWords) {
  hub_.answer_next(FakeHub::list_line(),
                   test::reply(403, "X-Error-Message: This region is \x01 blocked\r\n"));
  expect_refused(ErrorCode::network, "answered with status 403: This region is ? blocked.");
  hub_.answer_next(FakeHub::list_line(), test::reply(418));
  expect_refused(ErrorCode::network, "answered with status 418.");
}

TEST_F(HubApiTest, TellsARevisionThatIsNotThere) {
  HubOptions other = options();
  other.revision = "refs/pr/99";
  hub_.answer_always(FakeHub::list_line("refs%2Fpr%2F99"),
                     test::reply(404, "X-Error-Code: RevisionNotFound\r\n"));
  test::expect_error([&] { hub::download(FakeHub::kRepository, other); }, ErrorCode::not_found,
                     "expected revision \"refs/pr/99\"");
}

TEST_F(HubApiTest, TellsAListedFileThatIsNotThere) {
  hub_.list_name("merges.txt");
  expect_refused(ErrorCode::not_found, "openai/whisper-tiny/merges.txt: ");
}

TEST_F(HubApiTest, TriesAgainAfterServerErrors) {
  hub_.answer_next(FakeHub::list_line(), test::reply(500));
  hub_.answer_next(FakeHub::list_line(), test::reply(502));
  hub_.answer_next(FakeHub::list_line(), [](const Wire&, const Received&) {});  // hangs up
  download();
  expect_whole();
  hub_.answer_always(FakeHub::list_line("other"), test::reply(504));
  HubOptions other = options();
  other.revision = "other";
  test::expect_error([&] { hub::download(FakeHub::kRepository, other); }, ErrorCode::network,
                     "status 504; gave up after 4 tries");
  EXPECT_EQ(hub_.n_received(FakeHub::list_line("other")), 4U);
}

TEST_F(HubApiTest, TriesAgainWhenTheHubSaysNothing) {
  hub_.answer_next(FakeHub::list_line(), [](const Wire& wire, const Received&) { wire.stall(); });
  hub::download(FakeHub::kRepository, impatient_options());
  expect_whole();
}

TEST_F(HubApiTest, TellsAHubThatIsNotThere) {
  HubOptions nobody = options();
  nobody.endpoint = "http://127.0.0.1:1";
  test::expect_error([&] { hub::download(FakeHub::kRepository, nobody); }, ErrorCode::network,
                     "http://127.0.0.1:1/api/models/openai/whisper-tiny/revision/main: ");
}

TEST_F(HubApiTest, RefusesAListThatIsNone) {
  list_as("<html>Welcome to the hotel</html>");
  expect_refused(ErrorCode::bad_format, "found no JSON; is the endpoint a hub?");
  list_as("[]");
  expect_refused(ErrorCode::bad_format, "found no JSON object");
  list_as(R"({"siblings": []})");
  expect_refused(ErrorCode::bad_format, "no commit in field \"sha\"");
  list_as(R"({"sha": "../../../../etc", "siblings": []})");
  expect_refused(ErrorCode::bad_format, "no commit in field \"sha\"");
  const std::string sha = std::string(R"({"sha": ")") + FakeHub::kCommit + "\"";
  list_as(sha + "}");
  expect_refused(ErrorCode::bad_format, "no list of files");
  list_as(sha + R"(, "siblings": [{"name": "config.json"}]})");
  expect_refused(ErrorCode::bad_format, "without a name");
  list_as(sha + R"(, "siblings": ["config.json"]})");
  expect_refused(ErrorCode::bad_format, "without a name");
  list_as(std::string(1'000'000, '['));
  expect_refused(ErrorCode::bad_format, "found no JSON");
}

TEST_F(HubApiTest, RefusesAListOfEveryPrefix) {
  const std::string whole =
      std::string(R"({"sha": ")") + FakeHub::kCommit + R"(", "siblings": [{"rfilename": "config.json"}]})";
  for (std::size_t n = 0; n < whole.size(); ++n) {
    list_as(whole.substr(0, n));
    expect_refused(ErrorCode::bad_format, "found no JSON");
  }
}

TEST_F(HubApiTest, ReadsOrRefusesAListWithFlippedBytes) {
  const std::string whole =
      std::string(R"({"sha": ")") + FakeHub::kCommit + R"(", "siblings": [{"rfilename": "config.json"}]})";
  test::expect_flips_read_or_refused(
      [&](const std::string& body) {
        list_as(body);
        download();
      },
      whole, "");
}

TEST_F(HubApiTest, RefusesFileNamesThatLeadElsewhere) {
  for (const char* name :
       {"../../evil", "/etc/passwd", "a/../../b", "a\\..\\b", "a//b", ".", "..", "a\nb", "a/", "", "a\x7f"}) {
    FakeHub hostile;
    hostile.add_whisper("weights");
    hostile.list_name(name);
    HubOptions of_hostile = options();
    of_hostile.endpoint = hostile.url();
    test::expect_error([&] { hub::download(FakeHub::kRepository, of_hostile); }, ErrorCode::bad_format,
                       "a file name that leads elsewhere");
  }
  EXPECT_FALSE(std::filesystem::exists(cache()));
}

TEST_F(HubApiTest, RefusesShardNamesThatLeadElsewhere) {
  FakeHub hostile;
  hostile.add_file("config.json", R"({"model_type": "whisper"})");
  hostile.add_file("tokenizer.json", "{}");
  HubOptions of_hostile = options();
  of_hostile.endpoint = hostile.url();
  const auto expect_bad_index = [&](const std::string& index, const std::string& part) {
    hostile.add_file("model.safetensors.index.json", index);
    std::filesystem::remove_all(cache());
    test::expect_error([&] { hub::download(FakeHub::kRepository, of_hostile); }, ErrorCode::bad_format, part);
  };
  expect_bad_index(R"({"weight_map": {"a": "../../../x"}})", "found \"../../../x\"");
  expect_bad_index(R"({"weight_map": {"a": "/etc/passwd"}})", "found \"/etc/passwd\"");
  expect_bad_index(R"({"weight_map": {"a": 5}})", "found \"number\"");
  expect_bad_index(R"({"weight_map": {}})", "field \"weight_map\"");
  expect_bad_index("{", "expected JSON");
}

TEST_F(HubApiTest, RefusesAListWithoutEnd) {
  hub_.answer_always(FakeHub::list_line(), [](const Wire& wire, const Received&) {
    wire.send("HTTP/1.1 200 Fine\r\n\r\n");
    while (wire.send(std::string(1 << 20, ' '))) {
    }
  });
  expect_refused(ErrorCode::bad_format, "expected a list of files below 16 MiB");
}

TEST_F(HubApiTest, RefusesHeadersWithoutEnd) {
  hub_.answer_always(FakeHub::list_line(), [](const Wire& wire, const Received&) {
    wire.send("HTTP/1.1 200 Fine\r\n");
    while (wire.send("X-More: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  expect_refused(ErrorCode::network, "");
}

TEST_F(HubApiTest, RefusesUnusableTagsSizesAndCommits) {
  const std::string line = FakeHub::file_line("HEAD", "config.json");
  const auto expect_bad_head = [&](const std::string& headers, const std::string& part) {
    hub_.answer_next(line, [headers](const Wire& wire, const Received&) {
      wire.send("HTTP/1.1 200 Fine\r\n" + headers + "\r\n");
    });
    expect_refused(ErrorCode::bad_format, part);
  };
  expect_bad_head("Content-Length: 5\r\n", "expected an entity tag, found \"\"");
  expect_bad_head("ETag: \"../../x\"\r\nContent-Length: 5\r\n", "expected an entity tag, found \"../../x\"");
  expect_bad_head("ETag: \"" + std::string(200, 'a') + "\"\r\nContent-Length: 5\r\n",
                  "expected an entity tag");
  expect_bad_head("ETag: \"abc\"\r\nX-Linked-Size: -5\r\n", "expected a size");
  expect_bad_head("ETag: \"abc\"\r\nX-Linked-Size: 5 apples\r\n", "expected a size");
  expect_bad_head("ETag: \"abc\"\r\nX-Linked-Size: 99999999999999999999999\r\n", "expected a size");
  expect_bad_head("ETag: \"abc\"\r\nContent-Length: 900000000\r\n",
                  "expected a size of at most 67108864 bytes");
  expect_bad_head("ETag: \"abc\"\r\nX-Repo-Commit: " + std::string(40, '0') + "\r\nContent-Length: 5\r\n",
                  "expected a file of commit");
}

}  // namespace
}  // namespace sotto::hub
