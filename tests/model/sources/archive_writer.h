#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sotto::test {

inline std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// A number as `n_bytes` little-endian bytes.
inline std::string le(std::uint64_t value, int n_bytes) {
  std::string bytes;
  for (int i = 0; i < n_bytes; ++i) {
    bytes.push_back(static_cast<char>(i < 8 ? (value >> (8 * i)) & 0xFFU : 0));
  }
  return bytes;
}

/// One entry of a zip archive; what differs from a good one is set by a test.
struct ZipEntry {
  std::string name;
  std::string data;
  std::string local_name = {};  ///< default: name
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  std::int64_t header_offset = -1;  ///< default: where it is
  std::int64_t n_bytes = -1;        ///< default: size of data
};

/// A zip archive of stored entries, without zip64 records.
inline std::string zip_of(const std::vector<ZipEntry>& entries) {
  std::string file;
  std::string directory;
  for (const ZipEntry& entry : entries) {
    const std::uint64_t n = entry.n_bytes < 0 ? entry.data.size() : static_cast<std::uint64_t>(entry.n_bytes);
    const std::uint64_t at =
        entry.header_offset < 0 ? file.size() : static_cast<std::uint64_t>(entry.header_offset);
    const std::string local = entry.local_name.empty() ? entry.name : entry.local_name;
    const std::string common =
        le(entry.flags, 2) + le(entry.method, 2) + le(0, 4) + le(0, 4) + le(n, 4) + le(n, 4);
    directory += "PK\1\2" + le(0, 2) + le(0, 2) + common + le(entry.name.size(), 2) + le(0, 2) + le(0, 2) +
                 le(0, 8) + le(at, 4) + entry.name;
    file += "PK\3\4" + le(0, 2) + common + le(local.size(), 2) + le(0, 2) + local + entry.data;
  }
  return file + directory + "PK\5\6" + le(0, 4) + le(entries.size(), 2) + le(entries.size(), 2) +
         le(directory.size(), 4) + le(file.size(), 4) + le(0, 2);
}

/// Pickle opcodes for the parts of a checkpoint.
namespace pickle {

inline std::string text(std::string_view value) {
  return "X" + le(value.size(), 4) + std::string(value);
}
inline std::string integer(std::int64_t value) {
  return std::string("\x8a\x08", 2) + le(static_cast<std::uint64_t>(value), 8);
}
inline std::string tuple(const std::vector<std::int64_t>& values) {
  std::string opcodes = "(";
  for (const std::int64_t value : values) {
    opcodes += integer(value);
  }
  return opcodes + "t";
}
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string program(const std::string& opcodes) {
  return "\x80\x02" + opcodes + ".";
}

/// What torch writes for a tensor in the storage `key` of `n_elements`.
struct Tensor {
  std::string storage = "FloatStorage";
  std::string key = "0";
  std::int64_t n_elements = 4;
  std::int64_t offset = 0;
  std::vector<std::int64_t> size = {2, 2};
  std::vector<std::int64_t> stride = {2, 1};
};

inline std::string tensor(const Tensor& t) {
  return global("torch._utils", "_rebuild_tensor_v2") + "((" + text("storage") + global("torch", t.storage) +
         text(t.key) + text("cpu") + integer(t.n_elements) + "tQ" + integer(t.offset) + tuple(t.size) +
         tuple(t.stride) + "\x89" + global("collections", "OrderedDict") + ")RtR";
}

inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string opcodes = "}(";
  for (const auto& [key, value] : items) {
    opcodes += text(key) + value;
  }
  return opcodes + "u";
}

}  // namespace pickle

/// A torch.save file of one tensor "w" over a storage of 16 bytes: 1, 2, 3, 4 in f32.
inline std::string torch_file_of(const pickle::Tensor& tensor) {
  const std::string storage = le(0x3f800000, 4) + le(0x40000000, 4) + le(0x40400000, 4) + le(0x40800000, 4);
  return zip_of(
      {{.name = "a/data.pkl", .data = pickle::program(pickle::dict({{"w", pickle::tensor(tensor)}}))},
       {.name = "a/byteorder", .data = "little"},
       {.name = "a/data/0", .data = storage}});
}

}  // namespace sotto::test
