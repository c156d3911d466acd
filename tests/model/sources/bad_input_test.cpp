#include <cstdint>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "model/sources/archive_writer.h"
#include "model/sources/ggml_file.h"
#include "model/sources/pickle.h"
#include "model/sources/torch_file.h"
#include "model/sources/zip_archive.h"
#include "sotto/error.h"
#include "support/golden.h"
#include "support/peak_memory.h"

// Damaged files must be refused with sotto::Error or read; the sanitizers watch what happens in between.
namespace sotto::model::sources {
namespace {

using test::as_bytes;

void read_torch_file(const std::string& file) {
  Memory memory;
  const TorchCheckpoint read = read_torch(as_bytes(file), "m.pt", memory);
  EXPECT_LE(memory.n_buffer_bytes, file.size());
}

void read_ggml_file(const std::string& file) {
  Memory memory;
  const GgmlCheckpoint read = read_ggml(as_bytes(file), "m.bin", memory);
  EXPECT_LE(memory.n_buffer_bytes, 4 * file.size());
}

/// True if the file was read, false if it was refused in one line that names it; anything else fails the
/// test, and so does memory beyond four times the file (quantized ggml as f16) and a mebibyte.
bool is_read(const std::function<void(const std::string&)>& read, const std::string& file) {
  try {
    test::within_memory(read, 4)(file);
    return true;
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_TRUE(message.starts_with("m.")) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_TRUE(e.code() == ErrorCode::bad_format || e.code() == ErrorCode::unsupported) << message;
    EXPECT_LT(message.size(), 1000U) << message;
    return false;
  }
}

/// A checkpoint of two tensors, one of them stored transposed, as torch.save writes it.
std::string small_torch_file() {
  using test::pickle::tensor;
  const std::string storage(64, '\1');
  const std::string opcodes =
      test::pickle::dict({{"a", tensor({.n_elements = 16, .size = {4, 4}, .stride = {1, 4}})},
                          {"b", tensor({.storage = "HalfStorage",
                                        .key = "1",
                                        .n_elements = 32,
                                        .offset = 2,
                                        .size = {3, 2},
                                        .stride = {2, 1}})}});
  return test::zip_of({{.name = "m/data.pkl", .data = test::pickle::program(opcodes)},
                       {.name = "m/byteorder", .data = "little"},
                       {.name = "m/data/0", .data = storage},
                       {.name = "m/data/1", .data = storage}});
}

/// The golden's header, tokens and first tensors: every kind of field once.
std::string small_ggml_file() {
  const std::string whole = test::read_file(test::golden_dir("sources") / "ggml-q5_1.bin");
  Memory memory;
  const std::size_t first = whole.find("encoder.positional_embedding");
  const std::size_t second = whole.find("encoder.conv1.weight");
  EXPECT_LT(first, second);
  const std::size_t quantized = whole.find("encoder.blocks.0.attn.query.weight");
  constexpr std::size_t kHeader = 12 + 8;  // two dimensions
  constexpr std::size_t kData = 32 * 24;   // 32 rows of one block
  const std::size_t name_bytes = std::string("encoder.blocks.0.attn.query.weight").size();
  return whole.substr(0, second - 12 - 12) + whole.substr(quantized - kHeader, kHeader + name_bytes + kData);
}

TEST(BadInput, EveryPrefixOfATorchFileIsRefused) {
  const std::string file = small_torch_file();
  ASSERT_TRUE(is_read(read_torch_file, file));
  for (std::size_t n = 0; n < file.size(); ++n) {
    EXPECT_FALSE(is_read(read_torch_file, file.substr(0, n))) << n;
  }
}

TEST(BadInput, EveryPrefixOfAGgmlFileIsRefusedUnlessATensorEndsThere) {
  const std::string file = small_ggml_file();
  ASSERT_TRUE(is_read(read_ggml_file, file));
  int n_read = 0;
  for (std::size_t n = 0; n < file.size(); ++n) {
    n_read += is_read(read_ggml_file, file.substr(0, n)) ? 1 : 0;
  }
  EXPECT_EQ(n_read, 2);  // no tensors, or one; open_source() then misses the others
}

TEST(BadInput, EveryPrefixOfAPickleIsRefused) {
  const std::string pickle =
      test::pickle::program(test::pickle::dict({{"a", "K\x01"}, {"b", test::pickle::tuple({1, 2})}}));
  const auto read = [](const std::string& bytes) { Pickle::read(as_bytes(bytes), {}, "m.pkl"); };
  ASSERT_TRUE(is_read(read, pickle));
  for (std::size_t n = 0; n < pickle.size(); ++n) {
    EXPECT_FALSE(is_read(read, pickle.substr(0, n))) << n;
  }
}

/// Every byte set to 0, 0xff, its complement and one bit off.
void flip_every_byte(const std::function<void(const std::string&)>& read, const std::string& file) {
  for (std::size_t at = 0; at < file.size(); ++at) {
    const auto byte = static_cast<unsigned char>(file[at]);
    for (const unsigned change : {0U, 0xffU, byte ^ 0xffU, byte ^ 1U, byte ^ 0x80U}) {
      std::string changed = file;
      changed[at] = static_cast<char>(change);
      is_read(read, changed);
    }
  }
}

TEST(BadInput, FlippedBytesOfATorchFileAreReadOrRefused) {
  flip_every_byte(read_torch_file, small_torch_file());
}

TEST(BadInput, FlippedBytesOfAGgmlFileAreReadOrRefused) {
  flip_every_byte(read_ggml_file, small_ggml_file());
}

/// A linear congruential generator: the same mutations everywhere.
class Mutations {
 public:
  explicit Mutations(std::uint64_t seed) : state_(seed) {}

  std::string of(std::string file) {
    for (std::size_t n = 1 + next(4); n > 0; --n) {
      mutate(file);
    }
    return file;
  }

 private:
  std::size_t next(std::size_t end) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>(state_ >> 33U) % end;
  }

  void mutate(std::string& file) {
    const std::size_t at = next(file.size());
    const std::size_t n = std::min(1 + next(16), file.size() - at);
    switch (next(5)) {
      case 0:  // an extreme number
        file.replace(
            at, std::min<std::size_t>(n, 8),
            test::le(kExtremes[next(std::size(kExtremes))], static_cast<int>(std::min<std::size_t>(n, 8))));
        break;
      case 1:
        file.erase(at, std::min(n, file.size() - 1));
        break;
      case 2:
        file.insert(at, file.substr(next(file.size()), n));
        break;
      case 3:
        file.replace(at, n, file.substr(next(file.size()), n));
        break;
      default:
        file[at] = static_cast<char>(next(256));
    }
  }

  static constexpr std::uint64_t kExtremes[] = {0,
                                                1,
                                                0x7f,
                                                0x80,
                                                0xff,
                                                0x7fff,
                                                0xffff,
                                                0x7fffffff,
                                                0x80000000,
                                                0xffffffff,
                                                0x7fffffffffffffff,
                                                0x8000000000000000,
                                                ~0ULL};
  std::uint64_t state_;
};

void fuzz(const std::function<void(const std::string&)>& read, const std::string& file, int n_mutations) {
  Mutations mutations(20261123);
  int n_read = 0;
  for (int i = 0; i < n_mutations; ++i) {
    n_read += is_read(read, mutations.of(file)) ? 1 : 0;
  }
  EXPECT_GT(n_read, 0);
  EXPECT_LT(n_read, n_mutations);
}

TEST(BadInput, MutatedTorchFilesAreReadOrRefused) {
  fuzz(read_torch_file, small_torch_file(), 5000);
}

TEST(BadInput, MutatedGgmlFilesAreReadOrRefused) {
  fuzz(read_ggml_file, small_ggml_file(), 3000);
}

TEST(BadInput, MutatedPicklesAreReadOrRefused) {
  // Inside an archive most mutations hit the archive; alone, all hit the pickle.
  const std::string tensors = test::pickle::program(
      test::pickle::dict({{"a", test::pickle::tensor({})}, {"b", test::pickle::tuple({1, 2})}}));
  fuzz(
      [](const std::string& pickle) {
        read_torch_file(test::zip_of(
            {{.name = "m/data.pkl", .data = pickle}, {.name = "m/data/0", .data = std::string(16, '\0')}}));
      },
      test::pickle::program(test::pickle::dict(
          {{"a", test::pickle::tensor({})}, {"b", test::pickle::tensor({.size = {4}, .stride = {1}})}})),
      5000);
  fuzz(
      [](const std::string& pickle) {
        const std::string_view allowed[] = {"torch._utils._rebuild_tensor_v2", "torch.FloatStorage",
                                            "collections.OrderedDict"};
        Pickle::read(as_bytes(pickle), allowed, "m.pkl");
      },
      tensors, 5000);
}

TEST(BadInput, MutatedZipsAreReadOrRefused) {
  fuzz([](const std::string& file) { read_zip(as_bytes(file), "m.zip"); },
       test::zip_of({{.name = "a", .data = "12345"}, {.name = "b", .data = "6"}}), 5000);
}

}  // namespace
}  // namespace sotto::model::sources
