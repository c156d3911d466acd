#include "model/safetensors.h"

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "model/checkpoint.h"
#include "support/expect_error.h"
#include "support/peak_memory.h"
#include "support/temp_dir.h"

namespace sotto::model {
namespace {

const std::string kHeader = R"({"__metadata__":{"format":"pt"},)"
                            R"("b":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]},)"
                            R"("a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})";
const std::string kData = "0123456789ab";

TensorMap parse(const std::string& file) {
  // A copy in its own allocation, so that the sanitizers see every read beyond it.
  const std::vector<char> copy(file.begin(), file.end());
  return parse_safetensors(std::as_bytes(std::span(copy)), "x.safetensors");
}

void expect_refused(const std::string& file, const std::string& part) {
  test::expect_error([&] { parse(file); }, ErrorCode::bad_format, part);
}

/// A header of one tensor "a" over four bytes.
std::string one_tensor(const std::string& fields) {
  return test::safetensors("{\"a\":{" + fields + "}}", "0123");
}

TEST(ParseSafetensors, FindsTensorsInAnyOrder) {
  const std::string file = test::safetensors(kHeader, kData);
  const TensorMap tensors = parse_safetensors(std::as_bytes(std::span(file)), "x");
  ASSERT_EQ(tensors.size(), 2U);
  const TensorView& b = tensors.at("b");
  EXPECT_EQ(b.dtype, DType::f32);
  EXPECT_EQ(b.shape, (std::vector<std::size_t>{2, 1}));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(b.bytes.data()), b.bytes.size()), "456789ab");
  EXPECT_EQ(tensors.at("a").dtype, DType::bf16);
}

TEST(ParseSafetensors, TakesScalarsEmptyTensorsAndTypesItDoesNotUse) {
  EXPECT_EQ(parse(one_tensor(R"("dtype":"F32","shape":[],"data_offsets":[0,4])")).at("a").shape.size(), 0U);
  EXPECT_EQ(parse(one_tensor(R"("dtype":"I64","shape":[0],"data_offsets":[0,0])"
                             R"(},"b":{)"
                             R"("dtype":"U8","shape":[4],"data_offsets":[0,4])"))
                .at("b")
                .dtype,
            DType::other);
  EXPECT_TRUE(parse(test::safetensors("{}")).empty());
}

TEST(ParseSafetensors, RefusesEveryPrefixOfAGoodFile) {
  const std::string file = test::safetensors(kHeader, kData);
  for (std::size_t n = 0; n < file.size(); ++n) {
    expect_refused(file.substr(0, n), "x.safetensors");
  }
  expect_refused(file + "c", "expected 12 bytes of data, found 13");
}

TEST(ParseSafetensors, SurvivesEveryFlippedByte) {
  const std::string file = test::safetensors(kHeader, kData);
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (const int flip : {0x01, 0x80, 0xFF}) {
      std::string broken = file;
      broken[i] = static_cast<char>(broken[i] ^ flip);
      try {
        const std::function<void(const std::string&)> read = [](const std::string& bytes) {
          EXPECT_LE(parse(bytes).size(), 3U);
        };
        test::within_memory(read, 64, 65536)(broken);
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::bad_format) << e.what();
      }
    }
  }
}

TEST(ParseSafetensors, RefusesAHeaderLengthBeyondTheFile) {
  for (const std::uint64_t length : {13ULL, 100'000'001ULL, 1ULL << 32, ~0ULL, ~0ULL - 7}) {
    std::string file(20, ' ');
    for (unsigned i = 0; i < 8; ++i) {
      file[i] = static_cast<char>(length >> (8 * i) & 0xFFU);
    }
    expect_refused(file, std::to_string(length));
  }
}

TEST(ParseSafetensors, RefusesOffsetsThatAreNoRangeOfTheData) {
  for (const std::string offsets :
       {"[0,5]", "[4,0]", "[5,5]", "[0]", "[0,2,4]", "4", "null", "[0,18446744073709551615]",
        "[9223372036854775808,9223372036854775812]"}) {
    expect_refused(one_tensor(R"("dtype":"F32","shape":[1],"data_offsets":)" + offsets),
                   "x.safetensors: a: ");
  }
  for (const std::string offset : {"-1", "0.0", "\"0\"", "1e3", "99999999999999999999"}) {
    expect_refused(one_tensor(R"("dtype":"F32","shape":[1],"data_offsets":[)" + offset + ",4]"),
                   "whole numbers");
  }
}

TEST(ParseSafetensors, RefusesShapesThatDoNotMatchTheBytes) {
  const auto with_shape = [](const std::string& shape) {
    return one_tensor(R"("dtype":"F32","data_offsets":[0,4],"shape":)" + shape);
  };
  expect_refused(with_shape("[2]"), "F32 of shape [2] expected 8 bytes, found 4");
  expect_refused(with_shape("[0]"), "expected 0 bytes, found 4");
  expect_refused(with_shape("[4294967296,4294967296]"), "too many");
  expect_refused(with_shape("[18446744073709551615]"), "too many");
  expect_refused(with_shape("[-1]"), "whole numbers");
  expect_refused(with_shape("[[1]]"), "whole numbers");
  expect_refused(with_shape("{}"), "\"shape\"");
  expect_refused(one_tensor(R"("dtype":"F4","data_offsets":[0,1],"shape":[1])"), "F4");
}

TEST(ParseSafetensors, RefusesGapsOverlapsAndDoubles) {
  const auto two = [](const std::string& name, const std::string& a, const std::string& b) {
    return test::safetensors(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)" + a + R"(},")" + name +
                                 R"(":{"dtype":"U8","shape":[2],"data_offsets":)" + b + "}}",
                             "0123");
  };
  EXPECT_EQ(parse(two("b", "[0,2]", "[2,4]")).size(), 2U);
  expect_refused(two("b", "[0,2]", "[1,3]"), "x.safetensors: b: expected data at offset 2, found 1");
  expect_refused(two("b", "[0,2]", "[0,2]"), "expected data at offset 2, found 0");
  expect_refused(two("b", "[1,3]", "[2,4]"), "x.safetensors: a: expected data at offset 0, found 1");
  expect_refused(two("b", "[0,2]", "[2,4]") + "4", "found 5");
  expect_refused(two("a", "[0,2]", "[2,4]"), "tensor \"a\" is in the header twice");
}

TEST(ParseSafetensors, RefusesHeadersThatAreNotObjectsOfTensors) {
  expect_refused(test::safetensors(""), "expected a JSON header");
  expect_refused(test::safetensors("[]"), "found array");
  expect_refused(test::safetensors("{\"a\":1}"), "x.safetensors: a: expected an object");
  expect_refused(test::safetensors("{\"a\":{}}"), "x.safetensors: a: expected an object");
  expect_refused(one_tensor(R"("dtype":"F99","shape":[1],"data_offsets":[0,4])"), "unknown dtype \"F99\"");
  expect_refused(test::safetensors("{\"\xFF\":{}}"), "x.safetensors");
  expect_refused(test::safetensors(R"({"a\nb":{}})"), "x.safetensors: a b: expected an object");
  expect_refused(test::safetensors(std::string(100'000, '[')), "x.safetensors");
}

TEST(ReadSafetensors, SaysWhatItLookedFor) {
  const test::TempDir dir;
  test::expect_error([&] { read_safetensors(dir.path()); }, ErrorCode::not_found,
                     "model.safetensors.index.json");
  test::write_file(dir / "model.safetensors", "");
  test::expect_error([&] { read_safetensors(dir.path()); }, ErrorCode::bad_format,
                     "expected a file with content");
  std::filesystem::remove(dir / "model.safetensors");
  std::filesystem::create_directory(dir / "model.safetensors");
  test::expect_error([&] { read_safetensors(dir.path()); }, ErrorCode::bad_format,
                     "expected a file with content");
}

TEST(ReadSafetensors, RefusesIndexesThatDoNotFitTheirShards) {
  const test::TempDir dir;
  const auto with_index = [&](const std::string& weight_map) {
    test::write_file(dir / "model.safetensors.index.json", "{\"weight_map\":" + weight_map + "}");
    return [&] { read_safetensors(dir.path()); };
  };
  test::write_file(dir / "1.safetensors", test::safetensors(kHeader, kData));
  test::write_file(dir / "2.safetensors", test::safetensors(kHeader, kData));
  with_index(R"({"a":"1.safetensors"})")();
  test::expect_error(with_index(R"({"a":"3.safetensors"})"), ErrorCode::not_found, "3.safetensors");
  test::expect_error(with_index(R"({"c":"1.safetensors"})"), ErrorCode::bad_format,
                     "\"c\" in 1.safetensors, found none");
  test::expect_error(with_index(R"({"a":"1.safetensors","b":"2.safetensors"})"), ErrorCode::bad_format,
                     "another shard");
  test::expect_error(with_index(R"([])"), ErrorCode::bad_format, "\"weight_map\"");
  for (const std::string file : {"../1.safetensors", "/1.safetensors", "..", ".", "", "sub/1.safetensors"}) {
    test::expect_error(with_index("{\"a\":\"" + file + "\"}"), ErrorCode::bad_format,
                       "expected file names beside it");
  }
}

}  // namespace
}  // namespace sotto::model
