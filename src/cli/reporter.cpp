#include "cli/reporter.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

#include "cli/json_reporter.h"
#include "sotto/text.h"

namespace sotto::cli {
namespace {

/// "00:01.500", with hours once there are any, as openai-whisper shows it.
std::string clock_time(double seconds) {
  const long ms = std::lround(std::max(seconds, 0.0) * 1000.0);
  const std::string hours = ms >= 3'600'000 ? fmt::format("{:02}:", ms / 3'600'000) : "";
  return fmt::format("{}{:02}:{:02}.{:03}", hours, ms / 60'000 % 60, ms / 1000 % 60, ms % 1000);
}

/// What a terminal would take for a command, left out: a model's text may hold any bytes.
std::string printable(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  for (std::size_t at = 0; (at = text.find('\xC2', at)) != std::string::npos && at + 1 < text.size();) {
    if (static_cast<unsigned char>(text[at + 1]) < 0xA0) {  // U+0080 to U+009F
      text.erase(at, 2);
    } else {
      ++at;
    }
  }
  return text;
}

std::string trimmed_front(const std::string& text) {
  const std::size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first);
}

/// xterm's 256 colours from red over yellow to green; the cube of the probability spreads its upper end.
std::string colored(const transcribe::Word& word, bool is_first) {
  constexpr std::array kColors = {196, 202, 208, 214, 220, 226, 190, 154, 118, 82};
  const double share = std::clamp(std::pow(word.probability, 3.0), 0.0, 1.0);
  const auto index = std::min(static_cast<std::size_t>(share * kColors.size()), kColors.size() - 1);
  return fmt::format("\x1b[38;5;{}m{}\x1b[0m", kColors.at(index),
                     printable(is_first ? trimmed_front(word.word) : word.word));
}

/// "English" for "en".
std::string language_title(const std::string& code) {
  std::string name(text::language_name(code));
  if (!name.empty()) {
    name.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(name.front())));
  }
  return name;
}

class TextReporter final : public Reporter {
 public:
  TextReporter(const TranscribeArguments& arguments, Console& console)
      : console_(console),
        shows_segments_(arguments.verbose && !arguments.to_stdout),
        shows_results_(!arguments.to_stdout),
        colors_(arguments.print_colors),
        shows_languages_(arguments.options.multilingual) {}

  void begin(const std::string&) override {
    console_.hold_warnings();
    language_.clear();
  }

  void resumed(const std::string& input, const transcribe::Unfinished& heard) override {
    if (shows_results_) {
      constexpr double kFrameS = 0.01;
      console_.print(fmt::format("{}: goes on at {}", input,
                                 clock_time(static_cast<double>(heard.checkpoint.seek_frames) * kFrameS)));
    }
  }

  void segment(const transcribe::Segment& segment) override {
    if (shows_segments_) {
      if (shows_languages_ && segment.language != language_) {
        language_ = segment.language;
        console_.print(fmt::format("Language: {}", language_title(language_)));
      }
      console_.print(segment_line(segment, colors_));
    }
  }

  void partial(const std::vector<transcribe::Segment>& segments) override {
    if (shows_segments_ && !segments.empty()) {
      transcribe::Segment whole = segments.front();
      whole.text = text_of(segments);
      whole.end_s = segments.back().end_s;
      console_.show(segment_line(whole, false));
    }
  }

  void finished(const Finished& result) override {
    if (shows_results_) {
      console_.print(fmt::format("{}: {}, {:.1f} s of audio in {:.1f} s{}{}", result.input,
                                 language_title(result.heard.language), result.heard.duration_s,
                                 result.seconds, result.outputs.empty() ? "" : " ->",
                                 spaced(result.outputs)));
    }
    console_.release_warnings();
  }

  void failed(const std::string&,
              const Error& error,
              const std::vector<std::filesystem::path>& kept,
              bool can_resume) override {
    const std::string note = kept.empty() ? "" : " What was heard before is in" + spaced(kept) + ".";
    console_.error(error.what() + note + (can_resume ? " --resume goes on there." : ""));
  }

  void checked(const std::string& input, const BatchCheck& check) override {
    for (const SegmentDifference& difference : check.differences) {
      console_.print(fmt::format("[{} --> {}] {}", clock_time(difference.start_s),
                                 clock_time(difference.end_s), printable(marked(difference.words))));
    }
    console_.print(fmt::format("{}: of {} words batches change {}, leave out {} and add {}, in {} segments",
                               input, check.n_words, check.n_substituted, check.n_left_out, check.n_added,
                               check.differences.size()));
  }

  void end(int) override {}

  Progress progress(std::stop_token stop) override { return console_.progress(std::move(stop)); }

 private:
  Console& console_;
  bool shows_segments_;
  bool shows_results_;
  bool colors_;
  bool shows_languages_;
  std::string language_;  // shown last
};

}  // namespace

std::string text_of(const std::vector<transcribe::Segment>& segments) {
  std::string text;
  for (const transcribe::Segment& segment : segments) {
    text += segment.text;
  }
  return text;
}

std::string spaced(const std::vector<std::filesystem::path>& paths) {
  std::string text;
  for (const auto& path : paths) {
    text += " " + path.string();
  }
  return text;
}

std::string segment_line(const transcribe::Segment& segment, bool colors) {
  std::string text;
  if (colors && !segment.words.empty()) {
    for (const transcribe::Word& word : segment.words) {
      text += colored(word, text.empty());
    }
  } else {
    text = printable(trimmed_front(segment.text));
  }
  return fmt::format("[{} --> {}] {}", clock_time(segment.start_s), clock_time(segment.end_s), text);
}

std::unique_ptr<Reporter> make_reporter(const TranscribeArguments& arguments, Console& console) {
  if (arguments.json_lines) {
    return std::make_unique<JsonReporter>(console);
  }
  return std::make_unique<TextReporter>(arguments, console);
}

}  // namespace sotto::cli
