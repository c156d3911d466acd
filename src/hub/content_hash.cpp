#include "hub/content_hash.h"

#include <array>
#include <fstream>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "sotto/error.h"

namespace sotto::hub {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kChunkBytes = 1024UL * 1024;

class Digest {
 public:
  explicit Digest(const EVP_MD* type) : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    require(context_ && EVP_DigestInit_ex(context_.get(), type, nullptr) == 1);
  }
  void update(std::string_view bytes) {
    require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    require(EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) == 1);
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
      text += fmt::format("{:02x}", bytes[i]);
    }
    return text;
  }

 private:
  static void require(bool ok) {
    if (!ok) {
      throw Error(ErrorCode::internal, "OpenSSL", "hashing failed.");
    }
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

std::string hash_file(Digest& digest, const fs::path& path, const std::stop_token& stop) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> chunk(kChunkBytes);
  while (in) {
    if (stop.stop_requested()) {
      throw Error(ErrorCode::cancelled, path.string(), "stopped on request.");
    }
    in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    digest.update({chunk.data(), static_cast<std::size_t>(in.gcount())});
  }
  if (!in.eof()) {
    throw Error(ErrorCode::io, path.string(), "cannot be read.");
  }
  return digest.hex();
}

}  // namespace

std::string sha256_of_file(const fs::path& path, const std::stop_token& stop) {
  Digest digest(EVP_sha256());
  return hash_file(digest, path, stop);
}

std::string git_blob_id_of_file(const fs::path& path, const std::stop_token& stop) {
  Digest digest(EVP_sha1());
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) {
    throw Error(ErrorCode::io, path.string(), fmt::format("cannot be read: {}.", error.message()));
  }
  digest.update(fmt::format("blob {}", size));
  digest.update(std::string_view("\0", 1));
  return hash_file(digest, path, stop);
}

std::string hash_for_etag(std::string_view etag, const fs::path& path, const std::stop_token& stop) {
  if (etag.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
    return {};
  }
  if (etag.size() == 64) {
    return sha256_of_file(path, stop);
  }
  return etag.size() == 40 ? git_blob_id_of_file(path, stop) : std::string();
}

}  // namespace sotto::hub
