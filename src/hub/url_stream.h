#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <thread>

#include "sotto/hub.h"

namespace sotto::hub {

/// The bytes of a URL as they arrive, never more than a few MiB ahead of who reads them.
///
/// A cut transfer goes on where it ended (Range); a server that does not know ranges sends the beginning
/// again, which is passed over. Destroying it ends the transfer.
class UrlStream {
 public:
  UrlStream(std::string url, HubOptions options);
  ~UrlStream();
  UrlStream(const UrlStream&) = delete;
  UrlStream& operator=(const UrlStream&) = delete;

  /// Fills `out` from the front with what has come, waiting for at least one byte; 0 at the end.
  /// Throws Error(network | not_found) where the transfer failed for good.
  std::size_t read(std::span<char> out);
  /// Bytes that came over the network so far.
  std::uint64_t n_received() const;

 private:
  void run(const std::stop_token& stop);
  void receive(std::string_view bytes, const std::stop_token& stop);

  const std::string url_;
  const HubOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string ready_;
  std::size_t used_ = 0;  ///< of ready_
  std::uint64_t n_received_ = 0;
  bool ended_ = false;
  std::exception_ptr failure_;
  std::jthread worker_;  ///< the last member: it uses the others
};

}  // namespace sotto::hub
