#include "model/sources/pickle.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "model/sources/byte_reader.h"
#include "sotto/error.h"

namespace sotto::model::sources {
namespace {

constexpr std::size_t kMaxBytes = 16'000'000;
constexpr std::size_t kMaxValues = 200'000;
constexpr std::size_t kMaxPlaces = 200'000;
constexpr Pickle::Ref kEmptyPlace = 0xffffffff;

namespace opcode {
enum Opcode : std::uint8_t {
  mark = '(',
  stop = '.',
  bin_int = 'J',
  bin_int1 = 'K',
  bin_int2 = 'M',
  none = 'N',
  bin_pers_id = 'Q',
  reduce = 'R',
  bin_string = 'T',
  short_bin_string = 'U',
  bin_unicode = 'X',
  empty_list = ']',
  append = 'a',
  build = 'b',
  global = 'c',
  appends = 'e',
  bin_get = 'h',
  long_bin_get = 'j',
  bin_put = 'q',
  long_bin_put = 'r',
  set_item = 's',
  tuple = 't',
  empty_tuple = ')',
  set_items = 'u',
  empty_dict = '}',
  bin_float = 'G',
  proto = 0x80,
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  new_true = 0x88,
  new_false = 0x89,
  long1 = 0x8a,
  short_bin_unicode = 0x8c,
  bin_unicode8 = 0x8d,
  stack_global = 0x93,
  memoize = 0x94,
  frame = 0x95,
};
}  // namespace opcode

/// Names of opcodes that are refused, as pickletools spells them; those of protocol 0 and the constructing
/// ones.
std::string opcode_name(std::uint8_t opcode) {
  static constexpr std::pair<char, std::string_view> kNames[] = {
      {'i', "INST"},    {'o', "OBJ"},     {'\x81', "NEWOBJ"}, {'\x92', "NEWOBJ_EX"}, {'\x82', "EXT1"},
      {'\x83', "EXT2"}, {'\x84', "EXT4"}, {'P', "PERSID"},    {'S', "STRING"},       {'V', "UNICODE"},
      {'I', "INT"},     {'L', "LONG"},    {'F', "FLOAT"},     {'g', "GET"},          {'p', "PUT"},
      {'l', "LIST"},    {'d', "DICT"},    {'0', "POP"},       {'1', "POP_MARK"},     {'2', "DUP"},
  };
  for (const auto& [code, name] : kNames) {
    if (static_cast<std::uint8_t>(code) == opcode) {
      return fmt::format("{} (0x{:02x})", name, opcode);
    }
  }
  return fmt::format("0x{:02x}", opcode);
}

}  // namespace

/// The stack machine that a pickle is a program for, with the calls left out.
class PickleMachine {
 public:
  using Kind = Pickle::Kind;
  using Ref = Pickle::Ref;
  using Value = Pickle::Value;

  PickleMachine(std::span<const std::byte> bytes,
                std::span<const std::string_view> allowed,
                const std::string& where)
      : reader_(bytes, where), allowed_(allowed) {}

  Pickle run() {
    if (reader_.size() > kMaxBytes) {
      refuse(fmt::format("expected a pickle of at most {} bytes, found {}", kMaxBytes, reader_.size()));
    }
    for (auto opcode = reader_.read<std::uint8_t>("opcode"); opcode != opcode::stop;
         opcode = reader_.read<std::uint8_t>("opcode")) {
      at_ = reader_.offset() - 1;
      execute(opcode);
    }
    if (stack_.size() != 1 || !marks_.empty() || reader_.n_left() != 0) {
      reader_.fail("expected a pickle to end with one value.");
    }
    pickle_.root_ = stack_.back();
    return std::move(pickle_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::unsupported, reader_.where(),
                fmt::format("{} at offset {}; nothing was run.", what, at_));
  }

  [[noreturn]] void fail(std::string_view what) const {
    reader_.fail(fmt::format("{} at offset {}.", what, at_));
  }

  void execute(std::uint8_t opcode) {
    if (!push_constant(opcode) && !push_text(opcode) && !collect(opcode) && !use_memo(opcode) &&
        !apply(opcode)) {
      refuse(fmt::format("expected the opcodes of a dictionary of tensors, found {}", opcode_name(opcode)));
    }
  }

  bool push_constant(std::uint8_t opcode) {
    switch (opcode) {
      case opcode::none:
        return push(Kind::none);
      case opcode::new_true:
      case opcode::new_false:
        return push_number(Kind::boolean, opcode == opcode::new_true ? 1 : 0);
      case opcode::bin_int:
        return push_number(Kind::integer, reader_.read<std::int32_t>("BININT"));
      case opcode::bin_int1:
        return push_number(Kind::integer, reader_.read<std::uint8_t>("BININT1"));
      case opcode::bin_int2:
        return push_number(Kind::integer, reader_.read<std::uint16_t>("BININT2"));
      case opcode::long1:
        return push_number(Kind::integer, read_long());
      case opcode::bin_float:
        reader_.read<double>("BINFLOAT");  // no checkpoint needs one
        return push(Kind::real);
      case opcode::empty_tuple:
        return push(Kind::tuple);
      case opcode::empty_list:
        return push(Kind::list);
      case opcode::empty_dict:
        return push(Kind::dict);
      default:
        return false;
    }
  }

  bool push_text(std::uint8_t opcode) {
    switch (opcode) {
      case opcode::short_bin_unicode:
      case opcode::short_bin_string:
        return push_text_of(reader_.read<std::uint8_t>("text length"));
      case opcode::bin_unicode:
      case opcode::bin_string:
        return push_text_of(reader_.read<std::uint32_t>("text length"));
      case opcode::bin_unicode8:
        return push_text_of(reader_.read<std::uint64_t>("text length"));
      default:
        return false;
    }
  }

  bool collect(std::uint8_t opcode) {
    switch (opcode) {
      case opcode::mark:
        check_places(marks_.size());
        marks_.push_back(stack_.size());
        return true;
      case opcode::tuple:
        return push(Kind::tuple, {}, pop_to_mark());
      case opcode::tuple1:
      case opcode::tuple2:
      case opcode::tuple3:
        return push(Kind::tuple, {}, pop(opcode - opcode::tuple1 + 1U));
      case opcode::append:
        return extend(Kind::list, pop(1));
      case opcode::appends:
        return extend(Kind::list, pop_to_mark());
      case opcode::set_item:
        return extend(Kind::dict, pop(2));
      case opcode::set_items:
        return extend(Kind::dict, pop_to_mark());
      default:
        return false;
    }
  }

  bool use_memo(std::uint8_t opcode) {
    switch (opcode) {
      case opcode::bin_put:
        return memoize(reader_.read<std::uint8_t>("memo index"));
      case opcode::long_bin_put:
        return memoize(reader_.read<std::uint32_t>("memo index"));
      case opcode::memoize:
        return memoize(n_memoized_);
      case opcode::bin_get:
        return push_ref(recall(reader_.read<std::uint8_t>("memo index")));
      case opcode::long_bin_get:
        return push_ref(recall(reader_.read<std::uint32_t>("memo index")));
      default:
        return false;
    }
  }

  bool apply(std::uint8_t opcode) {
    switch (opcode) {
      case opcode::proto:
        return check_protocol(reader_.read<std::uint8_t>("protocol"));
      case opcode::frame:
        reader_.read<std::uint64_t>("frame length");
        return true;
      case opcode::global: {
        const std::string module = read_line();
        return push_global(module + "." + read_line());
      }
      case opcode::stack_global: {
        const std::vector<Ref> names = pop(2);
        return push_global(text_of(names[0]) + "." + text_of(names[1]));
      }
      case opcode::bin_pers_id:
        return push(Kind::persistent_id, {}, pop(1));
      case opcode::reduce:
        return call(pop(2));
      case opcode::build:
        return discard_state(pop(2));
      default:
        return false;
    }
  }

  bool check_protocol(int protocol) const {
    constexpr int kNewest = 4;
    if (protocol < 2 || protocol > kNewest) {
      refuse(fmt::format("expected pickle protocol 2 to {}, found {}", kNewest, protocol));
    }
    return true;
  }

  bool push(Kind kind, std::string text = {}, std::vector<Ref> items = {}) {
    if (pickle_.values_.size() == kMaxValues) {
      refuse(fmt::format("expected at most {} values", kMaxValues));
    }
    pickle_.values_.push_back({kind, 0, std::move(text), std::move(items)});
    return push_ref(static_cast<Ref>(pickle_.values_.size() - 1));
  }

  bool push_ref(Ref ref) {
    check_places(stack_.size());
    stack_.push_back(ref);
    return true;
  }

  bool push_number(Kind kind, std::int64_t value) {
    push(kind);
    pickle_.values_.back().integer = value;
    return true;
  }

  bool push_text_of(std::uint64_t n_bytes) {
    return push(Kind::text, std::string(reader_.take_text(n_bytes, "text")));
  }

  bool push_global(const std::string& name) {
    if (std::find(allowed_.begin(), allowed_.end(), name) == allowed_.end()) {
      refuse(fmt::format("expected only tensors and their storages, found the global {}", shown(name)));
    }
    return push(Kind::global, name);
  }

  void check_places(std::size_t n_taken) const {
    if (n_taken >= kMaxPlaces) {
      refuse(fmt::format("expected at most {} places on the stack or in the memo", kMaxPlaces));
    }
  }

  /// The topmost n values in the order they were pushed; values under the last mark stay out of reach.
  std::vector<Ref> pop(std::size_t n) {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() - floor < n) {
      fail("expected more values on the stack");
    }
    std::vector<Ref> popped(stack_.end() - static_cast<std::ptrdiff_t>(n), stack_.end());
    stack_.resize(stack_.size() - n);
    return popped;
  }

  std::vector<Ref> pop_to_mark() {
    if (marks_.empty()) {
      fail("expected a mark on the stack");
    }
    std::vector<Ref> popped = pop(stack_.size() - marks_.back());
    marks_.pop_back();
    return popped;
  }

  Value& top() {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() <= floor) {
      fail("expected a value on the stack");
    }
    return pickle_.values_[stack_.back()];
  }

  bool extend(Kind kind, const std::vector<Ref>& items) {
    Value& container = top();
    if (container.kind != kind || (kind == Kind::dict && items.size() % 2 != 0)) {
      fail(kind == Kind::list ? "expected a list to append to" : "expected a dictionary and pairs for it");
    }
    container.items.insert(container.items.end(), items.begin(), items.end());
    return true;
  }

  /// OrderedDict() is an empty dictionary; other calls are kept as what they are.
  bool call(const std::vector<Ref>& function_and_arguments) {
    const Value& function = pickle_.values_[function_and_arguments[0]];
    const Value& arguments = pickle_.values_[function_and_arguments[1]];
    if (function.kind != Kind::global || arguments.kind != Kind::tuple) {
      fail("expected a call of a global with a tuple of arguments");
    }
    if (function.text == "collections.OrderedDict") {
      if (!arguments.items.empty()) {
        refuse("expected an OrderedDict that starts empty, as Python 3 writes it");
      }
      return push(Kind::dict);
    }
    return push(Kind::call, function.text, arguments.items);
  }

  /// torch hangs "_metadata" of modules onto the dictionary of tensors; nothing of it is needed.
  bool discard_state(const std::vector<Ref>& object_and_state) {
    if (pickle_.values_[object_and_state[0]].kind != Kind::dict) {
      fail("expected a dictionary to build");
    }
    return push_ref(object_and_state[0]);
  }

  bool memoize(std::size_t index) {
    check_places(index);
    top();
    if (memo_.size() <= index) {
      memo_.resize(index + 1, kEmptyPlace);
    }
    n_memoized_ += memo_[index] == kEmptyPlace ? 1 : 0;
    memo_[index] = stack_.back();
    return true;
  }

  Ref recall(std::size_t index) const {
    if (index >= memo_.size() || memo_[index] == kEmptyPlace) {
      fail(fmt::format("expected something in the memo at {}", index));
    }
    return memo_[index];
  }

  std::string read_line() {
    constexpr std::size_t kLongestName = 256;
    std::string line;
    for (char c = reader_.read<char>("name"); c != '\n'; c = reader_.read<char>("name")) {
      if (line.size() == kLongestName) {
        fail(fmt::format("expected a name of at most {} bytes", kLongestName));
      }
      line.push_back(c);
    }
    return line;
  }

  std::int64_t read_long() {
    const auto bytes = reader_.take(reader_.read<std::uint8_t>("LONG1 length"), "LONG1");
    if (bytes.size() > sizeof(std::int64_t)) {
      fail(fmt::format("expected an integer of at most 64 bits, found {} bytes", bytes.size()));
    }
    const bool is_negative = !bytes.empty() && (bytes.back() & std::byte{0x80}) != std::byte{0};
    std::uint64_t value = is_negative ? ~std::uint64_t{0} : 0;
    for (std::size_t i = bytes.size(); i-- > 0;) {
      value = (value << 8U) | std::to_integer<std::uint64_t>(bytes[i]);
    }
    return static_cast<std::int64_t>(value);
  }

  const std::string& text_of(Ref ref) const {
    const Value& value = pickle_.values_[ref];
    if (value.kind != Kind::text) {
      fail("expected a name");
    }
    return value.text;
  }

  ByteReader reader_;
  std::span<const std::string_view> allowed_;
  std::size_t at_ = 0;  ///< offset of the opcode being executed
  Pickle pickle_;
  std::vector<Ref> stack_;
  std::vector<std::size_t> marks_;
  std::vector<Ref> memo_;
  std::size_t n_memoized_ = 0;
};

Pickle Pickle::read(std::span<const std::byte> bytes,
                    std::span<const std::string_view> allowed,
                    const std::string& where) {
  return PickleMachine(bytes, allowed, where).run();
}

const Pickle::Value* Pickle::find(const Value& dict, std::string_view key) const {
  for (std::size_t i = 0; dict.kind == Kind::dict && i < dict.items.size(); i += 2) {
    const Value& found = values_[dict.items[i]];
    if (found.kind == Kind::text && found.text == key) {
      return &values_[dict.items[i + 1]];
    }
  }
  return nullptr;
}

}  // namespace sotto::model::sources
