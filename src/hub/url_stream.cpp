#include "hub/url_stream.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "hub/retry.h"
#include "hub/url.h"
#include "sotto/error.h"

namespace sotto::hub {
namespace {

constexpr std::size_t kMostAheadBytes = 4U << 20U;

/// Throws unless the answer's status is one that carries the bytes asked for.
void require_body(const Response& response, std::uint64_t start) {
  constexpr long kRangeNotSatisfiable = 416;
  if ((response.status >= 200 && response.status < 300) ||
      (response.status == kRangeNotSatisfiable && start > 0)) {
    return;
  }
  const bool missing = response.status == 404 || response.status == 410;
  throw Error(missing ? ErrorCode::not_found : ErrorCode::network, shown_url(response.url),
              fmt::format("expected a file, the server answered with status {}.", response.status));
}

}  // namespace

UrlStream::UrlStream(std::string url, HubOptions options)
    : url_(std::move(url)),
      options_(std::move(options)),
      worker_([this](const std::stop_token& stop) { run(stop); }) {}

UrlStream::~UrlStream() {
  worker_.request_stop();
}

std::uint64_t UrlStream::n_received() const {
  const std::lock_guard lock(mutex_);
  return n_received_;
}

void UrlStream::receive(std::string_view bytes, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop, [&] { return ready_.size() - used_ < kMostAheadBytes; });
  if (stop.stop_requested()) {
    throw Error(ErrorCode::cancelled, shown_url(url_), "stopped on request.");
  }
  ready_.erase(0, used_);
  used_ = 0;
  ready_ += bytes;
  n_received_ += bytes.size();
  changed_.notify_all();
}

void UrlStream::run(const std::stop_token& stop) {
  std::exception_ptr failure;
  try {
    HttpClient client(options_, stop);
    Retry retry(options_, stop);
    retry([&] {
      const std::uint64_t start = n_received();
      std::uint64_t to_skip = 0;
      const BodySink sink = {
          .begin = [&](const Response& response) { to_skip = response.status == 206 ? 0 : start; },
          .write =
              [&](std::string_view bytes) {
                const std::size_t skipped = std::min<std::uint64_t>(to_skip, bytes.size());
                to_skip -= skipped;
                if (skipped < bytes.size()) {
                  receive(bytes.substr(skipped), stop);
                  retry.reset();
                }
              }};
      const Response response = client.get(url_, start, sink);
      require_body(response, start);
    });
  } catch (...) {
    failure = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  failure_ = failure;
  ended_ = true;
  changed_.notify_all();
}

std::size_t UrlStream::read(std::span<char> out) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return used_ < ready_.size() || ended_; });
  const std::size_t n = std::min(out.size(), ready_.size() - used_);
  if (n == 0) {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    return 0;
  }
  std::copy_n(ready_.data() + used_, n, out.data());
  used_ += n;
  changed_.notify_all();
  return n;
}

}  // namespace sotto::hub
