#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sotto::model::sources {

/// What a pickle describes, as a graph of plain values. Nothing is imported, constructed or called: a call is
/// kept as the name of what would have been called and its arguments.
class Pickle {
 public:
  enum class Kind {
    none,
    boolean,        ///< integer is 0 or 1
    integer,        ///< integer
    real,           ///< a floating-point number; its value is not kept
    text,           ///< text, UTF-8 or bytes
    tuple,          ///< items
    list,           ///< items
    dict,           ///< items: key, value, key, value, ...
    global,         ///< text: "module.name"
    call,           ///< text: "module.name"; items: the arguments
    persistent_id,  ///< items: the one value that is the id
  };

  /// Index of a value. Values may share items and may, in a hostile file, hold themselves.
  using Ref = std::uint32_t;

  struct Value {
    Kind kind = Kind::none;
    std::int64_t integer = 0;
    std::string text;
    std::vector<Ref> items;
  };

  /// Interprets the opcodes that torch.save uses for dictionaries of tensors, protocols 2 to 4.
  ///
  /// A global outside `allowed` ("module.name"), any other opcode and a call of anything but an allowed
  /// global are refused by name and offset, as is what would take more than 16 MB, 200,000 values or 200,000
  /// places on the stack or in the memo; whisper-large needs 150 kB and 20,000 values. Throws
  /// Error(unsupported) for what is refused, (bad_format) for a damaged pickle. Source: CPython 3.13,
  /// Lib/pickletools.py (opcodes) and Lib/pickle.py.
  static Pickle read(std::span<const std::byte> bytes,
                     std::span<const std::string_view> allowed,
                     const std::string& where);

  const Value& root() const { return values_[root_]; }
  const Value& operator[](Ref ref) const { return values_[ref]; }
  /// The item of a dict under a text key, or null.
  const Value* find(const Value& dict, std::string_view key) const;

 private:
  std::vector<Value> values_;
  Ref root_ = 0;

  friend class PickleMachine;
};

}  // namespace sotto::model::sources
