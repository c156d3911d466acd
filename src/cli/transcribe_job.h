#pragma once

#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "cli/input_run.h"

namespace sotto::cli {

/// Transcribes inputs one after the other with one model; with batches, windows of several together.
class TranscribeJob {
 public:
  /// `arguments` must outlive this.
  TranscribeJob(const TranscribeArguments& arguments,
                const Context& context,
                std::vector<Input> inputs,
                std::vector<subtitles::Format> formats);

  /// One input's error does not keep the others from being heard; the first one decides the exit status.
  int run();

 private:
  std::optional<transcribe::Recording> next();
  void finish(transcribe::Transcription heard);
  void fail(const Error& error);
  void check_batches();

  const TranscribeArguments& arguments_;
  Console& console_;
  std::stop_token stop_;
  std::vector<Input> inputs_;
  OutputFiles outputs_;
  std::unique_ptr<Reporter> reporter_;
  std::filesystem::path model_;
  transcribe::Transcriber transcriber_;
  transcribe::TranscribeOptions options_;
  RunParts parts_;
  std::size_t n_begun_ = 0;
  std::list<InputRun> runs_;      ///< those that have not ended, the one whose turn it is first
  std::list<InputRun> finished_;  ///< with --check-batch
  int status_ = 0;
  std::vector<std::filesystem::path> finished_journals_;  ///< for a run that is killed after its first inputs
};

}  // namespace sotto::cli
