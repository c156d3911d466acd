#include "evaluate/peer_results.h"

#include <gtest/gtest.h>

#include "sotto/log.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::evaluate {
namespace {

TEST(ReadPeerResults, ReadsEachPeersShape) {
  const test::TempDir dir;
  std::filesystem::create_directories(dir / "sub");
  test::write_file(dir / "a.json", R"({"text": " Hello.", "segments": [], "language": "en"})");
  test::write_file(dir / "b.json",
                   R"({"segments": [{"text": " One"}, {"text": " two."}], "language": "English"})");
  test::write_file(dir / "sub" / "c.json", R"([{"start": 0, "end": 1, "text": " Drei"}])");
  test::write_file(dir / "empty.json", R"({"text": ""})");
  const PeerResults results = read_peer_results(dir.path());
  ASSERT_EQ(results.texts.size(), 4U);
  EXPECT_EQ(results.texts.at("a").text, " Hello.");
  EXPECT_EQ(results.texts.at("a").language, "en");
  EXPECT_EQ(results.texts.at("b").text, " One two.");
  EXPECT_EQ(results.texts.at("b").language, "en");
  EXPECT_EQ(results.texts.at("c").text, " Drei");
  EXPECT_EQ(results.texts.at("c").language, "");
  EXPECT_EQ(results.texts.at("empty").text, "");
}

TEST(ReadPeerResults, WarnsOfWhatIsNoResult) {
  const test::TempDir dir;
  std::filesystem::create_directories(dir / "sub");
  test::write_file(dir / "broken.json", "{\"text\": ");
  test::write_file(dir / "config.json", R"({"model_type": "whisper"})");
  test::write_file(dir / "list.json", R"([1, 2])");
  test::write_file(dir / "odd.json", R"({"text": 3, "language": "klingon"})");
  test::write_file(dir / "a.json", R"({"text": "x", "language": "klingon"})");
  test::write_file(dir / "sub" / "a.json", R"({"text": "y"})");
  std::vector<std::string> warnings;
  set_log_callback([&](LogLevel, std::string_view line) { warnings.emplace_back(line); });
  const PeerResults results = read_peer_results(dir.path());
  set_log_callback({});
  EXPECT_EQ(results.texts.size(), 1U);
  EXPECT_EQ(results.texts.at("a").text, "x");
  EXPECT_EQ(results.texts.at("a").language, "");
  EXPECT_EQ(warnings.size(), 5U);
}

TEST(ReadPeerResults, OfNoFolderIsAnError) {
  const test::TempDir dir;
  test::expect_error([&] { read_peer_results(dir / "no"); }, ErrorCode::not_found, "results");
}

}  // namespace
}  // namespace sotto::evaluate
