#pragma once

#include <string_view>

namespace sotto::transcribe {

/// UTF-8 text without white space at both ends, white space being what Python's str.strip() takes for it.
std::string_view strip(std::string_view text);

}  // namespace sotto::transcribe
