#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sotto::model {

/// Element types of the safetensors format that weights come in; others are legal in a file, not as weights.
enum class DType { f32, f16, bf16, other };

/// One tensor inside a mapped file, row-major. `bytes` may start at any address.
struct TensorView {
  DType dtype = DType::other;
  std::string dtype_name;  ///< as the file spells it: "F32", "BF16", ...
  std::vector<std::size_t> shape;
  std::span<const std::byte> bytes;
};

/// A whole file mapped read-only into memory.
class MappedFile {
 public:
  /// Throws Error(not_found | io) naming the path; a directory or an empty file is bad_format.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Hands the pages of a part that has been read for the last time back to the system; they would count as
  /// this process's memory. A part of anything else is left alone. Source: madvise(2), MADV_DONTNEED.
  void release(std::span<const std::byte> part) const noexcept;

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Tensors by name.
using TensorMap = std::map<std::string, TensorView, std::less<>>;

/// Parses a safetensors file: u64 little-endian header length, a JSON header, then the data.
///
/// The header is believed only after these hold: it lies inside the file and is at most 100 MB; names are
/// unique; shape × element size equals the tensor's bytes without overflow; tensors cover the data exactly,
/// without gaps or overlaps. Throws Error(bad_format) naming `where`, the tensor, what was expected and
/// found. Views point into `file`. Source: the format description of huggingface/safetensors 0.8, whose
/// reader holds the same rules.
TensorMap parse_safetensors(std::span<const std::byte> file, const std::string& where);

/// Tensors of one or more files, and what keeps them mapped.
struct TensorFiles {
  TensorMap tensors;
  std::shared_ptr<const void> keep_alive;
};

/// The weights of a Hugging Face directory: model.safetensors, or the shards that
/// model.safetensors.index.json names. Throws Error(not_found) if there is neither, (bad_format) for a broken
/// index or shard.
TensorFiles read_safetensors(const std::filesystem::path& directory);

}  // namespace sotto::model
