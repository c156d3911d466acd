#pragma once

#include <string>
#include <string_view>

namespace sotto::subtitles {

/// `text` with every `from` replaced by `to`.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// A segment's text fit for a cue: stripped, "-->" as "->" because the arrow ends a cue's header.
std::string cue_text(std::string_view text);

}  // namespace sotto::subtitles
