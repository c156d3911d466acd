#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/batch_check.h"
#include "cli/console.h"
#include "cli/transcribe_arguments.h"
#include "sotto/error.h"
#include "sotto/transcribe.h"

namespace sotto::cli {

/// What became of one input.
struct Finished {
  std::string input;
  const transcribe::Transcription& heard;
  double seconds = 0.0;  ///< of work
  std::vector<std::filesystem::path> outputs;
};

/// Tells what happens while inputs are transcribed, in the order of the calls.
class Reporter {
 public:
  virtual ~Reporter() = default;
  virtual void begin(const std::string& input) = 0;
  /// `heard` before, by an earlier run; its segments are told here only.
  virtual void resumed(const std::string& input, const transcribe::Unfinished& heard) = 0;
  virtual void segment(const transcribe::Segment& segment) = 0;
  /// What is being said seems to be `segments`; the next one takes its place.
  virtual void partial(const std::vector<transcribe::Segment>& segments) = 0;
  virtual void finished(const Finished& result) = 0;
  /// `kept`: files that hold what was heard before the failure; a journal among them can be resumed.
  virtual void failed(const std::string& input,
                      const Error& error,
                      const std::vector<std::filesystem::path>& kept,
                      bool can_resume) = 0;
  /// What --check-batch found, after all inputs.
  virtual void checked(const std::string& input, const BatchCheck& check) = 0;
  virtual void end(int status) = 0;
  virtual Progress progress(std::stop_token stop) = 0;
};

/// Lines for people; with --json-lines an object a line, as docs/formats.md has it.
std::unique_ptr<Reporter> make_reporter(const TranscribeArguments& arguments, Console& console);

/// "[00:01.000 --> 00:02.500] text". With `colors`, words are shown from red (unlikely) to green by their
/// probability.
std::string segment_line(const transcribe::Segment& segment, bool colors);

std::string text_of(const std::vector<transcribe::Segment>& segments);

/// " a.srt b.txt"
std::string spaced(const std::vector<std::filesystem::path>& paths);

}  // namespace sotto::cli
