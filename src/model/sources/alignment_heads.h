#pragma once

#include <filesystem>
#include <span>
#include <utility>

#include "sotto/model.h"

namespace sotto::model::sources {

/// Decoder layer and head.
using AlignmentHead = std::pair<int, int>;

/// The cross-attention heads that tell time in the official model of these dimensions; empty for others.
///
/// large-v1 and large-v2 have the same dimensions: v1 is meant where the file's name holds "large-v1".
/// Source: openai/whisper 20250625, __init__.py, _ALIGNMENT_HEADS, unpacked.
std::span<const AlignmentHead> official_alignment_heads(const ModelDimensions& dims,
                                                        const std::filesystem::path& path);

}  // namespace sotto::model::sources
