#include "cli/inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/video_copy.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::cli {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class ExpandInputs : public testing::Test {
 protected:
  fs::path add(const std::string& name) {
    fs::create_directories((dir_ / name).parent_path());
    test::write_file(dir_ / name, "x");
    return dir_ / name;
  }
  test::TempDir dir_;
};

std::vector<std::string> names(const std::vector<Input>& inputs) {
  std::vector<std::string> out;
  for (const Input& input : inputs) {
    out.push_back(input.name);
  }
  return out;
}

std::vector<std::string> output_names(const std::vector<std::string>& given) {
  std::vector<std::string> out;
  for (const Input& input : expand_inputs(given)) {
    out.push_back(input.output_name);
  }
  return out;
}

TEST_F(ExpandInputs, FindsMediaBelowDirectoriesInOrder) {
  const std::string b = add("in/b.MP3");
  const std::string deep = add("in/a/z.wav");
  add("in/notes.txt");
  add("in/.hidden.wav");
  add("in/.git/x.wav");
  EXPECT_THAT(names(expand_inputs({dir_ / "in"})), ElementsAre(deep, b));
}

TEST_F(ExpandInputs, ExpandsPatternsAndKeepsWhatIsNotThere) {
  const std::string a = add("a.wav");
  const std::string bracket = add("[x].wav");
  EXPECT_THAT(names(expand_inputs({dir_ / "a*.wav"})), ElementsAre(a));
  EXPECT_THAT(names(expand_inputs({bracket})), ElementsAre(bracket));
  EXPECT_THAT(names(expand_inputs({dir_ / "no*.wav", dir_ / "no.wav"})),
              ElementsAre(dir_ / "no*.wav", dir_ / "no.wav"));
  fs::create_directory(dir_ / "empty");
  EXPECT_THAT(names(expand_inputs({dir_ / "empty"})), ElementsAre(dir_ / "empty"));
}

TEST(OutputNames, AreStemsUnlessTheyCollide) {
  EXPECT_THAT(output_names({"talk.mp4", "b/other.wav", "-"}), ElementsAre("talk", "other", "stdin"));
  EXPECT_THAT(output_names({"talk.mp4", "talk.wav", "b/talk.wav"}),
              ElementsAre("talk.mp4", "talk.wav", "talk.wav-2"));
  EXPECT_THAT(output_names({"a.b", "x/a.b", "a.b-2.wav"}), ElementsAre("a.b", "a.b-2", "a.b-2-2"));
}

TEST(OutputNames, OfUrlsLeadNowhereElse) {
  EXPECT_THAT(
      output_names({"https://example.org/a/my%20talk.mp3?sig=1", "http://example.org/",
                    "https://example.org/x%2f..%2f..%2fetc%2f.profile", "https://example.org/%5b31m.mp3"}),
      ElementsAre("my talk", "media", "profile", "[31m"));
}

TEST(OutputNames, MayBeAskedForOfASingleInput) {
  std::vector<Input> one = expand_inputs({"talk.mp4"});
  rename_outputs("minutes.v2", one);
  EXPECT_EQ(one.front().output_name, "minutes.v2");
  for (const char* name : {"", ".", "..", "a/b", "/etc/x"}) {
    test::expect_error([&] { rename_outputs(name, one); }, ErrorCode::invalid_argument,
                       "--output-name: expected a name without a directory");
  }
  std::vector<Input> two = expand_inputs({"a.mp4", "b.mp4"});
  test::expect_error([&] { rename_outputs("x", two); }, ErrorCode::invalid_argument,
                     "expected a single input, found 2.");
}

TEST(SafeStem, IsShortAndPlain) {
  EXPECT_EQ(safe_stem("..hidden.mp3"), "hidden");
  EXPECT_EQ(safe_stem("-rf.mp3"), "rf");
  EXPECT_EQ(safe_stem("a\\b:c\n.mp3"), "a_b_c_");
  EXPECT_EQ(safe_stem(""), "media");
  std::string dotted = "ä";
  for (int i = 0; i < 100; ++i) {
    dotted += "ä";
  }
  EXPECT_EQ(safe_stem(dotted + ".mp3").size(), 120U);
  EXPECT_EQ(safe_stem("x" + dotted + ".mp3").size(), 119U);
}

TEST(ExpandInputsError, StandardInputTwice) {
  test::expect_error([] { expand_inputs({"-", "-"}); }, ErrorCode::invalid_argument,
                     "expected standard input once");
}

TEST(VideoCopy, HasAContainerThatHoldsTheSubtitles) {
  EXPECT_EQ(video_copy_path("a.MP4", "out", "talk", false), fs::path("out/talk.subtitled.mp4"));
  EXPECT_EQ(video_copy_path("a.webm", "out", "talk", false), fs::path("out/talk.subtitled.webm"));
  EXPECT_EQ(video_copy_path("a.webm", "out", "talk", true), fs::path("out/talk.subtitled.mkv"));
  EXPECT_EQ(video_copy_path("a.avi", "out", "talk", false), fs::path("out/talk.subtitled.mkv"));
}

TEST(FilterValue, SurvivesBothUnescapings) {
  EXPECT_EQ(filter_value("/tmp/a.ass"), "/tmp/a.ass");
  EXPECT_EQ(filter_value("a:b"), "a\\\\:b");
  EXPECT_EQ(filter_value("a'b"), "a\\\\\\'b");
  EXPECT_EQ(filter_value("[a],b;c"), "\\[a\\]\\,b\\;c");
}

}  // namespace
}  // namespace sotto::cli
