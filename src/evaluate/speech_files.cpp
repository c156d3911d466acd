#include "evaluate/speech_files.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

#include "sotto/audio.h"

namespace sotto::evaluate {
namespace {

constexpr std::string_view kTranscript = ".trans.txt";
constexpr std::string_view kTranslation = ".translation.txt";

}  // namespace

bool is_audio_name(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 6> kExtensions = {".flac", ".wav", ".mp3", ".ogg", ".opus", ".m4a"};
  return std::find(kExtensions.begin(), kExtensions.end(), path.extension().string()) != kExtensions.end();
}

bool is_transcript_name(const std::filesystem::path& path, bool translated) {
  return path.filename().string().ends_with(translated ? kTranslation : kTranscript);
}

bool is_text_name(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(".txt") && !name.ends_with(kTranscript) && !name.ends_with(kTranslation);
}

bool is_table_name(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".tsv" || extension == ".csv" || extension == ".jsonl";
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::pair<std::string, std::string> split_transcript_line(std::string_view line) {
  line = trimmed(line);
  const std::size_t space = line.find_first_of(" \t");
  const std::string_view words = space == std::string_view::npos ? std::string_view() : line.substr(space);
  return {std::string(line.substr(0, space)), std::string(trimmed(words))};
}

Speech load_speech(std::string id, std::string text, const std::filesystem::path& path) {
  const auto source = audio::open_media(path);
  std::vector<float> samples = audio::read_all(*source);
  return {.id = std::move(id),
          .text = std::move(text),
          .samples = std::move(samples),
          .source_rate_hz = source->source_rate_hz().value_or(0)};
}

std::vector<std::size_t> shuffled_order(std::size_t n, std::uint64_t seed) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937_64 random(seed);
  for (std::size_t i = n; i > 1; --i) {
    std::swap(order[i - 1], order[random() % i]);  // of 2^64 draws the remainder's bias is not to be seen
  }
  return order;
}

}  // namespace sotto::evaluate
