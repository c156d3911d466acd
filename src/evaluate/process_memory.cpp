#include "evaluate/process_memory.h"

#include <fstream>
#include <sstream>
#include <string>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace sotto::evaluate {

std::optional<ProcessMemory> process_memory() {
  std::ifstream in("/proc/self/status");
  ProcessMemory memory;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string name;
    std::uint64_t kilobytes = 0;
    if (!(fields >> name >> kilobytes)) {
      continue;
    }
    if (name == "VmRSS:") {
      memory.now_bytes = kilobytes * 1024;
    } else if (name == "VmHWM:") {
      memory.peak_bytes = kilobytes * 1024;
    }
  }
  return memory.now_bytes > 0 ? std::optional(memory) : std::nullopt;
}

bool reset_peak_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  std::ofstream out("/proc/self/clear_refs");
  out << "5" << std::flush;  // proc(5): the peak becomes what is resident now
  return out.good();
}

}  // namespace sotto::evaluate
