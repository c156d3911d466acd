#include "model/sources/torch_file.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "model/sources/byte_reader.h"
#include "model/sources/pickle.h"
#include "model/sources/zip_archive.h"
#include "sotto/error.h"

namespace sotto::model::sources {
namespace {

using Kind = Pickle::Kind;
using Value = Pickle::Value;

constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";
constexpr std::size_t kMaxTensorDims = 8;

struct StorageType {
  std::string_view global;
  DType dtype;
  std::string_view name;
  std::size_t element_bytes;
};

constexpr std::array<StorageType, 10> kStorageTypes = {{
    {"torch.FloatStorage", DType::f32, "F32", 4},
    {"torch.HalfStorage", DType::f16, "F16", 2},
    {"torch.BFloat16Storage", DType::bf16, "BF16", 2},
    {"torch.DoubleStorage", DType::other, "F64", 8},
    {"torch.LongStorage", DType::other, "I64", 8},
    {"torch.IntStorage", DType::other, "I32", 4},
    {"torch.ShortStorage", DType::other, "I16", 2},
    {"torch.CharStorage", DType::other, "I8", 1},
    {"torch.ByteStorage", DType::other, "U8", 1},
    {"torch.BoolStorage", DType::other, "BOOL", 1},
}};

constexpr std::array<std::string_view, 3 + kStorageTypes.size()> allowed_globals() {
  std::array<std::string_view, 3 + kStorageTypes.size()> names = {"collections.OrderedDict", kRebuildTensor,
                                                                  kRebuildParameter};
  for (std::size_t i = 0; i < kStorageTypes.size(); ++i) {
    names[3 + i] = kStorageTypes[i].global;
  }
  return names;
}

constexpr auto kAllowedGlobals = allowed_globals();

/// The first bytes of the pickle that opened torch.save files before torch 1.6.
constexpr std::array<std::uint8_t, 14> kLegacyStart = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c,
                                                       0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

bool looks_legacy(std::span<const std::byte> file) {
  return file.size() >= kLegacyStart.size() &&
         std::memcmp(file.data(), kLegacyStart.data(), kLegacyStart.size()) == 0;
}

/// A tensor as the pickle describes it, in elements of its storage.
struct Layout {
  std::size_t offset = 0;
  std::vector<std::size_t> shape;
  std::vector<std::size_t> strides;
};

std::size_t element_count(const Layout& layout, const std::string& where) {
  std::size_t n = 1;
  for (const std::size_t size : layout.shape) {
    if (__builtin_mul_overflow(n, size, &n)) {
      throw Error(ErrorCode::bad_format, where, fmt::format("shape {} is beyond any memory.", layout.shape));
    }
  }
  return n;
}

/// One more than the last element's place in the storage.
std::size_t end_in_storage(const Layout& layout, const std::string& where) {
  std::size_t last = layout.offset;
  for (std::size_t i = 0; i < layout.shape.size(); ++i) {
    std::size_t reach = 0;
    if (__builtin_mul_overflow(layout.shape[i] - 1, layout.strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      throw Error(ErrorCode::bad_format, where,
                  fmt::format("strides {} lead out of any storage.", layout.strides));
    }
  }
  return last + 1;
}

bool is_row_major(const Layout& layout) {
  std::size_t expected = 1;
  for (std::size_t i = layout.shape.size(); i-- > 0;) {
    if (layout.shape[i] != 1 && layout.strides[i] != expected) {
      return false;
    }
    expected *= layout.shape[i];
  }
  return true;
}

/// Gathers the elements in row-major order.
void gather(std::span<const std::byte> storage,
            const Layout& layout,
            std::size_t element_bytes,
            std::byte* to) {
  std::vector<std::size_t> index(layout.shape.size(), 0);
  std::size_t place = layout.offset;
  const auto advance = [&] {
    for (std::size_t axis = index.size(); axis-- > 0;) {
      place += layout.strides[axis];
      if (++index[axis] < layout.shape[axis]) {
        return true;
      }
      place -= layout.shape[axis] * layout.strides[axis];
      index[axis] = 0;
    }
    return false;
  };
  do {
    std::memcpy(to, storage.data() + place * element_bytes, element_bytes);
    to += element_bytes;
  } while (advance());
}

class TorchReader {
 public:
  TorchReader(std::span<const std::byte> file, const std::string& where, Memory& memory)
      : entries_(read_zip(file, where)), where_(where), memory_(memory), copy_budget_(file.size()) {}

  TorchCheckpoint read() {
    const auto is_pickle = [](const auto& entry) {
      const std::size_t slash = entry.first.find('/');
      return slash != std::string_view::npos && entry.first.substr(slash) == "/data.pkl";
    };
    const auto found = std::find_if(entries_.begin(), entries_.end(), is_pickle);
    if (found == entries_.end()) {
      fail(where_, "expected an archive with NAME/data.pkl as torch.save writes it, found none.");
    }
    if (std::count_if(entries_.begin(), entries_.end(), is_pickle) != 1) {
      fail(where_, "expected one data.pkl, found more.");
    }
    prefix_ = found->first.substr(0, found->first.find('/') + 1);
    check_byte_order();
    pickle_ = Pickle::read(found->second, kAllowedGlobals, where_ + ": data.pkl");
    return interpret();
  }

 private:
  [[noreturn]] static void fail(const std::string& where, const std::string& what) {
    throw Error(ErrorCode::bad_format, where, what);
  }

  void check_byte_order() const {
    const auto found = entries_.find(prefix_ + "byteorder");
    if (found == entries_.end()) {
      return;
    }
    const std::string_view order(reinterpret_cast<const char*>(found->second.data()), found->second.size());
    if (order != "little") {
      throw Error(ErrorCode::unsupported, where_,
                  fmt::format("expected a file of byte order \"little\", found {}.", shown(order)));
    }
  }

  TorchCheckpoint interpret() {
    TorchCheckpoint checkpoint;
    const Value& root = pickle_.root();
    const Value* tensors = pickle_.find(root, "model_state_dict");
    if (const Value* dims = pickle_.find(root, "dims"); dims != nullptr && tensors != nullptr) {
      checkpoint.dims = read_dims(*dims);
    }
    read_tensors(tensors != nullptr ? *tensors : root, checkpoint.tensors);
    return checkpoint;
  }

  ModelDimensions read_dims(const Value& dims) const {
    const auto field = [&](std::string_view key) {
      const Value* value = pickle_.find(dims, key);
      if (value == nullptr || value->kind != Kind::integer) {
        fail(where_, fmt::format("field \"dims\": expected a whole number \"{}\".", key));
      }
      return value->integer;
    };
    return {.n_mels = field("n_mels"),
            .n_audio_ctx = field("n_audio_ctx"),
            .n_audio_state = field("n_audio_state"),
            .n_audio_head = field("n_audio_head"),
            .n_audio_layer = field("n_audio_layer"),
            .n_vocab = field("n_vocab"),
            .n_text_ctx = field("n_text_ctx"),
            .n_text_state = field("n_text_state"),
            .n_text_head = field("n_text_head"),
            .n_text_layer = field("n_text_layer")};
  }

  void read_tensors(const Value& dict, TensorMap& tensors) {
    if (dict.kind != Kind::dict) {
      fail(where_, "expected a dictionary of tensors, or one with \"dims\" and \"model_state_dict\".");
    }
    for (std::size_t i = 0; i < dict.items.size(); i += 2) {
      const Value& key = pickle_[dict.items[i]];
      if (key.kind != Kind::text || key.text.empty()) {
        fail(where_, "expected tensors under names, found another key.");
      }
      const std::string where = where_ + ": " + shown(key.text);
      if (!tensors.emplace(key.text, read_tensor(pickle_[dict.items[i + 1]], where)).second) {
        fail(where, "is there twice.");
      }
    }
  }

  /// _rebuild_tensor_v2(storage, offset, size, stride, ...), or _rebuild_parameter(tensor, ...) around it.
  TensorView read_tensor(const Value& value, const std::string& where) {
    const Value* call = &value;
    if (call->kind == Kind::call && call->text == kRebuildParameter && !call->items.empty()) {
      call = &pickle_[call->items[0]];
    }
    constexpr std::size_t kUsedArguments = 4;
    if (call->kind != Kind::call || call->text != kRebuildTensor || call->items.size() < kUsedArguments) {
      fail(where, "expected a tensor, found something else.");
    }
    const Value& offset = pickle_[call->items[1]];
    Layout layout;
    layout.offset = size_of(offset, "offset", where);
    layout.shape = sizes_of(pickle_[call->items[2]], "size", where);
    layout.strides = sizes_of(pickle_[call->items[3]], "stride", where);
    if (layout.shape.size() != layout.strides.size()) {
      fail(where, fmt::format("size {} and stride {} differ in length.", layout.shape, layout.strides));
    }
    return view_of(pickle_[call->items[0]], layout, where);
  }

  static std::size_t size_of(const Value& value, std::string_view what, const std::string& where) {
    if (value.kind != Kind::integer || value.integer < 0) {
      fail(where, fmt::format("{}: expected whole numbers from 0, found {}.", what, value.integer));
    }
    return static_cast<std::size_t>(value.integer);
  }

  std::vector<std::size_t> sizes_of(const Value& value,
                                    std::string_view what,
                                    const std::string& where) const {
    if (value.kind != Kind::tuple || value.items.size() > kMaxTensorDims) {
      fail(where, fmt::format("{}: expected a tuple of at most {} numbers.", what, kMaxTensorDims));
    }
    std::vector<std::size_t> sizes;
    sizes.reserve(value.items.size());
    for (const Pickle::Ref item : value.items) {
      sizes.push_back(size_of(pickle_[item], what, where));
    }
    return sizes;
  }

  struct Storage {
    const StorageType* type = nullptr;
    std::span<const std::byte> bytes;
    std::size_t n_elements = 0;
  };

  /// A persistent id ("storage", type, key, device, number of elements).
  Storage find_storage(const Value& id, const std::string& where) const {
    constexpr std::size_t kIdItems = 5;
    const Value* tuple = id.kind == Kind::persistent_id ? &pickle_[id.items[0]] : nullptr;
    if (tuple == nullptr || tuple->kind != Kind::tuple || tuple->items.size() != kIdItems ||
        pickle_[tuple->items[0]].text != "storage" || pickle_[tuple->items[1]].kind != Kind::global ||
        pickle_[tuple->items[2]].kind != Kind::text) {
      fail(where, "expected a storage by its id (\"storage\", type, key, device, size).");
    }
    const std::string& global = pickle_[tuple->items[1]].text;
    const auto type = std::find_if(kStorageTypes.begin(), kStorageTypes.end(),
                                   [&](const StorageType& t) { return t.global == global; });
    if (type == kStorageTypes.end()) {
      fail(where, fmt::format("expected a typed storage, found {}.", shown(global)));
    }
    const std::string name = prefix_ + "data/" + pickle_[tuple->items[2]].text;
    const auto entry = entries_.find(name);
    if (entry == entries_.end()) {
      fail(where, fmt::format("expected its storage as entry {}, found none.", shown(name)));
    }
    const std::size_t n_elements = size_of(pickle_[tuple->items[4]], "storage size", where);
    if (entry->second.size() % type->element_bytes != 0 ||
        entry->second.size() / type->element_bytes != n_elements) {
      fail(where, fmt::format("expected {} elements of {} in entry {}, found {} bytes.", n_elements,
                              type->name, shown(name), entry->second.size()));
    }
    return {&*type, entry->second, n_elements};
  }

  TensorView view_of(const Value& storage_id, const Layout& layout, const std::string& where) {
    const Storage storage = find_storage(storage_id, where);
    TensorView view;
    view.dtype = storage.type->dtype;
    view.dtype_name = storage.type->name;
    view.shape = layout.shape;
    const std::size_t n_elements = element_count(layout, where);
    if (n_elements == 0) {
      return view;
    }
    if (const std::size_t end = end_in_storage(layout, where); end == 0 || end > storage.n_elements) {
      fail(where, fmt::format("offset {}, size {}, stride {}: expected them inside a storage of {} elements.",
                              layout.offset, layout.shape, layout.strides, storage.n_elements));
    }
    const std::size_t element_bytes = storage.type->element_bytes;
    if (is_row_major(layout)) {
      view.bytes = storage.bytes.subspan(layout.offset * element_bytes, n_elements * element_bytes);
    } else {
      view.bytes = copy(storage, layout, n_elements, where);
    }
    return view;
  }

  std::span<const std::byte> copy(const Storage& storage,
                                  const Layout& layout,
                                  std::size_t n_elements,
                                  const std::string& where) {
    const std::size_t element_bytes = storage.type->element_bytes;
    if (n_elements > copy_budget_ / element_bytes) {
      fail(where, fmt::format("size {}, stride {}: expected tensors no larger than the file.", layout.shape,
                              layout.strides));
    }
    copy_budget_ -= n_elements * element_bytes;
    const std::span<std::byte> buffer = memory_.allocate(n_elements * element_bytes);
    gather(storage.bytes, layout, element_bytes, buffer.data());
    return buffer;
  }

  ZipEntries entries_;
  std::string where_;
  Memory& memory_;
  std::size_t copy_budget_;
  std::string prefix_;  ///< "archive/"
  Pickle pickle_;
};

}  // namespace

bool looks_like_torch(std::span<const std::byte> file) {
  return looks_like_zip(file) || looks_legacy(file);
}

TorchCheckpoint read_torch(std::span<const std::byte> file, const std::string& where, Memory& memory) {
  if (looks_legacy(file)) {
    throw Error(
        ErrorCode::unsupported, where,
        "expected a torch.save file of torch 1.6 or newer (a zip archive), found the format before it; load "
        "it in torch and save it again.");
  }
  return TorchReader(file, where, memory).read();
}

}  // namespace sotto::model::sources
