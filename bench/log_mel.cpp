// Writes the first log-mel window of each media file as .npy, so that other programs are fed what sotto
// hears.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sotto/audio.h"
#include "sotto/error.h"

namespace {

/// f32 [1, n_mels, n_frames], NumPy format 1.0.
void write_npy(const std::filesystem::path& path, const std::vector<float>& values, int n_mels) {
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': (1, {}, {}), }}",
                                   n_mels, values.size() / static_cast<std::size_t>(n_mels));
  header.resize((header.size() + 10) / 64 * 64 + 53, ' ');
  header += '\n';
  const auto length = static_cast<std::uint16_t>(header.size());
  std::ofstream out(path, std::ios::binary);
  out.write("\x93NUMPY\x01\x00", 8);
  out.put(static_cast<char>(length & 0xFFU)).put(static_cast<char>(length >> 8U));
  out << header;
  out.write(reinterpret_cast<const char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(float)));
  if (!out) {
    throw sotto::Error(sotto::ErrorCode::io, path.string(), "writing failed.");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("usage: sotto_log_mel N_MELS DIRECTORY FILE...\n", stderr);
    return 2;
  }
  try {
    const int n_mels = std::stoi(argv[1]);
    const std::filesystem::path directory = argv[2];
    std::filesystem::create_directories(directory);
    for (int i = 3; i < argc; ++i) {
      const std::vector<float> samples = sotto::audio::load_audio(argv[i]);
      const sotto::audio::LogMel padded =
          sotto::audio::log_mel_spectrogram(samples, n_mels, sotto::audio::kWindowSamples);
      // Frames behind the end are 0, as when transcribing, not those of silence: models with random weights
      // are far from indifferent to that.
      const sotto::audio::LogMel heard =
          sotto::audio::pad_or_trim(padded, samples.size() / sotto::audio::kHopSamples);
      write_npy(directory / fmt::format("{:04}.npy", i - 3), sotto::audio::pad_or_trim(heard).values, n_mels);
    }
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
