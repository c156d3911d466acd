#include "model/release_pages.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <openvino/op/constant.hpp>

namespace sotto::model {
namespace {

#ifdef __linux__

constexpr std::size_t kWorthwhileBytes = 65536;

struct Mapping {
  std::uintptr_t first = 0;
  std::uintptr_t last = 0;
};

/// A line "7f00-7f80 r--s 00000000 fe:00 123   /path" as a mapping, if it is of a file that is only read.
std::optional<Mapping> read_only_file(std::string_view line) {
  Mapping mapping;
  const char* const end = line.data() + line.size();
  const auto first = std::from_chars(line.data(), end, mapping.first, 16);
  if (first.ec != std::errc{} || first.ptr == end) {
    return std::nullopt;
  }
  const auto last = std::from_chars(first.ptr + 1, end, mapping.last, 16);
  const std::string_view rest = line.substr(static_cast<std::size_t>(last.ptr - line.data()));
  const bool is_file = rest.find('/') != std::string_view::npos;
  return last.ec == std::errc{} && rest.starts_with(" r--") && is_file ? std::optional(mapping)
                                                                       : std::nullopt;
}

std::vector<Mapping> read_only_files() {
  std::vector<Mapping> mappings;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (const auto mapping = read_only_file(line)) {
      mappings.push_back(*mapping);
    }
  }
  return mappings;
}

#endif

}  // namespace

void release_mapped_pages([[maybe_unused]] const ov::Model& model) {
#ifdef __linux__
  std::vector<std::uintptr_t> weights;
  for (const auto& node : model.get_ops()) {
    const auto constant = ov::as_type_ptr<ov::op::v0::Constant>(node);
    if (constant && constant->get_byte_size() >= kWorthwhileBytes) {
      weights.push_back(reinterpret_cast<std::uintptr_t>(constant->get_data_ptr()));
    }
  }
  std::ranges::sort(weights);
  for (const Mapping& mapping : read_only_files()) {
    const auto inside = std::ranges::lower_bound(weights, mapping.first);
    if (inside != weights.end() && *inside < mapping.last) {
      // A hint: where it is refused, the pages stay.
      static_cast<void>(
          ::madvise(reinterpret_cast<void*>(mapping.first), mapping.last - mapping.first, MADV_DONTNEED));
    }
  }
#endif
}

}  // namespace sotto::model
