#pragma once

#include <filesystem>

#include "model/sources/source.h"
#include "model/sources/special_tokens.h"
#include "model/sources/vocabulary.h"

namespace sotto::model::sources {

/// Writes into `directory` the files that a .pt or ggml checkpoint lacks and a Hugging Face directory has:
/// config.json, preprocessor_config.json, generation_config.json, tokenizer.json, tokenizer_config.json,
/// vocab.json, merges.txt and added_tokens.json (and normalizer.json where one lies beside the checkpoint).
///
/// Dimensions are the checkpoint's. With one of openai/whisper's three vocabulary sizes everything else
/// follows from documented tables and the text tokens: a ggml file has them, for a .pt file they are looked
/// for beside it (multilingual.tiktoken or gpt2.tiktoken, tokenizer.json, vocab.json). With any other size
/// nothing is guessed: the tokenizer's files, and generation_config.json if there is one, are copied from
/// beside the checkpoint. Throws Error(not_found) naming what to put where, (bad_format) for a vocabulary
/// that does not fit. Source: transformers 5, configuration_whisper.py and convert_openai_to_hf.py;
/// openai/whisper 20250625.
void write_companion_files(const Source& source, const std::filesystem::path& directory);

/// What openai/whisper suppresses: tokens that are no speech, then the special ones a text cannot hold.
std::vector<std::int32_t> suppress_tokens(const SpecialTokens& special, const Vocabulary& vocabulary);
/// What no text begins with: a blank, and its end.
std::vector<std::int32_t> begin_suppress_tokens(const SpecialTokens& special, const Vocabulary& vocabulary);

/// A directory among the system's temporary files that holds a source's companion files and goes away with
/// them.
class CompanionDirectory {
 public:
  /// Throws as write_companion_files(), and Error(io) if there is no place for temporary files.
  explicit CompanionDirectory(const Source& source);
  ~CompanionDirectory();
  CompanionDirectory(const CompanionDirectory&) = delete;
  CompanionDirectory& operator=(const CompanionDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace sotto::model::sources
