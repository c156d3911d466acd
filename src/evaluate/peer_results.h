#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace sotto::evaluate {

/// What another program heard in one utterance.
struct PeerText {
  std::string text;
  std::string language;  ///< code; empty where it does not say
};

struct PeerResults {
  std::map<std::string, PeerText> texts;  ///< by utterance id, the file's name without .json
};

/// Results in a folder, one .json for each utterance: an object with "text" (openai-whisper, also under
/// whisper-ctranslate2's pretty print) or "segments", or an array of segments (faster-whisper, dumped). Files
/// of another shape are no results and are warned of in the log. Throws Error(not_found) for no folder.
PeerResults read_peer_results(const std::filesystem::path& directory);

}  // namespace sotto::evaluate
