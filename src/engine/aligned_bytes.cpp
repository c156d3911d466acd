#include "engine/aligned_bytes.h"

#include <cstring>

namespace sotto::engine {
namespace {

constexpr std::align_val_t kAlignment{64};

}  // namespace

AlignedBytes::AlignedBytes(std::size_t n_bytes)
    : bytes_(static_cast<std::byte*>(::operator new(n_bytes, kAlignment))) {
  std::memset(bytes_.get(), 0, n_bytes);
}

void AlignedBytes::Release::operator()(std::byte* memory) const {
  ::operator delete(memory, kAlignment);
}

}  // namespace sotto::engine
