#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sotto::test {

/// A WAVE file of 16 kHz mono floats.
inline std::string float_wav(const std::vector<float>& samples) {
  std::string bytes;
  const auto put = [&bytes](auto value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  const auto n_bytes = static_cast<std::uint32_t>(samples.size() * sizeof(float));
  bytes += "RIFF";
  put(36 + n_bytes);
  bytes += "WAVEfmt ";
  put(std::uint32_t{16});
  put(std::uint16_t{3});  // IEEE float
  put(std::uint16_t{1});
  put(std::uint32_t{16000});
  put(std::uint32_t{64000});
  put(std::uint16_t{4});
  put(std::uint16_t{32});
  bytes += "data";
  put(n_bytes);
  bytes.append(reinterpret_cast<const char*>(samples.data()), n_bytes);
  return bytes;
}

}  // namespace sotto::test
