#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sotto/text.h"
#include "sotto/transcribe.h"

namespace sotto::cli {

/// A segment in which other words were heard in batches.
struct SegmentDifference {
  double start_s = 0.0;
  double end_s = 0.0;
  std::vector<text::AlignedWord> words;  ///< all of it: as heard window by window, and in batches
};

/// How words heard in batches differ from those heard one window after the other.
struct BatchCheck {
  std::size_t n_words = 0;  ///< heard one window after the other
  std::size_t n_substituted = 0;
  std::size_t n_left_out = 0;
  std::size_t n_added = 0;
  std::vector<SegmentDifference> differences;
};

/// Words as white space parts them, letter for letter. What batches add is of the segment before it.
BatchCheck check_batch(const std::vector<transcribe::Segment>& sequential,
                       const std::vector<transcribe::Segment>& batched);

/// "the cat [-sat-] {+sits+} on it", as wdiff writes it.
std::string marked(const std::vector<text::AlignedWord>& words);

}  // namespace sotto::cli
