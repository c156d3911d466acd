#include "transcribe/compression_ratio.h"

#include <vector>

#include <zlib.h>

#include "sotto/error.h"

namespace sotto::transcribe {

double compression_ratio(std::string_view text) {
  uLongf n_compressed = compressBound(static_cast<uLong>(text.size()));
  std::vector<Bytef> compressed(n_compressed);
  const auto* bytes = reinterpret_cast<const Bytef*>(text.data());
  if (compress(compressed.data(), &n_compressed, bytes, static_cast<uLong>(text.size())) != Z_OK) {
    throw Error(ErrorCode::internal, "compression_ratio", "zlib could not compress a text.");
  }
  return static_cast<double>(text.size()) / static_cast<double>(n_compressed);
}

}  // namespace sotto::transcribe
