#include "model/ir_files.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sotto/error.h"

namespace sotto::model {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "whisper_";
constexpr std::string_view kWhisperCppPrefix = "ggml-";
constexpr std::string_view kWhisperCppSuffix = "-encoder-openvino.xml";

fs::path directory_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : ".";
}

/// The pair that a notebook's encoder belongs to, if its name is one's and the decoder is there.
std::optional<IrFiles> pair_of_encoder(const fs::path& encoder) {
  const std::string file = encoder.filename().string();
  for (const std::string_view ending : {"_encoder.xml", "_encoder_int8.xml"}) {
    if (!file.ends_with(ending)) {
      continue;
    }
    const std::string stem = file.substr(0, file.size() - ending.size());
    std::string decoder_ending(ending);
    decoder_ending.replace(1, 2, "de");
    IrFiles pair{.kind = IrFiles::Kind::notebook,
                 .name = stem.starts_with(kPrefix) ? stem.substr(kPrefix.size()) : stem,
                 .directory = directory_of(encoder),
                 .encoder = encoder,
                 .decoder = directory_of(encoder) / (stem + decoder_ending),
                 .decoder_with_past = {}};
    return fs::exists(pair.decoder) ? std::optional(pair) : std::nullopt;
  }
  return std::nullopt;
}

std::vector<IrFiles> notebook_pairs(const fs::path& directory) {
  std::vector<IrFiles> pairs;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (auto pair = pair_of_encoder(entry.path())) {
      pairs.push_back(*std::move(pair));
    }
  }
  std::sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.encoder < b.encoder; });
  return pairs;
}

IrFiles optimum_files(const fs::path& directory) {
  IrFiles files{.kind = IrFiles::Kind::stateful,
                .name = {},
                .directory = directory,
                .encoder = directory / kEncoderFile,
                .decoder = directory / kDecoderFile,
                .decoder_with_past = directory / kDecoderWithPastFile};
  if (fs::exists(files.decoder_with_past)) {
    files.kind = IrFiles::Kind::with_past;
  }
  return files;
}

/// A notebook's encoder for its decoder: "whisper_base_decoder_int8.xml" → "whisper_base_encoder_int8.xml".
fs::path encoder_of(const fs::path& xml) {
  std::string file = xml.filename().string();
  const std::size_t at = file.rfind("_decoder");
  if (at != std::string::npos) {
    file.replace(at + 1, 2, "en");
  }
  return xml.has_parent_path() ? xml.parent_path() / file : fs::path(file);
}

}  // namespace

std::vector<IrFiles> find_ir_files(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    return fs::exists(path / kEncoderFile, error) ? std::vector{optimum_files(path)} : notebook_pairs(path);
  }
  if (path.extension() != ".xml") {
    return {};
  }
  if (path.filename() == kEncoderFile || path.filename() == kDecoderFile) {
    return {optimum_files(directory_of(path))};
  }
  auto pair = pair_of_encoder(encoder_of(path));
  return pair ? std::vector{*std::move(pair)} : std::vector<IrFiles>{};
}

IrFiles expect_ir_files(const fs::path& path) {
  const std::vector<IrFiles> found = find_ir_files(path);
  if (found.empty()) {
    throw Error(ErrorCode::not_found, path.string(),
                fmt::format("expected an OpenVINO model ({} and its decoder, or a notebook's pair "
                            "whisper_NAME_encoder.xml, whisper_NAME_decoder.xml), found none.",
                            kEncoderFile));
  }
  if (found.size() > 1) {
    std::vector<std::string> names;
    for (const IrFiles& files : found) {
      names.push_back(files.encoder.filename().string());
    }
    throw Error(ErrorCode::invalid_argument, path.string(),
                fmt::format("expected one model, found {}; give the path of one of these files.",
                            fmt::join(names, ", ")));
  }
  return found.front();
}

std::string notebook_file(const std::string& name, const char* part, bool is_quantized) {
  return fmt::format("{}{}_{}{}.xml", kPrefix, name, part, is_quantized ? "_int8" : "");
}

std::string whisper_cpp_file(const std::string& name) {
  return fmt::format("{}{}{}", kWhisperCppPrefix, name, kWhisperCppSuffix);
}

std::optional<fs::path> find_whisper_cpp_encoder(const fs::path& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string file = entry.path().filename().string();
    if (file.starts_with(kWhisperCppPrefix) && file.ends_with(kWhisperCppSuffix)) {
      return entry.path();
    }
  }
  return std::nullopt;
}

}  // namespace sotto::model
