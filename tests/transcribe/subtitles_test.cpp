#include "sotto/subtitles.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/json_file.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "transcribe/subtitles/timestamp.h"

namespace sotto::subtitles {
namespace {

using nlohmann::json;

/// The files that openai-whisper wrote (tests/golden/transcribe/make_subtitles.py).
json golden_files(const char* kind = "files") {
  return read_json_object(test::source_dir() / "tests" / "golden" / "transcribe" / "subtitles.json").at(kind);
}

const LayoutOptions kSegments{.layout = Layout::segments};

/// The transcription they were written from, as its .json has it.
transcribe::Transcription golden_transcription(const char* kind = "files") {
  const json whole = json::parse(golden_files(kind).at("json").get<std::string>());
  transcribe::Transcription t;
  t.text = whole.at("text").get<std::string>();
  t.language = whole.at("language").get<std::string>();
  t.duration_s = 363662.0;
  for (const auto& s : whole.at("segments")) {
    t.segments.push_back({.id = s.at("id").get<int>(),
                          .seek_frames = s.at("seek").get<std::size_t>(),
                          .start_s = s.at("start").get<double>(),
                          .end_s = s.at("end").get<double>(),
                          .text = s.at("text").get<std::string>(),
                          .tokens = s.at("tokens").get<std::vector<std::int32_t>>(),
                          .temperature = s.at("temperature").get<double>(),
                          .avg_logprob = s.at("avg_logprob").get<double>(),
                          .compression_ratio = s.at("compression_ratio").get<double>(),
                          .no_speech_prob = s.at("no_speech_prob").get<double>()});
    for (const auto& w : s.value("words", json::array())) {
      t.segments.back().words.push_back({.word = w.at("word").get<std::string>(),
                                         .start_s = w.at("start").get<double>(),
                                         .end_s = w.at("end").get<double>(),
                                         .probability = w.at("probability").get<double>()});
    }
  }
  return t;
}

TEST(Subtitles, AreByteForByteThoseOfOpenAiWhisper) {
  for (const char* kind : {"files", "files_with_words"}) {
    for (const Format format : {Format::txt, Format::srt, Format::vtt, Format::tsv}) {
      const std::string name(extension(format));
      EXPECT_EQ(write(golden_transcription(kind), format, kSegments),
                golden_files(kind).at(name).get<std::string>())
          << kind << " " << name;
    }
  }
}

TEST(Subtitles, LayoutsAreByteForByteThoseOfOpenAiWhisper) {
  const json layouts = golden_files("layouts");
  for (const json& golden : layouts.at("files")) {
    const json& given = golden.at("options");
    const LayoutOptions options{.layout = Layout::segments,
                                .max_line_width = given.value("max_line_width", 0),
                                .max_line_count = given.value("max_line_count", 0),
                                .max_words_per_line = given.value("max_words_per_line", 0),
                                .highlight_words = given.value("highlight_words", false)};
    for (const Format format : {Format::srt, Format::vtt}) {
      const std::string name(extension(format));
      EXPECT_EQ(write(golden_transcription("layouts"), format, options), golden.at(name).get<std::string>())
          << given << " " << name;
    }
  }
}

TEST(Subtitles, JsonHoldsTheSameFieldsAndTheDuration) {
  for (const char* kind : {"files", "files_with_words"}) {
    json got = json::parse(write(golden_transcription(kind), Format::json));
    EXPECT_EQ(got.at("duration"), 363662.0);
    got.erase("duration");
    EXPECT_EQ(got, json::parse(golden_files(kind).at("json").get<std::string>()));
  }
}

TEST(Subtitles, JsonIsValidUtf8WhateverTheText) {
  transcribe::Transcription t;
  t.text = "cut \xe6\x9d";
  EXPECT_EQ(json::parse(write(t, Format::json)).at("text"), "cut \ufffd");
}

TEST(Subtitles, OfNothingAreEmptyFiles) {
  EXPECT_EQ(write({}, Format::txt), "");
  EXPECT_EQ(write({}, Format::srt), "");
  EXPECT_EQ(write({}, Format::vtt), "WEBVTT\n\n");
  EXPECT_EQ(write({}, Format::tsv), "start\tend\ttext\n");
  EXPECT_TRUE(json::parse(write({}, Format::json)).at("segments").empty());
  EXPECT_THAT(write({}, Format::ass), testing::EndsWith("Effect, Text\n"));
  EXPECT_EQ(write({}, Format::lrc), "[re:sotto]\n");
  EXPECT_EQ(write({}, Format::csv), "start,end,text\n");
}

TEST(FormatTimestamp, RoundsHalfToEvenAndPads) {
  EXPECT_EQ(format_timestamp(0.0, true, ','), "00:00:00,000");
  EXPECT_EQ(format_timestamp(0.0005, false, '.'), "00:00.000");
  EXPECT_EQ(format_timestamp(0.0015, false, '.'), "00:00.002");
  EXPECT_EQ(format_timestamp(59.9996, false, '.'), "01:00.000");
  EXPECT_EQ(format_timestamp(3661.5, false, '.'), "01:01:01.500");
  EXPECT_EQ(format_timestamp(-0.01, true, ','), "00:00:00,000");
}

TEST(ParseFormat, KnowsEveryExtension) {
  for (const Format format : all_formats()) {
    EXPECT_EQ(parse_format(extension(format)), format);
  }
  EXPECT_EQ(all_formats().size(), 8U);
  test::expect_error([] { parse_format("doc"); }, ErrorCode::invalid_argument,
                     "output_format: expected one of txt, srt, vtt, tsv, json, ass, lrc, csv, found doc.");
}

}  // namespace
}  // namespace sotto::subtitles
