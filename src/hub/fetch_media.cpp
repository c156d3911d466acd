#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <system_error>

#include <fmt/format.h>

#include "hub/http_client.h"
#include "hub/retry.h"
#include "hub/url.h"
#include "sotto/error.h"
#include "sotto/hub.h"

namespace sotto::hub {
namespace fs = std::filesystem;
namespace {

/// Thrown out of a transfer to end it once it shows that it is of a web page.
struct PageFound {
  std::string url;
};

/// One file that is written from its beginning at each try.
class MediaTransfer {
 public:
  MediaTransfer(fs::path path, const MediaOptions& media, const Progress& progress)
      : path_(std::move(path)), media_(media), progress_(progress) {}

  void begin(const Response& response) {
    if (response.header("content-type").starts_with("text/html") ||
        response.header("content-type").starts_with("application/xhtml")) {
      throw PageFound{response.url};
    }
    const std::string length = response.header("content-length");
    total_ = 0;
    std::from_chars(length.data(), length.data() + length.size(), total_);
    expect_small_enough(response.url, total_);
    file_.reset(std::fopen(path_.c_str(), "wbe"));
    n_bytes_ = 0;
    expect_written(file_ != nullptr);
  }

  void write(const std::string& url, std::string_view bytes) {
    n_bytes_ += bytes.size();
    expect_small_enough(url, n_bytes_);
    expect_written(std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size());
    if (progress_.report) {
      progress_.report("download", static_cast<double>(n_bytes_), static_cast<double>(total_));
    }
  }

  void finish() { expect_written(std::fclose(file_.release()) == 0); }

 private:
  void expect_small_enough(const std::string& url, std::uint64_t n_bytes) const {
    if (n_bytes > media_.max_bytes) {
      throw Error(ErrorCode::network, shown_url(url),
                  fmt::format("expected at most {} bytes, found more.", media_.max_bytes));
    }
  }

  void expect_written(bool written) const {
    if (!written) {
      throw Error(ErrorCode::io, path_.string(),
                  fmt::format("writing failed: {}.", std::generic_category().message(errno)));
    }
  }

  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  fs::path path_;
  const MediaOptions& media_;
  const Progress& progress_;
  std::unique_ptr<std::FILE, Closer> file_;
  std::uint64_t n_bytes_ = 0;
  std::uint64_t total_ = 0;
};

void expect_success(const Response& response) {
  if (response.status == 404 || response.status == 410) {
    throw Error(ErrorCode::not_found, shown_url(response.url), "expected media, found nothing there.");
  }
  if (response.status != 200) {
    throw Error(ErrorCode::network, shown_url(response.url),
                fmt::format("expected status 200, found {}.", response.status));
  }
}

}  // namespace

std::string media_file_name(const std::string& url) {
  return file_name_of(url);
}

FetchedMedia fetch_media(const std::string& url,
                         const fs::path& file,
                         HubOptions options,
                         const MediaOptions& media,
                         const Progress& progress) {
  options.token.clear();
  origin_of(url);  // refuses what is no http or https URL
  HttpClient client(options, progress.stop);
  if (!media.allow_local) {
    client.refuse_local_addresses();
  }
  Retry retry(options, progress.stop);
  MediaTransfer transfer(file, media, progress);
  const BodySink sink{.begin = [&](const Response& response) { transfer.begin(response); },
                      .write = [&](std::string_view bytes) { transfer.write(url, bytes); }};
  try {
    return retry([&] {
      const Response response = client.get(url, 0, sink);
      expect_success(response);
      transfer.finish();
      return FetchedMedia{.url = response.url};
    });
  } catch (const PageFound& page) {
    return {.url = page.url, .is_page = true};
  }
}

}  // namespace sotto::hub
