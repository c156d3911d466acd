#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/inputs.h"
#include "cli/journal.h"
#include "cli/output_files.h"
#include "cli/reporter.h"
#include "cli/transcribe_arguments.h"

namespace sotto::cli {

/// Transcribes inputs one after the other with one model.
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
  void transcribe_input(const Input& input);
  void failed(const Input& input, const Error& error);
  transcribe::Transcription hear(const Input& input, const LocalMedia& media);
  /// What an earlier run left of this input, told to the reporter.
  std::optional<JournalContent> left_before(const Input& input, const nlohmann::ordered_json& binding);
  void forget_journal();
  void open_journal(const Input& input, const LocalMedia& media, std::optional<JournalContent>& before);
  nlohmann::ordered_json binding_of(const LocalMedia& media) const;
  /// The files written of what was heard.
  std::vector<std::filesystem::path> write_outputs(const Input& input,
                                                   const LocalMedia& media,
                                                   const transcribe::Transcription& heard);

  const TranscribeArguments& arguments_;
  Console& console_;
  std::stop_token stop_;
  std::vector<Input> inputs_;
  std::vector<subtitles::Format> formats_;
  OutputFiles outputs_;
  std::unique_ptr<Reporter> reporter_;
  std::filesystem::path model_;
  transcribe::Transcriber transcriber_;
  transcribe::TranscribeOptions options_;
  transcribe::Transcription partial_;                     ///< what has been heard of the input at hand
  std::optional<Journal> journal_;                        ///< of the input at hand
  std::vector<std::filesystem::path> finished_journals_;  ///< for a run that is killed after its first inputs
};

}  // namespace sotto::cli
