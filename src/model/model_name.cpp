#include "model/model_name.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace sotto::model {
namespace fs = std::filesystem;
namespace {

struct Official {
  std::string_view name;
  std::int64_t n_vocab;
  std::int64_t n_text_state;
  std::int64_t n_audio_layer;
  std::int64_t n_text_layer;
};

constexpr std::array<Official, 12> kOfficial = {{{"tiny.en", 51864, 384, 4, 4},
                                                 {"tiny", 51865, 384, 4, 4},
                                                 {"base.en", 51864, 512, 6, 6},
                                                 {"base", 51865, 512, 6, 6},
                                                 {"small.en", 51864, 768, 12, 12},
                                                 {"small", 51865, 768, 12, 12},
                                                 {"medium.en", 51864, 1024, 24, 24},
                                                 {"medium", 51865, 1024, 24, 24},
                                                 {"large-v2", 51865, 1280, 32, 32},
                                                 {"large-v3", 51866, 1280, 32, 32},
                                                 {"large-v3-turbo", 51866, 1280, 32, 4},
                                                 {"distil-large-v3", 51866, 1280, 32, 2}}};

/// "base-q5_0" → "base"
std::string without_quantization(std::string name) {
  const std::size_t at = name.rfind("-q");
  const bool is_type = at != std::string::npos && name.size() == at + 5 && name[at + 3] == '_';
  return is_type ? name.substr(0, at) : name;
}

bool is_weights_of_directory(const fs::path& file) {
  return file.extension() == ".safetensors" || file.filename().string().starts_with("pytorch_model");
}

}  // namespace

std::string model_name(const fs::path& checkpoint, const ModelDimensions& dims) {
  constexpr std::string_view kGgml = "ggml-";
  const bool is_file = !fs::is_directory(checkpoint) && !is_weights_of_directory(checkpoint);
  if (is_file) {
    const std::string stem = without_quantization(checkpoint.stem().string());
    return stem.starts_with(kGgml) ? stem.substr(kGgml.size()) : stem;
  }
  const auto* const found = std::find_if(kOfficial.begin(), kOfficial.end(), [&](const Official& official) {
    return official.n_vocab == dims.n_vocab && official.n_text_state == dims.n_text_state &&
           official.n_audio_layer == dims.n_audio_layer && official.n_text_layer == dims.n_text_layer;
  });
  if (found != kOfficial.end()) {
    return std::string(found->name);
  }
  const fs::path directory = fs::is_directory(checkpoint) ? checkpoint : checkpoint.parent_path();
  const fs::path name = fs::weakly_canonical(directory).filename();
  return name.empty() ? "whisper" : name.string();
}

}  // namespace sotto::model
