#include "model/sources/pickle.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "model/sources/archive_writer.h"
#include "support/expect_error.h"

namespace sotto::model::sources {
namespace {

using Kind = Pickle::Kind;
using test::as_bytes;
using test::le;
namespace pickle = test::pickle;

constexpr std::array<std::string_view, 2> kAllowed = {"collections.OrderedDict",
                                                      "torch._utils._rebuild_parameter"};

Pickle read(const std::string& opcodes) {
  return Pickle::read(as_bytes(opcodes), kAllowed, "data.pkl");
}

void expect_refused(const std::string& opcodes,
                    const std::string& part,
                    ErrorCode code = ErrorCode::bad_format) {
  test::expect_error([&] { read(opcodes); }, code, part);
}

std::int64_t integer_of(const std::string& opcodes) {
  return read(pickle::program(opcodes)).root().integer;
}

TEST(PickleReader, ReadsPlainValues) {
  EXPECT_EQ(integer_of("K\x50"), 80);
  EXPECT_EQ(integer_of("M" + le(1500, 2)), 1500);
  EXPECT_EQ(integer_of("J" + le(0xffffffffU, 4)), -1);
  EXPECT_EQ(integer_of(pickle::integer(-5'000'000'000)), -5'000'000'000);
  EXPECT_EQ(integer_of(std::string("\x8a\x00", 2)), 0);
  EXPECT_EQ(integer_of(std::string("\x8a\x02\xff\x00", 4)), 255);
  EXPECT_EQ(read(pickle::program("\x88")).root().kind, Kind::boolean);
  EXPECT_EQ(read(pickle::program("N")).root().kind, Kind::none);
  EXPECT_EQ(read(pickle::program("G" + le(0, 8))).root().kind, Kind::real);
  EXPECT_EQ(read(pickle::program("\x8c\x02hi")).root().text, "hi");
}

TEST(PickleReader, ReadsContainersAndTheMemo) {
  const Pickle read_back = read(pickle::program("}q\x01(" + pickle::text("a") + "K\x07" + pickle::text("b") +
                                                "]q\x02(K\x01K\x02" + "eu"));
  const Pickle::Value* list = read_back.find(read_back.root(), "b");
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(list->items.size(), 2U);
  EXPECT_EQ(read_back[list->items[1]].integer, 2);
  EXPECT_EQ(read_back.find(read_back.root(), "a")->integer, 7);
  EXPECT_EQ(read_back.find(read_back.root(), "c"), nullptr);
  const Pickle shared = read(pickle::program("K\x09q\x05h\x05h\x05\x87"));
  EXPECT_EQ(shared[shared.root().items[2]].integer, 9);
}

TEST(PickleReader, KeepsCallsAsTheirNames) {
  const Pickle call =
      read(pickle::program(pickle::global("torch._utils", "_rebuild_parameter") + "K\x01\x85R"));
  EXPECT_EQ(call.root().kind, Kind::call);
  EXPECT_EQ(call.root().text, "torch._utils._rebuild_parameter");
  EXPECT_EQ(call[call.root().items[0]].integer, 1);
  const Pickle dict = read(pickle::program(pickle::global("collections", "OrderedDict") + ")R}b"));
  EXPECT_EQ(dict.root().kind, Kind::dict);
}

TEST(PickleReader, RefusesOtherGlobalsByName) {
  const std::string bomb =
      pickle::program(pickle::global("os", "system") + "(" + pickle::text("touch x") + "tR");
  expect_refused(bomb, "found the global \"os.system\" at offset 2; nothing was run", ErrorCode::unsupported);
  expect_refused(pickle::program("\x8c\x05posix\x8c\x06system\x93"), "\"posix.system\"",
                 ErrorCode::unsupported);
  expect_refused(pickle::program(pickle::global("builtins", "eval")), "\"builtins.eval\"",
                 ErrorCode::unsupported);
}

TEST(PickleReader, RefusesOtherOpcodesByName) {
  expect_refused(pickle::program("(S'x'\nios\nsystem\n"), "found STRING (0x53) at offset 3",
                 ErrorCode::unsupported);
  expect_refused(pickle::program("(ios\nsystem\n"), "found INST (0x69)", ErrorCode::unsupported);
  expect_refused(pickle::program("(o"), "found OBJ (0x6f)", ErrorCode::unsupported);
  expect_refused(pickle::program(pickle::global("collections", "OrderedDict") + ")\x81"),
                 "found NEWOBJ (0x81)", ErrorCode::unsupported);
  expect_refused(pickle::program("\x82\x01"), "found EXT1 (0x82)", ErrorCode::unsupported);
  expect_refused(pickle::program("\xff"), "found 0xff", ErrorCode::unsupported);
  expect_refused("\x80\x05N.", "protocol 2 to 4, found 5", ErrorCode::unsupported);
  expect_refused("I1\n.", "found INT", ErrorCode::unsupported);
}

TEST(PickleReader, RefusesABrokenProgram) {
  expect_refused("", "opcode at offset 0");
  expect_refused(pickle::program(""), "expected a pickle to end with one value");
  expect_refused(pickle::program("NN"), "expected a pickle to end with one value");
  expect_refused(pickle::program("(N"), "expected a pickle to end with one value");
  expect_refused(pickle::program("N") + "N", "expected a pickle to end with one value");
  expect_refused(pickle::program("t"), "expected a mark");
  expect_refused(pickle::program("N(\x85"), "expected more values");  // a tuple may not reach below the mark
  expect_refused(pickle::program("q\x01"), "expected a value on the stack");
  expect_refused(pickle::program("h\x01"), "expected something in the memo at 1");
  expect_refused(pickle::program("}Na"), "expected a list to append to");
  expect_refused(pickle::program("}(Nu"), "expected a dictionary and pairs");
  expect_refused(pickle::program("N)R"), "expected a call of a global");
  expect_refused(pickle::program("NNb"), "expected a dictionary to build");
  expect_refused(pickle::program("NN\x93"), "expected a name");
  expect_refused(pickle::program("\x8a\x09" + std::string(9, 'x')), "at most 64 bits");
  expect_refused("\x80\x02X\xff\xff\xff\xff", "expected 4294967295 bytes, found 0");
  expect_refused("\x80\x02\x8d" + le(~0ULL, 8), "expected 18446744073709551615 bytes");
  expect_refused(
      "\x80\x02"
      "c" +
          std::string(300, 'x'),
      "expected a name of at most 256 bytes");
}

TEST(PickleReader, BoundsItself) {
  std::string deep = "]";
  for (int i = 0; i < 150'000; ++i) {
    deep += "\x85";
  }
  EXPECT_EQ(read(pickle::program(deep)).root().kind, Kind::tuple);  // deep nesting needs no deep stack
  expect_refused(std::string(300'000, '('), "places on the stack", ErrorCode::unsupported);
  expect_refused(std::string(300'000, 'N'), "at most 200000 values", ErrorCode::unsupported);
  std::string gets = "Nq";
  gets.push_back('\0');
  for (int i = 0; i < 300'000; ++i) {
    gets += std::string("h\0", 2);
  }
  expect_refused(gets, "places on the stack", ErrorCode::unsupported);
  expect_refused("Nr" + le(0xfffffffe, 4), "in the memo", ErrorCode::unsupported);
  expect_refused(std::string(17'000'000, 'N'), "at most 16000000 bytes", ErrorCode::unsupported);
  EXPECT_EQ(read(pickle::program("]q\x01h\x01"
                                 "a"))
                .root()
                .items.size(),
            1U);  // a list that holds itself
}

}  // namespace
}  // namespace sotto::model::sources
