#include "support/peak_memory.h"

#include <atomic>

namespace {

std::atomic<std::size_t> held{0};
std::atomic<std::size_t> peak{0};

void count_taken(std::size_t n_bytes) {
  const std::size_t now = held.fetch_add(n_bytes, std::memory_order_relaxed) + n_bytes;
  std::size_t highest = peak.load(std::memory_order_relaxed);
  while (now > highest && !peak.compare_exchange_weak(highest, now, std::memory_order_relaxed)) {
  }
}

void count_given_back(std::size_t n_bytes) {
  held.fetch_sub(n_bytes, std::memory_order_relaxed);
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

// sanitizer/allocator_interface.h, which not every compiler comes with.
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier)
int __sanitizer_install_malloc_and_free_hooks(void (*taken)(const volatile void*, std::size_t),
                                              void (*given_back)(const volatile void*));
std::size_t __sanitizer_get_allocated_size(const volatile void* block);
/// GCC 12's libubsan keeps eight bytes for good where an exception comes from OpenVINO.
const char* __lsan_default_suppressions() {
  return "leak:libubsan";
}
// NOLINTEND(bugprone-reserved-identifier)
}

namespace {

const bool is_counting =
    __sanitizer_install_malloc_and_free_hooks(
        [](const volatile void*, std::size_t n_bytes) { count_taken(n_bytes); },
        [](const volatile void* block) { count_given_back(__sanitizer_get_allocated_size(block)); }) != 0;

}  // namespace

#elif defined(__GLIBC__)

#include <cerrno>

#include <malloc.h>

// The program's own malloc is taken by every library in it (glibc's manual, "Replacing malloc").
extern "C" {
void* __libc_malloc(std::size_t);                 // NOLINT(bugprone-reserved-identifier)
void* __libc_calloc(std::size_t, std::size_t);    // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void*, std::size_t);         // NOLINT(bugprone-reserved-identifier)
void* __libc_memalign(std::size_t, std::size_t);  // NOLINT(bugprone-reserved-identifier)
void __libc_free(void*);                          // NOLINT(bugprone-reserved-identifier)

void* malloc(std::size_t n_bytes) {
  void* block = __libc_malloc(n_bytes);
  count_taken(malloc_usable_size(block));
  return block;
}
void* calloc(std::size_t n, std::size_t size) {
  void* block = __libc_calloc(n, size);
  count_taken(malloc_usable_size(block));
  return block;
}
void* realloc(void* old, std::size_t n_bytes) {
  const std::size_t n_old = malloc_usable_size(old);
  void* block = __libc_realloc(old, n_bytes);
  if (block != nullptr || n_bytes == 0) {
    count_given_back(n_old);
  }
  count_taken(malloc_usable_size(block));
  return block;
}
void* memalign(std::size_t alignment, std::size_t n_bytes) {
  void* block = __libc_memalign(alignment, n_bytes);
  count_taken(malloc_usable_size(block));
  return block;
}
void* aligned_alloc(std::size_t alignment, std::size_t n_bytes) {
  return memalign(alignment, n_bytes);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t n_bytes) {
  *block = memalign(alignment, n_bytes);
  return *block == nullptr ? ENOMEM : 0;
}
void free(void* block) {
  count_given_back(malloc_usable_size(block));
  __libc_free(block);
}
}

namespace {
constexpr bool is_counting = true;
}

#else

namespace {
constexpr bool is_counting = false;  // nothing is known here of another library's malloc
}

#endif

namespace sotto::test {

PeakMemory::PeakMemory() : before_(held.load()) {
  EXPECT_TRUE(is_counting);
  peak.store(before_);
}

std::size_t PeakMemory::bytes() const {
  return peak.load() - before_;
}

}  // namespace sotto::test
