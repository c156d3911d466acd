// The options of other programs: docs/cli.md's table against what the command line takes.

#include "cli/spellings.h"

#include <algorithm>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/application.h"
#include "cli/console.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace sotto::cli {
namespace {

using Arguments = std::vector<std::string>;
using testing::ElementsAre;
using testing::HasSubstr;

/// Standard output and error of a call in this process.
std::string said_by(Arguments arguments, int& status) {
  Console console;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  status = run_application(arguments, console, {});
  return testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr();
}

/// Expects the arguments to be understood: what is wrong then is that there is no such model.
void expect_taken(const Arguments& arguments) {
  const test::TempDir dir;
  Arguments call = {"transcribe", test::source_dir() / "demo/media/en.flac", "--output-dir", dir.path()};
  call.insert(call.end(), arguments.begin(), arguments.end());
  call.insert(call.end(), {"--model", "/no/such/model"});
  int status = 0;
  const std::string said = said_by(call, status);
  EXPECT_EQ(status, 1) << testing::PrintToString(arguments) << said;
  EXPECT_THAT(said, HasSubstr("/no/such/model"));
}

/// Refused as a call, before any model is looked for.
void expect_refused(const std::string& option) {
  int status = 0;
  const std::string said =
      said_by({"transcribe", "no.wav", "--model", "/no/such/model", option, "1"}, status);
  EXPECT_EQ(status, 2) << option;
  EXPECT_THAT(said, HasSubstr(": is not taken: ")) << "without a reason";
}

/// A value of the kind that a name in capitals stands for.
std::string example(const std::string& option, const std::string& kind) {
  if (option == "-mc" || option == "--max-context" || option == "-nth" || option == "--no-speech-thold") {
    return "0";
  }
  if (option == "-lpt" || option == "--logprob-thold" || option == "--log_prob_threshold") {
    return "-1";
  }
  static const std::map<std::string, std::string> kExamples = {
      {"N", "2"}, {"X", "0.5"}, {"LANG", "en"}, {"D", "CPU"}, {"NAME", "float32"}, {"FILE", "other.wav"}};
  const auto found = kExamples.find(kind);
  return found == kExamples.end() ? "text" : found->second;
}

struct Row {
  std::string theirs;
  std::string ours;
};

std::vector<Row> table_rows() {
  const std::string manual = test::read_file(test::source_dir() / "docs/cli.md");
  std::istringstream in(manual.substr(manual.find("## The options of other programs")));
  std::vector<Row> rows;
  const std::regex row(R"(^\| (.*`.*) \| (.*) \|$)");
  for (std::string line; std::getline(in, line);) {
    if (std::smatch found; std::regex_match(line, found, row)) {
      rows.push_back({found[1], found[2]});
    }
  }
  return rows;
}

TEST(OptionTable, HoldsAgainstTheCommandLine) {
  int status = 0;
  const std::string help = said_by({"transcribe", "--help"}, status);
  const std::regex name(R"(`(-[^` ]*)(?: ([A-Z]+))?`)");
  const std::regex ours(R"(`(--[a-z0-9-]+)[^`]*`)");
  std::size_t n_taken = 0;
  for (const Row& row : table_rows()) {
    const bool taken = !row.ours.starts_with("not taken");
    for (std::sregex_iterator it(row.theirs.begin(), row.theirs.end(), name), end; it != end; ++it) {
      const std::string option = (*it)[1];
      if (!taken) {
        expect_refused(option);
      } else if (row.ours.starts_with("the same") && !(*it)[2].matched) {
        ++n_taken;  // tried with their defaults below, or switches
      } else {
        ++n_taken;
        expect_taken((*it)[2].matched ? Arguments{option, example(option, (*it)[2])} : Arguments{option});
      }
    }
    for (std::sregex_iterator it(row.ours.begin(), row.ours.end(), ours), end; it != end; ++it) {
      const std::string option = (*it)[1];
      const std::string negated =
          option.starts_with("--no-") ? "--[no-]" + option.substr(5) : "--[no-]" + option.substr(2);
      EXPECT_TRUE(help.find(option) != std::string::npos || help.find(negated) != std::string::npos)
          << option;
    }
  }
  EXPECT_GT(n_taken, 100U);
}

/// openai-whisper's options that need a value of their own: their default is none.
std::string openai_value(const std::string& name, const std::string& value) {
  return value == "None" && (name == "--initial_prompt" || name == "--model_dir") ? "text" : value;
}

TEST(OpenAiOptions, AreAllTakenWithTheirDefaults) {
  const nlohmann::json golden = test::golden_json("cli", "options.json");
  EXPECT_EQ(golden["options"].size(), 33U);
  const std::string manual = test::read_file(test::source_dir() / "docs/cli.md");
  for (const auto& option : golden["options"]) {
    for (const std::string name : option["names"]) {
      EXPECT_THAT(manual, HasSubstr("`" + name + "`"));
      if (name.starts_with("-") && name != "--model") {
        if (name != "-o" && name != "--output_dir") {
          expect_taken({name, openai_value(name, option["default"])});
        }
        expect_taken(
            {name + (name.starts_with("--") ? "=" : "") +
             (name.ends_with("dir") || name == "-o" ? "/tmp" : openai_value(name, option["default"]))});
      }
    }
  }
}

TEST(OpenAiOptions, HaveTheSameDefaults) {
  int status = 0;
  std::string help = said_by({"transcribe", "--help"}, status);
  help = std::regex_replace(help, std::regex("\\s+"), " ");
  const nlohmann::json golden = test::golden_json("cli", "options.json");
  const std::map<std::string, std::string> kShown = {{"True", "on"},
                                                     {"False", "off"},
                                                     {"-1.0", "-1"},
                                                     {"None", ""},
                                                     {"--patience", "1"},
                                                     {"--language", "auto"},
                                                     {"--device", "CPU"},
                                                     {"--model_dir", "the hub's cache"},
                                                     {"--length_penalty", "None"},
                                                     {"--hallucination_silence_threshold", "None"},
                                                     {"--max_line_width", "0"},
                                                     {"--max_line_count", "0"},
                                                     {"--max_words_per_line", "0"}};
  for (const auto& option : golden["options"]) {
    const std::string name = option["names"][0];
    const bool is_text = name == "--prepend_punctuations" || name == "--append_punctuations";
    if (!name.starts_with("--") || is_text || name == "--clip_timestamps") {
      continue;  // 0 for clip_timestamps: all of it, as none is here
    }
    std::string value = option["default"];
    value = kShown.contains(name) ? kShown.at(name) : kShown.contains(value) ? kShown.at(value) : value;
    std::string ours = name;
    std::replace(ours.begin(), ours.end(), '_', '-');
    std::size_t at = help.find("--[no-]" + ours.substr(2) + " ");
    at = at == std::string::npos ? help.find(" " + ours + " ") : at;
    at = at == std::string::npos ? help.find(", " + ours + " ") : at;
    ASSERT_NE(at, std::string::npos) << ours;
    const std::string entry = help.substr(at, help.find(" --", at + 3) - at);
    if (value.empty()) {
      EXPECT_TRUE(entry.find("default") == std::string::npos) << entry;
    } else {
      EXPECT_THAT(entry, HasSubstr("default " + value)) << ours;
    }
  }
}

TEST(TranslateSpellings, JoinsWhatBelongsTogether) {
  EXPECT_THAT(translate_spellings({"transcribe", "a.wav", "-osrt", "-ovtt", "-l", "de"}),
              ElementsAre("transcribe", "a.wav", "--language", "de", "--output-format=srt,vtt"));
  EXPECT_THAT(translate_spellings({"-ot", "1500", "-d", "2000"}), ElementsAre("--clip-timestamps=1.5,3.5"));
  EXPECT_THAT(translate_spellings({"--max-len", "40", "-sow"}),
              ElementsAre("--max-line-width=40", "--max-line-count=1"));
  EXPECT_THAT(translate_spellings({"-ml", "0", "-mc", "0"}), ElementsAre("--no-condition-on-previous-text"));
  EXPECT_THAT(translate_spellings({"--batch-size", "auto"}), ElementsAre("--batch-size=0"));
  EXPECT_THAT(translate_spellings({"--batch-size=16"}), ElementsAre("--batch-size=16"));
  EXPECT_THAT(translate_spellings({"-f", "a.wav", "-f", "srt,vtt", "-f", "-", "--file", "b"}),
              ElementsAre("a.wav", "--output-format=srt,vtt", "-", "b"));
  EXPECT_THAT(translate_spellings({"-of", "out/talk", "-p", "1"}),
              ElementsAre("--output-dir=out", "--output-name=talk"));
  EXPECT_THAT(translate_spellings({"-of", "/talk"}), ElementsAre("--output-dir=/", "--output-name=talk"));
  EXPECT_THAT(translate_spellings({"--output-file", "talk"}), ElementsAre("--output-name=talk"));
}

TEST(TranslateSpellings, LeavesTheRestAlone) {
  const Arguments ours = {"transcribe", "--task", "translate", "--", "-osrt", "--prompt"};
  EXPECT_EQ(translate_spellings(ours), ours);
  EXPECT_THAT(translate_spellings({"--pretty-json", "False", "--karaoke", "False", "-tr"}),
              ElementsAre("--task=translate"));
}

TEST(TranslateSpellings, RefusesValuesWithoutACounterpart) {
  const auto refused = [](const Arguments& arguments, const std::string& part) {
    test::expect_error([&] { translate_spellings(arguments); }, ErrorCode::invalid_argument, part);
  };
  refused({"-mc", "64"}, "-mc: expected 0 (no text from before)");
  refused({"--compute-type", "float128"}, "found \"float128\"");
  refused({"-ot", "soon"}, "-ot: expected a number, found \"soon\"");
  refused({"-ot"}, "-ot: expected a value, found none");
  refused({"-p", "4"}, "-p: is not taken: it cuts words");
  refused({"--vad-parameters", "threshold=0.3"},
          "--vad-parameters: is not taken: there is one option for each");
}

}  // namespace
}  // namespace sotto::cli
