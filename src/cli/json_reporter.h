#pragma once

#include "cli/reporter.h"

namespace sotto::cli {

/// --json-lines: an object a line on standard output, flushed at once (docs/formats.md, sotto.events).
class JsonReporter final : public Reporter {
 public:
  explicit JsonReporter(Console& console) : console_(console) {}

  void begin(const std::string& input) override;
  void resumed(const std::string& input, const transcribe::Unfinished& heard) override;
  void segment(const transcribe::Segment& segment) override;
  void partial(const std::vector<transcribe::Segment>& segments) override;
  void finished(const Finished& result) override;
  void failed(const std::string& input,
              const Error& error,
              const std::vector<std::filesystem::path>& kept,
              bool can_resume) override;
  void checked(const std::string& input, const BatchCheck& check) override;
  void end(int status) override;
  Progress progress(std::stop_token stop) override;

 private:
  void report(std::string_view stage, double done, double total);

  Console& console_;
  std::string input_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_report_;
};

}  // namespace sotto::cli
