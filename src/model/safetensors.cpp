#include "model/safetensors.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <set>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json_file.h"
#include "model/ir_error.h"
#include "sotto/error.h"

namespace sotto::model {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::size_t kMaxTensorDims = 64;

/// Names come from the file and may hold anything; the message stays one line.
[[noreturn]] void throw_bad(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::bad_format, one_line(where), one_line(what));
}

struct DTypeInfo {
  DType dtype;
  std::size_t bits;
};

/// Every type name of the format; the width of one element in bits.
std::optional<DTypeInfo> dtype_info(std::string_view name) {
  static const std::map<std::string_view, DTypeInfo> kTypes = {
      {"F32", {DType::f32, 32}},      {"F16", {DType::f16, 16}},      {"BF16", {DType::bf16, 16}},
      {"F64", {DType::other, 64}},    {"I64", {DType::other, 64}},    {"U64", {DType::other, 64}},
      {"C64", {DType::other, 64}},    {"I32", {DType::other, 32}},    {"U32", {DType::other, 32}},
      {"I16", {DType::other, 16}},    {"U16", {DType::other, 16}},    {"I8", {DType::other, 8}},
      {"U8", {DType::other, 8}},      {"BOOL", {DType::other, 8}},    {"F8_E5M2", {DType::other, 8}},
      {"F8_E4M3", {DType::other, 8}}, {"F8_E8M0", {DType::other, 8}}, {"F6_E2M3", {DType::other, 6}},
      {"F6_E3M2", {DType::other, 6}}, {"F4", {DType::other, 4}},
  };
  const auto found = kTypes.find(name);
  return found == kTypes.end() ? std::nullopt : std::optional(found->second);
}

/// Parses the header and refuses a name given twice, which JSON itself lets pass.
nlohmann::json parse_header(std::string_view text, const std::string& where) {
  std::set<std::string> names;
  const auto refuse_duplicates = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    if (depth == 1 && event == nlohmann::json::parse_event_t::key &&
        !names.insert(parsed.get<std::string>()).second) {
      throw_bad(where, fmt::format("tensor \"{}\" is in the header twice.", parsed.get<std::string>()));
    }
    return true;
  };
  nlohmann::json header;
  try {
    header = nlohmann::json::parse(text.begin(), text.end(), refuse_duplicates);
  } catch (const nlohmann::json::exception& e) {
    throw_bad(where, fmt::format("expected a JSON header: {}.", e.what()));
  }
  if (!header.is_object()) {
    throw_bad(where, fmt::format("expected a JSON object as header, found {}.", header.type_name()));
  }
  return header;
}

/// A JSON list of whole numbers that are not negative.
std::vector<std::size_t> size_list(const nlohmann::json& entry, const char* key, const std::string& where) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_array() || found->size() > kMaxTensorDims) {
    throw_bad(where, fmt::format("\"{}\" is not a short list.", key));
  }
  std::vector<std::size_t> values;
  for (const auto& value : *found) {
    if (!value.is_number_unsigned()) {
      throw_bad(where, fmt::format("\"{}\" holds {}, expected whole numbers from 0.", key, value.dump()));
    }
    values.push_back(value.get<std::size_t>());
  }
  return values;
}

/// Bytes of a tensor, or nullopt where the product does not fit or ends inside a byte.
std::optional<std::size_t> tensor_bytes(const std::vector<std::size_t>& shape, std::size_t element_bits) {
  std::size_t bits = element_bits;
  for (const std::size_t dim : shape) {
    if (__builtin_mul_overflow(bits, dim, &bits)) {
      return std::nullopt;
    }
  }
  return bits % 8 == 0 ? std::optional(bits / 8) : std::nullopt;
}

TensorView parse_tensor(const nlohmann::json& entry,
                        std::span<const std::byte> data,
                        const std::string& where) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string()) {
    throw_bad(where, "expected an object with dtype, shape and data_offsets.");
  }
  TensorView tensor;
  tensor.dtype_name = entry["dtype"].get<std::string>();
  const auto info = dtype_info(tensor.dtype_name);
  if (!info) {
    throw_bad(where, fmt::format("unknown dtype \"{}\".", tensor.dtype_name));
  }
  tensor.dtype = info->dtype;
  tensor.shape = size_list(entry, "shape", where);
  const std::vector<std::size_t> offsets = size_list(entry, "data_offsets", where);
  if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data.size()) {
    throw_bad(where, fmt::format("data_offsets {} are not a range inside {} bytes.", offsets, data.size()));
  }
  const auto expected = tensor_bytes(tensor.shape, info->bits);
  if (!expected || *expected != offsets[1] - offsets[0]) {
    throw_bad(where,
              fmt::format("{} of shape {} expected {} bytes, found {}.", tensor.dtype_name, tensor.shape,
                          expected ? std::to_string(*expected) : "too many", offsets[1] - offsets[0]));
  }
  tensor.bytes = data.subspan(offsets[0], offsets[1] - offsets[0]);
  return tensor;
}

/// Refuses gaps, overlaps and bytes after the last tensor.
void check_coverage(const TensorMap& tensors, std::span<const std::byte> data, const std::string& where) {
  std::vector<std::pair<std::size_t, const TensorMap::value_type*>> by_offset;
  for (const auto& item : tensors) {
    by_offset.emplace_back(item.second.bytes.data() - data.data(), &item);
  }
  std::sort(by_offset.begin(), by_offset.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first, a.second->second.bytes.size()) <
           std::pair(b.first, b.second->second.bytes.size());
  });
  std::size_t end = 0;
  for (const auto& [offset, item] : by_offset) {
    if (offset != end) {
      throw_bad(where + ": " + item->first,
                fmt::format("expected data at offset {}, found {}.", end, offset));
    }
    end = offset + item->second.bytes.size();
  }
  if (end != data.size()) {
    throw_bad(where, fmt::format("expected {} bytes of data, found {}.", end, data.size()));
  }
}

TensorFiles read_files(const std::set<fs::path>& paths) {
  const auto files = std::make_shared<std::deque<MappedFile>>();
  TensorFiles read;
  for (const fs::path& path : paths) {
    files->emplace_back(path);
    for (auto& [name, tensor] : parse_safetensors(files->back().bytes(), path.string())) {
      if (!read.tensors.emplace(name, std::move(tensor)).second) {
        throw_bad(path.string(), fmt::format("tensor \"{}\" is in another shard too.", name));
      }
    }
  }
  read.keep_alive = files;
  return read;
}

TensorFiles read_shards(const fs::path& directory, const fs::path& index) {
  const nlohmann::json json = read_json_object(index);
  const auto weight_map = required_json_field<std::map<std::string, std::string>>(json, "weight_map", index);
  std::set<fs::path> paths;
  for (const auto& [tensor, file] : weight_map) {
    if (file.empty() || fs::path(file).filename() != fs::path(file) || file == ".." || file == ".") {
      throw_bad(index.string(), fmt::format("expected file names beside it, found \"{}\".", file));
    }
    paths.insert(directory / file);
  }
  TensorFiles read = read_files(paths);
  for (const auto& [tensor, file] : weight_map) {
    if (read.tensors.count(tensor) == 0) {
      throw_bad(index.string(), fmt::format("expected tensor \"{}\" in {}, found none.", tensor, file));
    }
  }
  return read;
}

}  // namespace

MappedFile::MappedFile(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    throw Error(error == ENOENT ? ErrorCode::not_found : ErrorCode::io, path.string(),
                fmt::format("opening failed: {}.", std::strerror(error)));
  }
  struct stat info = {};
  const bool is_file = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0;
  size_ = is_file ? static_cast<std::size_t>(info.st_size) : 0;
  void* mapped = is_file ? ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
  const int error = errno;
  ::close(fd);
  if (!is_file) {
    throw Error(ErrorCode::bad_format, path.string(), "expected a file with content.");
  }
  if (mapped == MAP_FAILED) {
    throw Error(ErrorCode::io, path.string(), fmt::format("mapping failed: {}.", std::strerror(error)));
  }
  data_ = static_cast<const std::byte*>(mapped);
}

MappedFile::~MappedFile() {
  ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::release(std::span<const std::byte> part) const noexcept {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = std::bit_cast<std::uintptr_t>(data_);
  const auto first = std::bit_cast<std::uintptr_t>(part.data());
  const std::uintptr_t last = (first + part.size()) / page * page;
  const std::uintptr_t from = (first + page - 1) / page * page;
  if (first >= begin && first + part.size() <= begin + size_ && from < last) {
    // A hint: where it is refused, the pages stay.
    static_cast<void>(::madvise(std::bit_cast<void*>(from), last - from, MADV_DONTNEED));
  }
}

TensorMap parse_safetensors(std::span<const std::byte> file, const std::string& where) {
  if (file.size() < kLengthBytes) {
    throw_bad(where, fmt::format("expected a safetensors file, found {} bytes.", file.size()));
  }
  std::uint64_t header_bytes = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    header_bytes |= std::to_integer<std::uint64_t>(file[i]) << (8 * i);
  }
  if (header_bytes > kMaxHeaderBytes || header_bytes > file.size() - kLengthBytes) {
    throw_bad(
        where,
        fmt::format("expected a header inside {} bytes, found a header length of {}; the file is cut off or "
                    "not safetensors.",
                    file.size(), header_bytes));
  }
  const auto header = file.subspan(kLengthBytes, header_bytes);
  const auto data = file.subspan(kLengthBytes + header_bytes);
  const std::string_view text(reinterpret_cast<const char*>(header.data()), header.size());
  TensorMap tensors;
  const nlohmann::json entries = parse_header(text, where);
  for (const auto& [name, entry] : entries.items()) {
    if (name != "__metadata__") {
      tensors.emplace(name, parse_tensor(entry, data, where + ": " + name));
    }
  }
  check_coverage(tensors, data, where);
  return tensors;
}

TensorFiles read_safetensors(const fs::path& directory) {
  const fs::path single = directory / "model.safetensors";
  const fs::path index = directory / "model.safetensors.index.json";
  if (fs::exists(single)) {
    return read_files({single});
  }
  if (fs::exists(index)) {
    return read_shards(directory, index);
  }
  throw Error(ErrorCode::not_found, directory.string(),
              "expected model.safetensors or model.safetensors.index.json, found neither.");
}

}  // namespace sotto::model
