// The readable layout and the formats beyond openai-whisper's.

#include <algorithm>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sotto/subtitles.h"
#include "support/expect_error.h"
#include "text/unicode.h"
#include "transcribe/strip.h"
#include "transcribe/subtitles/cue.h"

namespace sotto::subtitles {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A segment whose words, cut at spaces, each take `word_s`.
transcribe::Segment spoken(const std::string& text, double start_s, double word_s) {
  transcribe::Segment segment{.start_s = start_s, .end_s = start_s, .text = " " + text};
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    segment.words.push_back(
        {.word = " " + word, .start_s = segment.end_s, .end_s = segment.end_s + word_s, .probability = 0.9});
    segment.end_s += word_s;
  }
  return segment;
}

transcribe::Transcription transcription_of(std::vector<transcribe::Segment> segments) {
  transcribe::Transcription t;
  t.segments = std::move(segments);
  return t;
}

transcribe::Transcription untimed(const std::string& text, double end_s) {
  return transcription_of({{.start_s = 0.0, .end_s = end_s, .text = text}});
}

std::vector<std::string> texts(const transcribe::Transcription& t, const LayoutOptions& options = {}) {
  std::vector<std::string> out;
  for (const Cue& cue : make_cues(t, options)) {
    out.push_back(cue.text());
  }
  return out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

TEST(ReadableCues, FollowTheTimestampsWhereWordsWentAstray) {
  transcribe::Segment segment = spoken("I have fifty four birds.", 29.5, 0.4);
  segment.stamp_start_s = 22.0;
  segment.stamp_end_s = 24.5;
  const std::vector<Cue> astray = make_cues(transcription_of({segment}), {});
  ASSERT_EQ(astray.size(), 1U);
  EXPECT_NEAR(astray[0].start_s, 22.0, 0.2);
  EXPECT_LE(astray[0].end_s, 26.0);
  segment.stamp_start_s = 29.0;
  segment.stamp_end_s = 31.5;
  EXPECT_NEAR(make_cues(transcription_of({segment}), {})[0].start_s, 29.5, 0.2);
}

TEST(ReadableCues, EndWithSentences) {
  const auto t =
      transcription_of({spoken("We met in the old town. Nobody else had come that early", 0.0, 0.3),
                        spoken("in the morning. Then it began to rain.", 3.6, 0.3)});
  EXPECT_THAT(texts(t),
              ElementsAre("We met in the old town.", "Nobody else had come that\nearly in the morning.",
                          "Then it began to rain."));
}

TEST(ReadableCues, BreakLongSentencesWhereTheyPauseIntoBalancedLines) {
  const auto t =
      transcription_of({spoken("When the committee finally came back from its long deliberations, "
                               "everybody in the room could see that they had not agreed.",
                               0.0, 0.3)});
  EXPECT_THAT(texts(t), ElementsAre("When the committee finally came\nback from its long deliberations,",
                                    "everybody in the room could\nsee that they had not agreed."));
}

TEST(ReadableCues, JoinShortSentencesAndKeepAbbreviations) {
  EXPECT_THAT(texts(transcription_of({spoken("Yes. No. Dr. Smith said so.", 0.0, 0.25)})),
              ElementsAre("Yes. No. Dr. Smith said so."));
}

TEST(ReadableCues, EndAtLongPauses) {
  auto second = spoken("and then said", 9.0, 0.3);
  EXPECT_THAT(texts(transcription_of({spoken("He waited", 0.0, 0.3), second})),
              ElementsAre("He waited", "and then said"));
}

TEST(ReadableCues, HoldLimitsWhateverIsSaid) {
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    const LayoutOptions options{.max_line_width = 12 + static_cast<int>(random() % 40),
                                .max_line_count = 1 + static_cast<int>(random() % 3),
                                .max_words_per_line = static_cast<int>(random() % 9)};
    std::vector<transcribe::Segment> segments;
    std::string said;
    double time_s = 0.0;
    for (int s = 0; s < 6; ++s) {
      std::string text;
      for (auto n = random() % 30; n > 0; --n) {
        text += (text.empty() ? "" : " ") + std::string(1 + random() % 11, 'a') +
                std::vector<std::string>{"", "", "", ",", ".", "?"}[random() % 6];
      }
      said += text.empty() ? "" : " " + text;
      segments.push_back(spoken(text, time_s, 0.05 + static_cast<double>(random() % 100) * 0.01));
      time_s = segments.back().end_s + (random() % 4 == 0 ? 2.5 : 0.0);
    }
    std::string shown;
    double last_end_s = 0.0;
    for (const Cue& cue : make_cues(transcription_of(segments), options)) {
      const auto lines = lines_of(cue.text());
      EXPECT_LE(static_cast<int>(lines.size()), options.max_line_count);
      for (const std::string& line : lines) {
        EXPECT_LE(text::display_width(line), options.max_line_width) << line;
        EXPECT_TRUE(options.max_words_per_line == 0 ||
                    std::count(line.begin(), line.end(), ' ') < options.max_words_per_line)
            << line;
        shown += " " + line;
      }
      EXPECT_GE(cue.start_s, last_end_s);
      EXPECT_GE(cue.end_s, cue.start_s);
      EXPECT_LE(cue.end_s - cue.start_s, options.max_cue_duration + 0.5);
      last_end_s = cue.end_s;
    }
    EXPECT_EQ(shown, said);
  }
}

TEST(ReadableCues, CutWordsThatAreWiderThanALine) {
  const std::string word = std::string(100, 'a') + "\u0301!";  // the accent stays with its letter
  auto segment = spoken(word + " " + word, 1.0, 3.0);
  const auto cues = make_cues(transcription_of({segment}), {});
  std::string shown;
  for (const Cue& cue : cues) {
    for (const std::string& line : lines_of(cue.text())) {
      EXPECT_LE(text::display_width(line), 42);
      EXPECT_FALSE(line.starts_with("\u0301"));
      shown += line;
    }
  }
  EXPECT_EQ(shown, word + word);
  EXPECT_DOUBLE_EQ(cues.front().start_s, 1.0);
  EXPECT_DOUBLE_EQ(cues.back().words.back().end_s, 7.0);
}

TEST(ReadableCues, DoNotPartMarksAndVowelsFromTheirConsonants) {
  // Thai without spaces: no line begins with a mark or ends with a vowel written before its consonant.
  std::string said;
  for (int i = 0; i < 40; ++i) {
    said += "\u0E40\u0E14\u0E47\u0E01\u0E44\u0E1B\u0E17\u0E35\u0E48";
  }
  for (int width = 10; width < 20; ++width) {
    for (const std::string& text : texts(untimed(said, 60.0), {.max_line_width = width})) {
      for (const std::string& line : lines_of(text)) {
        const std::u32string letters = text::to_utf32(line);
        EXPECT_GT(text::display_width(letters.front()), 0);
        EXPECT_NE(letters.back(), U'\u0E40');
        EXPECT_NE(letters.back(), U'\u0E44');
      }
    }
  }
}

TEST(ReadableCues, HoldNoLinesOfNothing) {
  auto segment = spoken("one two", 0.0, 1.0);
  segment.words[0].word = " one\n\n\r\n";
  segment.words[1].word = "\n \ntwo";
  for (const Layout layout : {Layout::readable, Layout::segments}) {
    const auto cues = make_cues(transcription_of({segment}), {.layout = layout});
    ASSERT_EQ(cues.size(), 1U);
    EXPECT_THAT(lines_of(cues[0].text()), testing::AnyOf(ElementsAre("one", "two"), ElementsAre("one two")));
  }
  segment.words.clear();
  segment.text = " one\n\n two\tthree\n";
  EXPECT_EQ(make_cues(transcription_of({segment}), {.layout = Layout::segments})[0].text(),
            "one\n two\tthree");
}

TEST(Srt, UnderlinesOnlyWordsThatTakeTime) {
  auto segment = spoken("I am here", 0.0, 1.0);
  segment.words[1].end_s = segment.words[1].start_s;
  const std::string srt = write(transcription_of({segment}), Format::srt, {.highlight_words = true});
  EXPECT_THAT(srt, HasSubstr("<u>I</u> am here"));
  EXPECT_THAT(srt, testing::Not(HasSubstr("<u>am</u>")));
  EXPECT_THAT(srt, HasSubstr("00:00:01,000 --> 00:00:02,000\nI am here\n"));
}

TEST(ReadableCues, StayLongEnoughToBeRead) {
  const auto t =
      transcription_of({spoken("Go.", 0.0, 0.2), spoken("A very quickly spoken sentence.", 5.0, 0.1)});
  const auto cues = make_cues(t, {.max_chars_per_second = 10});
  ASSERT_EQ(cues.size(), 2U);
  EXPECT_DOUBLE_EQ(cues[0].end_s, 1.0);
  EXPECT_DOUBLE_EQ(cues[1].end_s, 5.0 + 3.1);
}

TEST(ReadableCues, LeaveAGapAndCloseSmallOnes) {
  const auto t = transcription_of({spoken("This is the first one of them.", 0.0, 0.3),
                                   spoken("This is the second one of them.", 2.3, 0.3)});
  const auto cues = make_cues(t, {.min_cue_gap = 0.1});
  ASSERT_EQ(cues.size(), 2U);
  EXPECT_DOUBLE_EQ(cues[0].end_s, 2.2);
}

TEST(ReadableCues, ShareOutTheTimeOfTextWithoutWords) {
  const auto cues = make_cues(untimed(" The first sentence is here. The other one is here.", 10.0), {});
  ASSERT_EQ(cues.size(), 2U);
  EXPECT_EQ(cues[0].text(), "The first sentence is here.");
  EXPECT_NEAR(cues[1].start_s, 10.0 * 28 / 51, 1e-9);
  EXPECT_DOUBLE_EQ(cues[1].end_s, 10.0);
}

TEST(ReadableCues, CountWideCharactersTwiceAndBreakBetweenThem) {
  const auto lines =
      lines_of(texts(untimed("私たちは朝早くから駅の前で友達を待っていましたが、誰も来ませんでした。", 7.0),
                     {.max_line_width = 38})
                   .front());
  ASSERT_EQ(lines.size(), 2U);
  for (const std::string& line : lines) {
    EXPECT_LE(text::display_width(line), 38);
  }
  EXPECT_EQ(lines[0] + lines[1], "私たちは朝早くから駅の前で友達を待っていましたが、誰も来ませんでした。");
  EXPECT_FALSE(lines[1].starts_with("、") || lines[1].starts_with("っ"));
}

TEST(ReadableCues, EndSentencesOfOtherScripts) {
  EXPECT_THAT(texts(untimed("今日は天気がいいです。明日は雨が降るでしょう。", 8.0)),
              ElementsAre("今日は天気がいいです。", "明日は雨が降るでしょう。"));
  EXPECT_THAT(texts(untimed(" هل وصلت إلى المدينة القديمة؟ نعم، وصلت إليها في الصباح الباكر.", 8.0)),
              ElementsAre("هل وصلت إلى المدينة القديمة؟", "نعم، وصلت إليها في الصباح الباكر."));
  EXPECT_THAT(texts(untimed(" आज मौसम बहुत अच्छा है। कल बारिश हो सकती है।", 8.0)),
              ElementsAre("आज मौसम बहुत अच्छा है।", "कल बारिश हो सकती है।"));
}

TEST(ReadableCues, KeepFrenchPunctuationOnItsLine) {
  const auto t = untimed(" Est-ce que vous êtes déjà arrivés à la gare centrale ? Pas encore !", 8.0);
  for (const std::string& text : texts(t, {.max_line_width = 20, .max_line_count = 3})) {
    for (const std::string& line : lines_of(text)) {
      EXPECT_FALSE(line.starts_with("?") || line.starts_with("!")) << text;
    }
  }
}

TEST(ReadableCues, SurviveTimesThatJump) {
  auto t = transcription_of(
      {spoken("one two three.", 50.0, 0.3), spoken("four five six.", 3.0, 0.3), spoken("seven.", 3.0, 0.0)});
  double last_s = 0.0;
  for (const Cue& cue : make_cues(t, {})) {
    EXPECT_GE(cue.start_s, last_s);
    EXPECT_GE(cue.end_s, cue.start_s);
    last_s = cue.start_s;
  }
}

TEST(DisplayWidth, FollowsUax11) {
  EXPECT_EQ(text::display_width("abc"), 3);
  EXPECT_EQ(text::display_width("東京"), 4);
  EXPECT_EQ(text::display_width("한국"), 4);
  EXPECT_EQ(text::display_width("e\u0301\u200d"), 1);
  EXPECT_EQ(text::display_width("שָׁלוֹם"), 4);
  EXPECT_EQ(text::display_width("🎧"), 2);
}

TEST(Vtt, NamesTheSpeakerAndTimesWords) {
  const auto t = transcription_of({spoken("Tom & Jerry <3 it --> now.", 1.0, 0.5)});
  EXPECT_EQ(write(t, Format::vtt, {.speaker = "Ann"}),
            "WEBVTT\n\n00:01.000 --> 00:04.500\n<v Ann>Tom &amp; Jerry &lt;3 it -> now.\n\n");
  EXPECT_THAT(write(t, Format::vtt, {.highlight_words = true}),
              HasSubstr("\nTom <00:00:01.500>&amp; <00:00:02.000>Jerry <00:00:02.500>&lt;3 "));
}

TEST(Ass, HasKaraokeAndNoForeignMarkup) {
  const auto t = transcription_of({spoken("{\\b1}Hello, C:\\Nice world.", 3661.0, 0.5)});
  EXPECT_THAT(write(t, Format::ass, {.speaker = "Ann"}),
              HasSubstr("\nDialogue: 0,1:01:01.00,1:01:02.50,Default,Ann,0,0,0,,"
                        "\\{\\\u2060b1\\}Hello, C:\\\u2060Nice world.\n"));
  EXPECT_THAT(write(t, Format::ass, {.highlight_words = true}),
              HasSubstr("{\\k50} C:\\\u2060Nice{\\k50} world."));
}

TEST(Ass, KaraokeLastsAsLongAsTheWords) {
  const auto t = transcription_of({spoken("a b c d e f g h i j", 0.0, 0.333)});
  const std::string file = write(t, Format::ass, {.highlight_words = true});
  long total_cs = 0;
  for (std::size_t at = file.find("{\\k"); at != std::string::npos; at = file.find("{\\k", at + 1)) {
    total_cs += std::stol(file.substr(at + 3));
  }
  EXPECT_EQ(total_cs, 333);
}

TEST(Lrc, HasALineACueAndWordTimes) {
  const auto t = transcription_of({spoken("Up and away.", 61.0, 0.5), spoken("Down again.", 70.0, 0.5)});
  EXPECT_EQ(write(t, Format::lrc),
            "[re:sotto]\n[01:01.00]Up and away.\n[01:02.50]\n[01:10.00]Down again.\n[01:11.00]\n");
  EXPECT_THAT(write(t, Format::lrc, {.highlight_words = true}),
              HasSubstr("[01:01.00]<01:01.00>Up <01:01.50>and <01:02.00>away.\n"));
}

TEST(Csv, QuotesText) {
  EXPECT_EQ(write(transcription_of({{.start_s = 0.5, .end_s = 1.25, .text = " He said \"so\", then"}}),
                  Format::csv),
            "start,end,text\n500,1250,\"He said \"\"so\"\", then\"\n");
}

TEST(ValidateLayout, NamesTheOption) {
  EXPECT_NO_THROW(validate(LayoutOptions{}));
  const auto refused = [](const LayoutOptions& options, const char* part) {
    test::expect_error([&] { validate(options); }, ErrorCode::invalid_argument, part);
  };
  refused({.max_line_width = -1}, "max_line_width: expected a width, or 0 for the layout's own.");
  refused({.min_cue_duration = 9.0},
          "max_cue_duration: expected at least 0.1 s and at least min_cue_duration.");
  refused({.speaker = "a>b"}, "speaker: expected a name on one line without \">\" or \",\".");
}

}  // namespace
}  // namespace sotto::subtitles
