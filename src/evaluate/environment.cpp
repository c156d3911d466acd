#include <algorithm>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <openvino/openvino.hpp>

#include "core/cpu_features.h"
#include "sotto/error.h"
#include "sotto/evaluate.h"

namespace sotto::evaluate {
namespace {

/// The value of the first "model name" line, which is the kernel's reading of the CPUID brand string.
std::string cpu_name() {
  std::ifstream in("/proc/cpuinfo");
  std::string line;
  while (std::getline(in, line)) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return {};
}

}  // namespace

std::vector<Device> devices() {
  try {
    ov::Core core;
    std::vector<Device> found;
    for (const std::string& name : core.get_available_devices()) {
      found.push_back({name, core.get_property(name, ov::device::full_name),
                       core.get_property(name, ov::device::capabilities)});
    }
    return found;
  } catch (const ov::Exception& e) {
    std::string why = e.what();
    std::replace(why.begin(), why.end(), '\n', ' ');
    throw Error(ErrorCode::internal, "OpenVINO", fmt::format("listing the devices failed: {}", why));
  }
}

Environment environment() {
  return {.sotto_version = SOTTO_VERSION,
          .openvino_version = ov::get_openvino_version().buildNumber,
          .cpu_name = cpu_name(),
          .n_cores = std::thread::hardware_concurrency(),
          .cpu_features = cpu_features()};
}

}  // namespace sotto::evaluate
