#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sotto::test {

/// A request as the server read it; header names in lower case.
struct Received {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;

  std::string header(const std::string& name) const;
  std::string line() const { return method + " " + target; }
};

/// The server's side of a connection.
class Wire {
 public:
  explicit Wire(int fd, const std::atomic<bool>& stopping) : fd_(fd), stopping_(stopping) {}
  /// Sends all of it; false once the other side is gone.
  bool send(std::string_view bytes) const;
  /// A whole answer with its length.
  void reply(int status, const std::string& headers, std::string_view body = {}) const;
  /// Keeps the connection open and silent until the other side or the server ends.
  void stall() const;

 private:
  int fd_;
  const std::atomic<bool>& stopping_;
};

/// What a request is answered with instead of the usual; afterwards the connection is closed.
using Answer = std::function<void(const Wire&, const Received&)>;

/// An HTTP server on 127.0.0.1 that speaks a Hugging Face hub's dialect for one model, and misbehaves when
/// told to. Large files are kept under /storage/<sha256> of `storage`, to which their URLs redirect.
class FakeHub {
 public:
  static constexpr const char* kRepository = "openai/whisper-tiny";
  static constexpr const char* kCommit = "169d4a4341b33bc18d8881c4b69c2e104e1cc0af";

  FakeHub();
  ~FakeHub();
  FakeHub(const FakeHub&) = delete;
  FakeHub& operator=(const FakeHub&) = delete;

  std::string url() const;
  /// Adds the files of a small Whisper with `weights` as model.safetensors.
  void add_whisper(const std::string& weights);
  void add_file(const std::string& name, const std::string& content, bool large = false);
  /// Lists a name without having the file.
  void list_name(const std::string& name);
  /// Where large files are redirected to; this server itself by default.
  void redirect_storage_to(FakeHub& other);
  /// Requires this token for everything but /storage.
  void require_token(const std::string& token);

  /// The next request of this line ("GET /storage/...") is answered so; several queue up.
  void answer_next(const std::string& line, Answer answer);
  /// All such requests, once the queue is empty.
  void answer_always(const std::string& line, Answer answer);

  static std::string list_line(const std::string& revision = "main");
  static std::string file_line(const std::string& method, const std::string& name);
  /// "GET /storage/<sha256>" of a large file.
  std::string storage_line(const std::string& name) const;

  std::vector<Received> received() const;
  std::size_t n_received(const std::string& line) const;

 private:
  struct File {
    std::string content;
    bool large = false;
  };

  void accept_connections();
  void serve(int fd);
  bool answer(const Wire& wire, const Received& request);
  void answer_usually(const Wire& wire, const Received& request) const;
  void send_listing(const Wire& wire) const;
  void send_stored(const Wire& wire, const Received& request, const std::string& sha256) const;
  void send_file(const Wire& wire, const Received& request, const std::string& name) const;

  mutable std::mutex mutex_;
  std::map<std::string, File> files_;
  std::vector<std::string> listed_;
  std::map<std::string, std::string> storage_;  ///< sha256 → content
  std::string storage_url_;
  std::string token_;
  std::map<std::string, std::deque<Answer>> next_;
  std::map<std::string, Answer> always_;
  std::vector<Received> received_;

  std::atomic<bool> stopping_ = false;
  int listener_ = -1;
  int port_ = 0;
  std::vector<std::jthread> connections_;
  std::jthread acceptor_;
};

/// Sends `content` as a hub's storage does, whole or from the Range that is asked.
void send_content(const Wire& wire,
                  const Received& request,
                  std::string_view content,
                  const std::string& headers = "");

std::string sha256_hex(std::string_view content);
std::string git_blob_id(std::string_view content);
/// `n` bytes that look random and are the same every time.
std::string noise(std::size_t n, std::uint32_t seed = 1);

}  // namespace sotto::test
