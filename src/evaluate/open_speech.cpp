#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include <fmt/format.h>

#include "evaluate/archive_stream.h"
#include "evaluate/speech_files.h"
#include "hub/url_stream.h"
#include "sotto/data_set.h"
#include "sotto/error.h"

namespace sotto::evaluate {
namespace fs = std::filesystem;
namespace {

bool is_url(const std::string& source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

/// Shuffled, then without the first `skip`, then the first `take`.
DataSet chosen(DataSet data, const DataOptions& options) {
  if (options.shuffle) {
    std::vector<Utterance> shuffled;
    for (const std::size_t i : shuffled_order(data.utterances.size(), options.seed)) {
      shuffled.push_back(std::move(data.utterances[i]));
    }
    data.utterances = std::move(shuffled);
  }
  auto& utterances = data.utterances;
  const std::size_t skip = std::min(options.skip, utterances.size());
  utterances.erase(utterances.begin(), utterances.begin() + static_cast<std::ptrdiff_t>(skip));
  if (options.take != 0 && options.take < utterances.size()) {
    utterances.resize(options.take);
  }
  return data;
}

ReadBytes file_bytes(const fs::path& path) {
  const auto file = std::make_shared<std::ifstream>(path, std::ios::binary);
  if (!*file) {
    throw Error(ErrorCode::io, path.string(), fmt::format("cannot be opened: {}.", std::strerror(errno)));
  }
  return [file](std::span<char> out) {
    file->read(out.data(), static_cast<std::streamsize>(out.size()));
    return static_cast<std::size_t>(file->gcount());
  };
}

}  // namespace

std::unique_ptr<SpeechStream> open_speech(const std::string& source, const DataOptions& options) {
  if (is_url(source)) {
    const auto stream = std::make_shared<hub::UrlStream>(source, options.network);
    return open_archive(source, [stream](std::span<char> out) { return stream->read(out); }, options);
  }
  const fs::path path = source;
  std::error_code error;
  if (fs::is_regular_file(path, error)) {
    return is_table_name(path) ? open_speech(chosen(read_manifest(path, options.translated), options))
                               : open_archive(source, file_bytes(path), options);
  }
  return open_speech(chosen(read_folder(path, options), options));
}

}  // namespace sotto::evaluate
