#pragma once

#include <string>
#include <vector>

namespace sotto::cli {

/// Arguments of `sotto transcribe` with the options of whisper.cpp, faster-whisper, whisper-ctranslate2 and
/// stable-ts in sotto's spelling (docs/cli.md has the table); what is sotto's or unknown stays. Options are
/// expected with hyphens, as normalize_arguments leaves them. Throws Error(invalid_argument) for a value that
/// has no counterpart.
std::vector<std::string> translate_spellings(const std::vector<std::string>& arguments);

}  // namespace sotto::cli
