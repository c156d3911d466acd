#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sotto::hub {

/// Which files of a repository a Whisper needs.
struct CheckpointFiles {
  std::vector<std::string> files;    ///< without the weights' shards, which the index names
  std::string index;                 ///< "model.safetensors.index.json", or "" if the weights are one file
  std::vector<std::string> missing;  ///< what a Whisper needs and the repository lacks
};

/// Chooses among the names of a repository's files: configuration, tokenizer, and one copy of the weights:
/// safetensors before pytorch_model.bin before OpenVINO's IR. Copies in other precisions
/// (model.fp32.safetensors) and other frameworks' files are left out.
CheckpointFiles choose_checkpoint_files(const std::set<std::string>& names);

/// The shards that an index file names (field weight_map), sorted. Throws Error(bad_format) naming the file
/// for one that is not such an index or names a file outside its directory.
std::vector<std::string> read_shard_names(const std::filesystem::path& index);

/// What a Whisper needs and `directory` lacks; empty if it is whole.
std::vector<std::string> missing_files(const std::filesystem::path& directory);

}  // namespace sotto::hub
