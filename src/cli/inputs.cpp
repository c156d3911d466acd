#include "cli/inputs.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <system_error>

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/child_process.h"
#include "cli/hub_environment.h"
#include "sotto/error.h"
#include "sotto/hub.h"

namespace sotto::cli {
namespace fs = std::filesystem;
namespace {

constexpr const char* kStandardInput = "-";
constexpr std::size_t kMaxStemBytes = 120;
constexpr int kPollMs = 100;

bool is_url(std::string_view name) {
  const std::size_t colon = name.find("://");
  return colon != std::string_view::npos && colon > 0 &&
         std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(colon), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
                  c == '-' || c == '.';
         });
}

bool is_pipe(const std::string& name) {
  std::error_code error;
  return fs::is_fifo(name, error);
}

bool is_media_name(const fs::path& path) {
  static const std::set<std::string> kExtensions = {
      ".3gp", ".aac", ".ac3", ".aif",  ".aiff", ".amr", ".ape",  ".au",   ".avi", ".caf",  ".flac", ".flv",
      ".m4a", ".m4b", ".m4v", ".mka",  ".mkv",  ".mov", ".mp2",  ".mp3",  ".mp4", ".mpeg", ".mpg",  ".mts",
      ".oga", ".ogg", ".ogv", ".opus", ".ts",   ".wav", ".weba", ".webm", ".wma", ".wmv",  ".wv"};
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return kExtensions.contains(extension);
}

std::vector<std::string> media_below(const fs::path& directory) {
  std::vector<std::string> found;
  std::error_code error;
  using Walk = fs::recursive_directory_iterator;
  for (Walk at(directory, fs::directory_options::skip_permission_denied, error), end; !error && at != end;
       at.increment(error)) {
    const bool hidden = at->path().filename().string().starts_with('.');
    if (hidden && at->is_directory(error)) {
      at.disable_recursion_pending();
    } else if (!hidden && is_media_name(at->path()) && at->is_regular_file(error)) {
      found.push_back(at->path().string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// The matches of a pattern; the pattern itself where there are none.
std::vector<std::string> matches_of(const std::string& pattern) {
  glob_t matches{};
  std::vector<std::string> paths = {pattern};
  if (::glob(pattern.c_str(), 0, nullptr, &matches) == 0) {
    paths.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  }
  ::globfree(&matches);
  return paths;
}

std::vector<std::string> expand(const std::string& name) {
  std::error_code error;
  if (name == kStandardInput || is_url(name) || fs::is_regular_file(name, error)) {
    return {name};
  }
  if (fs::is_directory(name, error)) {
    const std::vector<std::string> found = media_below(name);
    return found.empty() ? std::vector{name} : found;
  }
  const bool is_pattern = name.find_first_of("*?[") != std::string::npos && !fs::exists(name, error);
  return is_pattern ? matches_of(name) : std::vector{name};
}

/// The last component of a path or of a URL's path, percent-decoded.
std::string file_name_of(const std::string& name) {
  if (name == kStandardInput) {
    return "stdin";
  }
  return is_url(name) ? hub::media_file_name(name) : fs::path(name).filename().string();
}

void append(std::string_view bytes, int file, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) {
      throw Error(ErrorCode::io, path.string(),
                  fmt::format("writing failed: {}.", std::generic_category().message(errno)));
    }
    bytes.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
  }
}

}  // namespace

std::string safe_stem(const std::string& file_name) {
  std::string stem = fs::path(file_name).stem().string();
  std::replace_if(
      stem.begin(), stem.end(),
      [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '/' || c == '\\' || c == ':';
      },
      '_');
  stem.erase(0, std::min(stem.find_first_not_of(". -"), stem.size()));
  if (stem.size() > kMaxStemBytes) {
    std::size_t end = kMaxStemBytes;
    while (end > 0 && (static_cast<unsigned char>(stem[end]) & 0xC0U) == 0x80U) {
      --end;  // not inside a character
    }
    stem.resize(end);
  }
  return stem.empty() ? "media" : stem;
}

bool Input::is_file() const {
  return name != kStandardInput && !is_url(name) && !is_pipe(name);
}

std::vector<Input> expand_inputs(const std::vector<std::string>& names) {
  std::vector<Input> inputs;
  for (const std::string& name : names) {
    for (std::string& found : expand(name)) {
      const std::string file_name = file_name_of(found);
      std::string stem = is_url(found) ? safe_stem(file_name) : fs::path(file_name).stem().string();
      inputs.push_back({std::move(found), std::move(stem)});
    }
  }
  if (std::count_if(inputs.begin(), inputs.end(), [](const Input& i) { return i.name == kStandardInput; }) >
      1) {
    throw Error(ErrorCode::invalid_argument, "-", "expected standard input once, found it twice.");
  }
  std::map<std::string, int> n_of_stem;
  for (const Input& input : inputs) {
    ++n_of_stem[input.output_name];
  }
  std::set<std::string> taken;
  for (Input& input : inputs) {
    if (n_of_stem[input.output_name] > 1 && !is_url(input.name)) {
      input.output_name = file_name_of(input.name);
    }
    const std::string base = input.output_name;
    for (int i = 2; !taken.insert(input.output_name).second; ++i) {
      input.output_name = fmt::format("{}-{}", base, i);
    }
  }
  return inputs;
}

void rename_outputs(const std::string& name, std::vector<Input>& inputs) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    throw Error(
        ErrorCode::invalid_argument, "--output-name",
        fmt::format("expected a name without a directory, found \"{}\"; --output-dir takes those.", name));
  }
  if (inputs.size() != 1) {
    throw Error(ErrorCode::invalid_argument, "--output-name",
                fmt::format("expected a single input, found {}.", inputs.size()));
  }
  inputs.front().output_name = name;
}

LocalMedia::LocalMedia(const Input& input, const FetchOptions& options, const Progress& progress)
    : name_(input.name), path_(input.name) {
  try {
    if (name_ == kStandardInput) {
      copy_standard_input(progress);
    } else if (is_pipe(name_)) {
      copy_named_pipe(progress);
    } else if (is_url(name_)) {
      fetch_url(options, progress);
    }
  } catch (const Error& e) {
    remove_directory();
    throw named(e);
  } catch (...) {
    remove_directory();
    throw;
  }
}

LocalMedia::~LocalMedia() {
  remove_directory();
}

std::string LocalMedia::original_name() const {
  return path_.has_extension() ? path_.filename().string() : file_name_of(name_);
}

std::unique_ptr<audio::AudioSource> LocalMedia::open() const {
  try {
    return audio::open_media(path_);
  } catch (const Error& e) {
    throw named(e);
  }
}

Error LocalMedia::named(const Error& error) const {
  std::string text = error.what();
  const std::string copy = path_.string() + ": ";
  const bool is_copy = !directory_.empty() && text.starts_with(copy);
  const std::string shown = name_ == kStandardInput ? "standard input" : name_;
  const std::size_t colon = is_copy ? copy.size() - 2 : text.find(": ");
  return {error.code(), is_copy ? shown : text.substr(0, colon),
          text.substr(std::min(colon + 2, text.size()))};
}

void LocalMedia::make_directory() {
  std::string pattern = (fs::temp_directory_path() / "sotto-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw Error(ErrorCode::io, pattern,
                fmt::format("cannot be made: {}.", std::generic_category().message(errno)));
  }
  directory_ = pattern;
  path_ = directory_ / "media";
}

void LocalMedia::copy_standard_input(const Progress& progress) {
  struct stat status{};
  if (::fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode) &&
      ::lseek(STDIN_FILENO, 0, SEEK_CUR) == 0) {
    path_ = "/dev/stdin";
    return;
  }
  copy(STDIN_FILENO, "standard input", progress);
}

/// Opened so that a stop is heard while nobody has begun to write.
void LocalMedia::copy_named_pipe(const Progress& progress) {
  const int pipe = ::open(name_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (pipe < 0) {
    throw Error(ErrorCode::io, name_,
                fmt::format("cannot be opened: {}.", std::generic_category().message(errno)));
  }
  const std::unique_ptr<const int, void (*)(const int*)> closer(&pipe, [](const int* f) { ::close(*f); });
  copy(pipe, name_, progress);
}

void LocalMedia::copy(int from, const std::string& shown, const Progress& progress) {
  make_directory();
  const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const std::unique_ptr<const int, void (*)(const int*)> closer(&file, [](const int* f) { ::close(*f); });
  std::array<char, 1 << 16> buffer{};
  double n_bytes = 0;
  for (ssize_t n = 1; n != 0;) {
    if (progress.stop.stop_requested()) {
      throw Error(ErrorCode::cancelled, shown, "stopped on request.");
    }
    pollfd readable{.fd = from, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, kPollMs) == 0) {
      continue;
    }
    n = ::read(from, buffer.data(), buffer.size());
    if (n < 0 && errno != EINTR && errno != EAGAIN) {
      throw Error(ErrorCode::io, shown,
                  fmt::format("reading failed: {}.", std::generic_category().message(errno)));
    }
    const auto n_read = static_cast<std::size_t>(std::max<ssize_t>(n, 0));
    append({buffer.data(), n_read}, file, path_);
    n_bytes += static_cast<double>(n_read);
    if (progress.report) {
      progress.report("read", n_bytes, 0.0);
    }
  }
}

void LocalMedia::fetch_url(const FetchOptions& options, const Progress& progress) {
  if (!name_.starts_with("http://") && !name_.starts_with("https://")) {
    throw Error(ErrorCode::unsupported, name_, "expected a file or an http:// or https:// URL.");
  }
  make_directory();
  const hub::MediaOptions media{.allow_local = options.allow_local_urls};
  if (hub::fetch_media(name_, path_, media_transport(name_), media, progress).is_page) {
    fetch_page(options, progress);
  }
}

void LocalMedia::fetch_page(const FetchOptions& options, const Progress& progress) {
  if (!has_program("yt-dlp")) {
    throw Error(
        ErrorCode::unsupported, name_,
        "expected audio or video, found a web page; install yt-dlp to hear those of YouTube and others.");
  }
  const ChildResult result =
      run_program({"yt-dlp", "--quiet", "--no-warnings", "--no-progress", "--no-playlist", "--max-downloads",
                   "1", "--restrict-filenames", "--format",
                   options.wants_video ? "bestvideo*+bestaudio/best" : "bestaudio/best", "--output",
                   (directory_ / "media.%(ext)s").string(), "--", name_},
                  progress.stop);
  constexpr int kMaxDownloadsReached = 101;  // yt-dlp's status after --max-downloads, which is no failure
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory_)) {
    files.push_back(entry.path());
  }
  if ((result.status != 0 && result.status != kMaxDownloadsReached) || files.size() != 1) {
    throw Error(ErrorCode::network, name_,
                fmt::format("yt-dlp failed with status {}: {}", result.status,
                            result.last_words.empty() ? "no media was written." : result.last_words));
  }
  path_ = files.front();
}

void LocalMedia::remove_directory() noexcept {
  if (!directory_.empty()) {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
    directory_.clear();
  }
}

}  // namespace sotto::cli
