#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sotto/text.h"

namespace sotto::text {

/// The edits of a smallest set that turns `from` into `to`, in reading order, hits included.
///
/// Of several smallest sets it takes the one jiwer reports (rapidfuzz 3, Levenshtein: from the end, deletion
/// before insertion before substitution, common ends set aside first), except for long texts, which are
/// halved until they fit into a few MB (Hirschberg): time grows with the product of the lengths, memory does
/// not.
std::vector<Edit> minimum_edits(std::span<const std::uint32_t> from, std::span<const std::uint32_t> to);

}  // namespace sotto::text
