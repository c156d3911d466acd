// `sotto download` and a hub's name in the place of a directory, against a hub of its own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "cli/run_sotto.h"
#include "hub/hub_fixture.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;
using test::FakeHub;
using test::Outcome;
using test::run_sotto;
using testing::HasSubstr;

/// The command line with this hub and an empty cache in its environment.
class Download : public test::HubTest {
 protected:
  Download() {
    ::setenv("HF_ENDPOINT", hub_.url().c_str(), 1);
    ::setenv("HF_HUB_CACHE", cache().c_str(), 1);
    for (const char* name :
         {"HF_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "http_proxy", "all_proxy"}) {
      ::unsetenv(name);
    }
  }
  std::string snapshot_line() const { return snapshot().string() + "\n"; }
};

TEST_F(Download, PrintsWhereTheModelIs) {
  for (const char* name : {"openai/whisper-tiny", "tiny"}) {
    const Outcome outcome = run_sotto({"download", name});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.out, snapshot_line());
    EXPECT_EQ(outcome.err, "");
  }
  expect_whole();
}

TEST_F(Download, OfflineAsksNobody) {
  const Outcome before = run_sotto({"download", "tiny", "--offline"});
  EXPECT_EQ(before.status, 1);
  EXPECT_TRUE(hub_.received().empty());
  EXPECT_EQ(run_sotto({"download", "tiny"}).status, 0);
  const std::size_t n_received = hub_.received().size();
  EXPECT_EQ(run_sotto({"download", "tiny", "--offline"}).out, snapshot_line());
  EXPECT_EQ(hub_.received().size(), n_received);
}

TEST_F(Download, TakesARevisionAndACache) {
  const Outcome outcome =
      run_sotto({"download", "tiny", "--revision", FakeHub::kCommit, "--cache", dir_ / "other"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(hub_.n_received(FakeHub::list_line(FakeHub::kCommit)), 1U);
  EXPECT_THAT(outcome.out, HasSubstr("/other/models--openai--whisper-tiny/snapshots/"));
}

TEST_F(Download, SaysWhatWentWrongInOneLine) {
  const Outcome unknown = run_sotto({"download", "tinny"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.err, HasSubstr("tiny"));
  hub_.require_token("hf_secret");
  const Outcome refused = run_sotto({"download", "tiny"});
  EXPECT_NE(refused.status, 0);
  EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
  EXPECT_EQ(refused.out, "");
}

TEST_F(Download, ANameStandsForAModelInOtherCommands) {
  const Outcome outcome = run_sotto({"convert", "openai/whisper-tiny", "-o", dir_ / "ir"});
  EXPECT_EQ(outcome.status, 1);  // its weights are noise
  EXPECT_THAT(outcome.err, HasSubstr("models--openai--whisper-tiny"));
  expect_whole();
}

}  // namespace
}  // namespace sotto
