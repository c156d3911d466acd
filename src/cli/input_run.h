#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <vector>

#include "cli/console.h"
#include "cli/inputs.h"
#include "cli/journal.h"
#include "cli/output_files.h"
#include "cli/reporter.h"
#include "cli/transcribe_arguments.h"

namespace sotto::cli {

/// What the inputs of a run of `sotto transcribe` have in common.
struct RunParts {
  const TranscribeArguments& arguments;
  Console& console;
  std::stop_token stop;
  const OutputFiles& outputs;
  Reporter& reporter;
  const std::filesystem::path& model;
  const transcribe::TranscribeOptions& options;
};

/// One input from its opening to its outputs, as a recording of Transcriber::transcribe_all.
class InputRun {
 public:
  /// `parts` must outlive it.
  InputRun(Input input, const RunParts& parts);
  InputRun(const InputRun&) = delete;
  InputRun& operator=(const InputRun&) = delete;

  const Input& input() const { return input_; }
  /// The input as a file on this machine, with its journal; told to the reporter from begin() on. Throws
  /// Error where it cannot be had.
  transcribe::Recording::Audio open();
  /// Its turn has come.
  void begin();
  transcribe::Listeners listeners();
  /// Writes the outputs. Throws Error; the journal stays then.
  void finish(transcribe::Transcription heard);
  /// Keeps what was heard and tells of the error.
  void fail(const Error& error);

  std::optional<std::filesystem::path> journal_path() const;
  void forget_journal();
  void close_journal() { journal_.reset(); }

  /// To be heard once more; throws as open() does.
  std::unique_ptr<audio::AudioSource> open_again() const { return media_->open(); }
  /// What was heard, once it is finished.
  const transcribe::Transcription& heard() const { return heard_; }

 private:
  nlohmann::ordered_json binding() const;
  void open_journal();
  void read_left_before(const nlohmann::ordered_json& binding);
  void expect_written(bool written) const;
  void tell_resumed();
  std::vector<std::filesystem::path> write_outputs() const;

  Input input_;
  const RunParts& parts_;
  bool has_begun_ = false;
  std::chrono::steady_clock::time_point start_;
  std::optional<LocalMedia> media_;
  std::optional<Journal> journal_;
  std::optional<JournalContent> before_;  ///< by an earlier run
  transcribe::Transcription heard_;       ///< so far
};

}  // namespace sotto::cli
