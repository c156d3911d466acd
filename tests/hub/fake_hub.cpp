#include "hub/fake_hub.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <random>
#include <stdexcept>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sotto::test {
namespace {

constexpr int kPollMs = 20;

std::string hex_digest(const char* algorithm, std::string_view content) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  std::size_t size = 0;
  if (EVP_Q_digest(nullptr, algorithm, nullptr, content.data(), content.size(), bytes.data(), &size) != 1) {
    throw std::runtime_error("EVP_Q_digest");
  }
  std::string hex;
  for (std::size_t i = 0; i < size; ++i) {
    hex += fmt::format("{:02x}", bytes[i]);
  }
  return hex;
}

/// Reads up to the empty line; "" when the other side or the server ended first.
std::string read_head(int fd, const std::atomic<bool>& stopping) {
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (stopping) {
      return {};
    }
    if (::poll(&ready, 1, kPollMs) <= 0) {
      continue;
    }
    char c = 0;
    if (::recv(fd, &c, 1, 0) != 1) {
      return {};
    }
    head += c;
  }
  return head;
}

Received parse_request(const std::string& head) {
  Received request;
  const std::size_t space = head.find(' ');
  request.method = head.substr(0, space);
  request.target = head.substr(space + 1, head.find(' ', space + 1) - space - 1);
  std::size_t line = head.find("\r\n") + 2;
  for (std::size_t end = head.find("\r\n", line); end > line; line = end + 2, end = head.find("\r\n", line)) {
    const std::size_t colon = head.find(": ", line);
    std::string name = head.substr(line, colon - line);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    request.headers[name] = head.substr(colon + 2, end - colon - 2);
  }
  return request;
}

}  // namespace

std::string Received::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

bool Wire::send(std::string_view bytes) const {
  while (!bytes.empty() && !stopping_) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return bytes.empty();
}

void Wire::reply(int status, const std::string& headers, std::string_view body) const {
  send(fmt::format("HTTP/1.1 {} Whatever\r\n{}Content-Length: {}\r\n\r\n{}", status, headers, body.size(),
                   body));
}

void Wire::stall() const {
  while (!stopping_) {
    pollfd gone{.fd = fd_, .events = POLLIN | POLLRDHUP, .revents = 0};
    if (::poll(&gone, 1, kPollMs) > 0) {
      return;
    }
  }
}

FakeHub::FakeHub() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || ::bind(listener_, generic, size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error("no port on 127.0.0.1");
  }
  port_ = ntohs(address.sin_port);
  storage_url_ = url();
  acceptor_ = std::jthread([this] { accept_connections(); });
}

FakeHub::~FakeHub() {
  stopping_ = true;
  acceptor_.join();
  connections_.clear();
  ::close(listener_);
}

std::string FakeHub::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

void FakeHub::add_whisper(const std::string& weights) {
  add_file("config.json", R"({"model_type": "whisper", "d_model": 384})");
  add_file("generation_config.json", R"({"is_multilingual": true})");
  add_file("preprocessor_config.json", R"({"feature_size": 80})");
  add_file("tokenizer.json", noise(5000, 7));
  add_file("vocab.json", R"({"a": 0})");
  add_file("model.safetensors", weights, true);
  add_file("README.md", "not needed");
  add_file("pytorch_model.bin", "not needed either", true);
  add_file("model.fp32.safetensors", "nor this", true);
  add_file("flax_model.msgpack", "nor that", true);
}

void FakeHub::add_file(const std::string& name, const std::string& content, bool large) {
  const std::lock_guard lock(mutex_);
  files_[name] = {.content = content, .large = large};
  storage_[sha256_hex(content)] = content;
  if (std::find(listed_.begin(), listed_.end(), name) == listed_.end()) {
    listed_.push_back(name);
  }
}

void FakeHub::list_name(const std::string& name) {
  const std::lock_guard lock(mutex_);
  listed_.push_back(name);
}

void FakeHub::redirect_storage_to(FakeHub& other) {
  const std::scoped_lock lock(mutex_, other.mutex_);
  other.storage_ = storage_;
  storage_url_ = other.url();
}

void FakeHub::require_token(const std::string& token) {
  const std::lock_guard lock(mutex_);
  token_ = token;
}

void FakeHub::answer_next(const std::string& line, Answer answer) {
  const std::lock_guard lock(mutex_);
  next_[line].push_back(std::move(answer));
}

void FakeHub::answer_always(const std::string& line, Answer answer) {
  const std::lock_guard lock(mutex_);
  always_[line] = std::move(answer);
}

std::string FakeHub::list_line(const std::string& revision) {
  return fmt::format("GET /api/models/{}/revision/{}", kRepository, revision);
}

std::string FakeHub::file_line(const std::string& method, const std::string& name) {
  return fmt::format("{} /{}/resolve/{}/{}", method, kRepository, kCommit, name);
}

std::string FakeHub::storage_line(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return "GET /storage/" + sha256_hex(files_.at(name).content);
}

std::vector<Received> FakeHub::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

std::size_t FakeHub::n_received(const std::string& line) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(received_.begin(), received_.end(), [&](const Received& r) { return r.line() == line; }));
}

void FakeHub::accept_connections() {
  while (!stopping_) {
    pollfd ready{.fd = listener_, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, kPollMs) > 0) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd >= 0) {
        const int on = 1;  // headers and body are sent apart: no waiting for the first to be acknowledged
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        connections_.emplace_back([this, fd] { serve(fd); });
      }
    }
  }
}

void FakeHub::serve(int fd) {
  const Wire wire(fd, stopping_);
  for (;;) {
    const std::string head = read_head(fd, stopping_);
    if (head.empty() || !answer(wire, parse_request(head))) {
      break;
    }
  }
  ::close(fd);
}

/// True if the connection stays open.
bool FakeHub::answer(const Wire& wire, const Received& request) {
  Answer special;
  {
    const std::lock_guard lock(mutex_);
    received_.push_back(request);
    if (auto& queue = next_[request.line()]; !queue.empty()) {
      special = std::move(queue.front());
      queue.pop_front();
    } else if (const auto found = always_.find(request.line()); found != always_.end()) {
      special = found->second;
    }
  }
  if (special) {
    special(wire, request);
    return false;
  }
  answer_usually(wire, request);
  return true;
}

void FakeHub::answer_usually(const Wire& wire, const Received& request) const {
  const std::string resolve = fmt::format("/{}/resolve/{}/", kRepository, kCommit);
  if (request.target.starts_with("/storage/")) {
    return send_stored(wire, request, request.target.substr(9));
  }
  if (!token_.empty() && request.header("authorization") != "Bearer " + token_) {
    return wire.reply(401, "X-Error-Code: RepoNotFound\r\nX-Error-Message: Repository not found\r\n", "{}");
  }
  if (request.line() == list_line() || request.line() == list_line(kCommit)) {
    return send_listing(wire);
  }
  if (request.target.starts_with(resolve)) {
    return send_file(wire, request, request.target.substr(resolve.size()));
  }
  wire.reply(404, "X-Error-Code: RepoNotFound\r\n", "{}");
}

void FakeHub::send_listing(const Wire& wire) const {
  nlohmann::json siblings = nlohmann::json::array();
  const std::lock_guard lock(mutex_);
  for (const std::string& name : listed_) {
    siblings.push_back({{"rfilename", name}});
  }
  const nlohmann::json listing = {{"id", kRepository}, {"sha", kCommit}, {"siblings", siblings}};
  wire.reply(200, "Content-Type: application/json\r\n", listing.dump());
}

void FakeHub::send_stored(const Wire& wire, const Received& request, const std::string& sha256) const {
  std::unique_lock lock(mutex_);
  const auto found = storage_.find(sha256);
  const std::string content = found == storage_.end() ? "" : found->second;
  lock.unlock();
  return content.empty() ? wire.reply(404, "") : send_content(wire, request, content);
}

void FakeHub::send_file(const Wire& wire, const Received& request, const std::string& name) const {
  std::unique_lock lock(mutex_);
  const auto found = files_.find(name);
  const bool known = found != files_.end();
  const File file = known ? found->second : File{};
  lock.unlock();
  if (!known) {
    return wire.reply(404, "X-Error-Code: EntryNotFound\r\nX-Error-Message: Entry not found\r\n");
  }
  const std::string commit = fmt::format("X-Repo-Commit: {}\r\n", kCommit);
  if (!file.large) {
    return send_content(wire, request, file.content,
                        fmt::format("{}ETag: \"{}\"\r\n", commit, git_blob_id(file.content)));
  }
  const std::string sha256 = sha256_hex(file.content);
  wire.reply(302,
             fmt::format("{}X-Linked-ETag: \"{}\"\r\nX-Linked-Size: {}\r\nETag: \"of the redirect\"\r\n"
                         "Location: {}/storage/{}\r\n",
                         commit, sha256, file.content.size(), storage_url_, sha256),
             request.method == "HEAD" ? "" : "Found. Redirecting");
}

void send_content(const Wire& wire,
                  const Received& request,
                  std::string_view content,
                  const std::string& headers) {
  const std::string range = request.header("range");
  const bool partial = range.starts_with("bytes=");
  const std::size_t start = partial ? std::stoul(range.substr(6)) : 0;
  if (partial && start >= content.size()) {
    return wire.reply(416, fmt::format("Content-Range: bytes */{}\r\n", content.size()));
  }
  const std::string content_range =
      partial ? fmt::format("Content-Range: bytes {}-{}/{}\r\n", start, content.size() - 1, content.size())
              : "";
  wire.send(fmt::format("HTTP/1.1 {} Fine\r\n{}{}Content-Length: {}\r\n\r\n", partial ? 206 : 200, headers,
                        content_range, content.size() - start));
  if (request.method != "HEAD") {
    wire.send(content.substr(start));
  }
}

std::string sha256_hex(std::string_view content) {
  return hex_digest("SHA256", content);
}

std::string git_blob_id(std::string_view content) {
  std::string blob = fmt::format("blob {}", content.size());
  blob += '\0';
  blob += content;
  return hex_digest("SHA1", blob);
}

std::string noise(std::size_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string bytes(n, '\0');
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random()); });
  return bytes;
}

}  // namespace sotto::test
