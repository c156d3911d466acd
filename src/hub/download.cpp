#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/json_file.h"
#include "core/log.h"
#include "hub/blob_download.h"
#include "hub/checkpoint_files.h"
#include "hub/http_client.h"
#include "hub/hub_api.h"
#include "hub/model_cache.h"
#include "hub/names.h"
#include "hub/retry.h"
#include "hub/url.h"
#include "sotto/error.h"
#include "sotto/hub.h"

namespace sotto::hub {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::milliseconds kReportInterval{50};

void check_options(const HubOptions& options) {
  check_revision(options.revision);
  if (options.cache.empty()) {
    throw Error(ErrorCode::invalid_argument, "cache", "expected the directory of the model cache.");
  }
}

/// Fails before the gigabytes are fetched rather than after.
void check_is_whisper(const fs::path& config, std::string_view repository) {
  const auto type = json_field<std::string>(read_json_object(config), "model_type", "whisper", config);
  if (type != "whisper") {
    throw Error(ErrorCode::unsupported, repository,
                fmt::format("expected a Whisper, found a model of type \"{}\".", shown_text(type)));
  }
}

/// One call of download(): its connection, its place in the cache, its tries.
class Download {
 public:
  Download(std::string_view repository, const HubOptions& options, const Progress& progress)
      : repository_(repository),
        options_(options),
        progress_(progress),
        cache_(options.cache, repository),
        http_(options, progress.stop),
        api_(http_, options, repository),
        retry_(options, progress.stop),
        stage_(fmt::format("download {}", repository)) {}

  fs::path run() {
    const std::optional<std::string> cached = whole_cached_commit();
    if (cached && *cached == options_.revision) {
      return cache_.snapshot(*cached);  // a commit does not change
    }
    Listing listing;
    try {
      listing = list(cached.has_value());
    } catch (const Error& e) {
      if (!cached || e.code() != ErrorCode::network) {
        throw;
      }
      log(LogLevel::warning, fmt::format("{}; using the copy in the cache", e.what()));
      return cache_.snapshot(*cached);
    }
    cache_.prepare();
    fetch_checkpoint(listing);
    cache_.set_commit(options_.revision, listing.commit);
    return cache_.snapshot(listing.commit);
  }

 private:
  std::optional<std::string> whole_cached_commit() const {
    std::optional<std::string> commit = cache_.commit_of(options_.revision);
    return commit && missing_files(cache_.snapshot(*commit)).empty() ? commit : std::nullopt;
  }

  /// With a copy to fall back on, a hub that does not answer is asked once.
  Listing list(bool has_copy) {
    HubOptions options = options_;
    options.retries = has_copy ? 0 : options.retries;
    Retry retry(options, progress_.stop);
    return api_.list(retry);
  }

  void fetch_checkpoint(const Listing& listing) {
    const CheckpointFiles chosen = choose_checkpoint_files(listing.files);
    if (!chosen.missing.empty()) {
      throw Error(ErrorCode::unsupported, repository_,
                  fmt::format("expected a Whisper checkpoint, found {} files and no {}.",
                              listing.files.size(), fmt::join(chosen.missing, ", ")));
    }
    std::vector<std::string> first = {"config.json"};
    if (!chosen.index.empty()) {
      first.push_back(chosen.index);
    }
    fetch(listing.commit, first, false);
    const fs::path snapshot = cache_.snapshot(listing.commit);
    check_is_whisper(snapshot / "config.json", repository_);
    std::vector<std::string> files = chosen.files;
    if (!chosen.index.empty()) {
      for (std::string& shard : read_shard_names(snapshot / chosen.index)) {
        files.push_back(std::move(shard));
      }
    }
    fetch(listing.commit, files, true);
  }

  void fetch(const std::string& commit, const std::vector<std::string>& names, bool report) {
    std::vector<RemoteFile> wanted;
    std::uint64_t total = 0;
    for (const std::string& name : names) {
      if (!cache_.has_file(commit, name)) {
        retry_.reset();
        wanted.push_back(api_.describe(commit, name, retry_));
        total += wanted.back().size.value_or(0);
      }
    }
    check_space(wanted);
    std::uint64_t done = 0;
    for (const RemoteFile& file : wanted) {
      fetch_file(commit, file, [&](std::uint64_t n) {
        if (report) {
          report_bytes(done + n, total);
        }
      });
      done += file.size.value_or(0);
    }
    if (report && !wanted.empty()) {
      step(progress_, stage_, static_cast<double>(total), static_cast<double>(total));
    }
  }

  void fetch_file(const std::string& commit,
                  const RemoteFile& file,
                  const std::function<void(std::uint64_t)>& on_bytes) {
    const FileLock lock = cache_.lock(file.etag, progress_.stop);
    if (!fs::exists(cache_.blob(file.etag))) {
      retry_.reset();
      fetch_blob(file, {http_, api_, cache_, retry_, progress_.stop}, on_bytes);
    }
    cache_.link_file(commit, file.name, file.etag);
  }

  void check_space(const std::vector<RemoteFile>& wanted) const {
    std::uint64_t needed = 0;
    std::error_code error;
    for (const RemoteFile& file : wanted) {
      const std::uint64_t size = file.size.value_or(0);
      const std::uintmax_t present = fs::file_size(cache_.incomplete_blob(file.etag), error);
      if (!fs::exists(cache_.blob(file.etag), error)) {
        needed += present < size ? size - present : size;
      }
    }
    const fs::space_info space = fs::space(options_.cache, error);
    if (!error && space.available < needed) {
      throw Error(ErrorCode::io, options_.cache.string(),
                  fmt::format("expected {} MB free for {}, found {} MB.", needed / 1'000'000 + 1, repository_,
                              space.available / 1'000'000));
    }
  }

  /// Every network read would be too often for a listener that draws.
  void report_bytes(std::uint64_t done, std::uint64_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_report_ >= kReportInterval) {
      last_report_ = now;
      // Files of unstated size are not in the total.
      step(progress_, stage_, static_cast<double>(std::min(done, total)), static_cast<double>(total));
    }
  }

  const std::string_view repository_;
  const HubOptions& options_;
  const Progress& progress_;
  const ModelCache cache_;
  HttpClient http_;
  HubApi api_;
  Retry retry_;
  const std::string stage_;
  std::chrono::steady_clock::time_point last_report_;
};

fs::path find_offline(std::string_view repository, const HubOptions& options) {
  const ModelCache cache(options.cache, repository);
  const std::optional<std::string> commit = cache.commit_of(options.revision);
  if (!commit) {
    throw Error(ErrorCode::not_found, repository,
                fmt::format("offline, and the cache {} has no revision \"{}\" of it; fetch it while online.",
                            options.cache.string(), shown_text(options.revision)));
  }
  fs::path snapshot = cache.snapshot(*commit);
  if (const std::vector<std::string> missing = missing_files(snapshot); !missing.empty()) {
    throw Error(ErrorCode::not_found, repository,
                fmt::format("offline, and the cache lacks {} in {}; fetch them while online.",
                            fmt::join(missing, ", "), snapshot.string()));
  }
  return snapshot;
}

/// True for what can only be meant as a path.
bool is_path_like(std::string_view text) {
  return text.starts_with('/') || text.starts_with('.') || text.starts_with('~') || text.ends_with('/') ||
         std::count(text.begin(), text.end(), '/') > 1;
}

}  // namespace

fs::path download(std::string_view repository, const HubOptions& options, const Progress& progress) {
  check_repository(repository);
  check_options(options);
  if (options.offline) {
    return find_offline(repository, options);
  }
  try {
    return Download(repository, options, progress).run();
  } catch (const fs::filesystem_error& e) {
    throw Error(ErrorCode::io, e.path1().string(), fmt::format("{}.", e.code().message()));
  }
}

fs::path resolve_model(std::string_view name_or_path, const HubOptions& options, const Progress& progress) {
  fs::path path(name_or_path);
  std::error_code error;
  if (!name_or_path.empty() && fs::exists(path, error)) {
    return path;
  }
  if (name_or_path.empty() || is_path_like(name_or_path)) {
    throw Error(ErrorCode::not_found, shown_text(name_or_path),
                "expected a model's directory or name, found nothing there.");
  }
  return download(repository_of(name_or_path), options, progress);
}

}  // namespace sotto::hub
