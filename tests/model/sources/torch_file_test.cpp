#include "model/sources/torch_file.h"

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/sources/archive_writer.h"
#include "support/expect_error.h"

namespace sotto::model::sources {
namespace {

using test::as_bytes;
using test::torch_file_of;
using test::zip_of;
namespace pickle = test::pickle;

constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();

std::vector<float> values_of(const TensorView& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  if (!values.empty()) {
    std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  }
  return values;
}

void expect_refused(const std::string& file,
                    const std::string& part,
                    ErrorCode code = ErrorCode::bad_format) {
  Memory memory;
  test::expect_error([&] { read_torch(as_bytes(file), "m.pt", memory); }, code, part);
}

TEST(TorchFile, ViewsRowMajorTensorsInTheFile) {
  Memory memory;
  const std::string file = torch_file_of({.offset = 1, .size = {3}, .stride = {1}});
  const TorchCheckpoint read = read_torch(as_bytes(file), "m.pt", memory);
  const TensorView& tensor = read.tensors.at("w");
  EXPECT_EQ(tensor.dtype, DType::f32);
  EXPECT_EQ(tensor.shape, std::vector<std::size_t>({3}));
  EXPECT_EQ(values_of(tensor), std::vector<float>({2, 3, 4}));
  EXPECT_TRUE(memory.buffers.empty());
  EXPECT_FALSE(read.dims.has_value());
}

TEST(TorchFile, CopiesOtherStridesIntoRowMajorOrder) {
  Memory memory;
  const std::string file = torch_file_of({.size = {2, 2}, .stride = {1, 2}});
  const TorchCheckpoint read = read_torch(as_bytes(file), "m.pt", memory);
  EXPECT_EQ(values_of(read.tensors.at("w")), std::vector<float>({1, 3, 2, 4}));
  EXPECT_EQ(memory.buffers.size(), 1U);
}

TEST(TorchFile, TakesScalarsAndEmptyTensors) {
  Memory memory;
  const std::string scalar = torch_file_of({.offset = 3, .size = {}, .stride = {}});
  EXPECT_EQ(values_of(read_torch(as_bytes(scalar), "m.pt", memory).tensors.at("w")), std::vector<float>({4}));
  const std::string empty = torch_file_of({.offset = 9, .size = {0, 5}, .stride = {5, 1}});
  EXPECT_TRUE(read_torch(as_bytes(empty), "m.pt", memory).tensors.at("w").bytes.empty());
}

TEST(TorchFile, NamesTypesThatAreNoWeights) {
  Memory memory;
  const std::string file =
      torch_file_of({.storage = "LongStorage", .n_elements = 2, .size = {2}, .stride = {1}});
  const TorchCheckpoint read = read_torch(as_bytes(file), "m.pt", memory);
  EXPECT_EQ(read.tensors.at("w").dtype, DType::other);
  EXPECT_EQ(read.tensors.at("w").dtype_name, "I64");
}

TEST(TorchFile, RefusesTensorsOutsideTheirStorage) {
  expect_refused(torch_file_of({.offset = 1}), "m.pt: \"w\": offset 1");
  expect_refused(torch_file_of({.offset = -1}), "offset: expected whole numbers from 0, found -1");
  expect_refused(torch_file_of({.size = {2, -2}}), "size: expected whole numbers from 0, found -2");
  expect_refused(torch_file_of({.stride = {-2, 1}}), "stride: expected whole numbers from 0, found -2");
  expect_refused(torch_file_of({.size = {5}, .stride = {1}}), "inside a storage of 4 elements");
  expect_refused(torch_file_of({.size = {2}, .stride = {4}}), "inside a storage of 4 elements");
  expect_refused(torch_file_of({.size = {kHuge, kHuge}, .stride = {1, 1}}), "beyond any memory");
  expect_refused(torch_file_of({.size = {3, 3}, .stride = {kHuge, kHuge}}), "lead out of any storage");
  expect_refused(torch_file_of({.offset = kHuge, .size = {1}, .stride = {1}}),
                 "inside a storage of 4 elements");
  expect_refused(torch_file_of({.size = {2, 2}, .stride = {1}}), "differ in length");
  expect_refused(
      torch_file_of({.size = std::vector<std::int64_t>(9, 1), .stride = std::vector<std::int64_t>(9, 1)}),
      "at most 8");
}

TEST(TorchFile, RefusesTensorsThatUnfoldBeyondTheFile) {
  expect_refused(torch_file_of({.size = {1'000'000'000'000}, .stride = {0}}),
                 "expected tensors no larger than the file");
}

TEST(TorchFile, RefusesStoragesThatAreNotThere) {
  expect_refused(torch_file_of({.key = "1"}), "entry \"a/data/1\", found none");
  expect_refused(torch_file_of({.key = "../x"}), "found none");
  expect_refused(torch_file_of({.n_elements = 5}),
                 "expected 5 elements of F32 in entry \"a/data/0\", found 16 bytes");
  expect_refused(torch_file_of({.storage = "UntypedStorage"}), "\"torch.UntypedStorage\"",
                 ErrorCode::unsupported);
}

TEST(TorchFile, RefusesOtherPickles) {
  const auto file_of = [](const std::string& opcodes) {
    return zip_of({{.name = "a/data.pkl", .data = pickle::program(opcodes)}});
  };
  expect_refused(
      file_of(pickle::global("os", "system") + pickle::text("touch /tmp/x") + "\x85R"),
      "m.pt: data.pkl: expected only tensors and their storages, found the global \"os.system\" at offset 2",
      ErrorCode::unsupported);
  expect_refused(file_of("]"), "expected a dictionary of tensors");
  expect_refused(file_of(pickle::dict({{"w", "K\x01"}})), "m.pt: \"w\": expected a tensor");
  expect_refused(file_of("}K\x01K\x02s"), "expected tensors under names");
  expect_refused(file_of(pickle::dict({{"dims", "}"}, {"model_state_dict", "}"}})),
                 "field \"dims\": expected a whole number \"n_mels\"");
}

TEST(TorchFile, RefusesOtherArchives) {
  const std::string empty = pickle::program("}");
  expect_refused(zip_of({{.name = "x", .data = "y"}}), "with NAME/data.pkl");
  expect_refused(zip_of({{.name = "a/data.pkl", .data = empty}, {.name = "b/data.pkl", .data = empty}}),
                 "found more");
  expect_refused(zip_of({{.name = "a/data.pkl", .data = empty}, {.name = "a/byteorder", .data = "big"}}),
                 "expected a file of byte order \"little\", found \"big\"", ErrorCode::unsupported);
  const std::string legacy("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
  EXPECT_TRUE(looks_like_torch(as_bytes(legacy)));
  expect_refused(legacy, "load it in torch and save it again", ErrorCode::unsupported);
}

}  // namespace
}  // namespace sotto::model::sources
