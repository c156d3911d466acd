#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sotto::cli {

/// Arguments as sotto spells them, from openai-whisper's spellings: "--beam_size" becomes "--beam-size", and
/// "--verbose False" becomes "--verbose=false" where `is_flag("--verbose")`. Values and what follows "--"
/// stay.
std::vector<std::string> normalize_arguments(const std::vector<std::string>& arguments,
                                             const std::function<bool(const std::string&)>& is_flag);

}  // namespace sotto::cli
