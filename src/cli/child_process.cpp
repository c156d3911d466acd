#include "cli/child_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sotto/error.h"

namespace sotto::cli {
namespace {

constexpr int kPollMs = 100;
constexpr std::size_t kMaxWords = 4096;

/// The last line of what a child wrote, without what a terminal would take for a command.
std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
    text.pop_back();
  }
  text.erase(0, text.find_last_of("\r\n") + 1);  // npos + 1 is 0
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return text;
}

[[noreturn]] void fail(const std::string& name, int error) {
  throw Error(ErrorCode::io, name,
              fmt::format("cannot be started: {}.", std::generic_category().message(error)));
}

/// Starts a child of its own group, so that Ctrl-C reaches it through us only, with signals as programs
/// expect. What it writes goes to the two files; `output` -1: nowhere.
pid_t spawn(std::vector<std::string> command, int output, int errors) {
  std::vector<char*> argv;
  std::transform(command.begin(), command.end(), std::back_inserter(argv),
                 [](std::string& argument) { return argument.data(); });
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none;
  sigset_t defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  sigaddset(&defaults, SIGXFSZ);
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (output < 0) {
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  } else {
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  }
  posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, argv.front(), &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    fail(command.front(), error);
  }
  return pid;
}

/// A pipe's two ends, closed with it.
class Pipe {
 public:
  explicit Pipe(const std::string& name) {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) {
      fail(name, errno);
    }
  }
  ~Pipe() {
    for (const int end : ends_) {
      if (end >= 0) {
        ::close(end);
      }
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int writing() const { return ends_[1]; }
  int take_reading() { return std::exchange(ends_[0], -1); }

 private:
  std::array<int, 2> ends_ = {-1, -1};
};

int wait_for(pid_t pid) {
  int state = 0;
  while (::waitpid(pid, &state, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

class Child {
 public:
  explicit Child(const std::vector<std::string>& command) : name_(command.front()) {
    Pipe errors(name_);
    pid_ = spawn(command, -1, errors.writing());
    errors_ = errors.take_reading();
  }
  ~Child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(errors_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Reads until the child closes its end, then takes its status.
  ChildResult wait(const std::stop_token& stop) {
    std::string words;
    while (read_some(words)) {
      if (stop.stop_requested()) {
        throw Error(ErrorCode::cancelled, name_, "stopped on request.");
      }
    }
    return {.status = wait_for(std::exchange(pid_, 0)), .last_words = last_line(std::move(words))};
  }

 private:
  /// False once the child has closed its standard error.
  bool read_some(std::string& words) const {
    pollfd readable{.fd = errors_, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, kPollMs) <= 0) {
      return true;
    }
    std::array<char, 1024> buffer{};
    const ssize_t n = ::read(errors_, buffer.data(), buffer.size());
    if (n <= 0) {
      return n < 0 && errno == EINTR;
    }
    words.append(buffer.data(), static_cast<std::size_t>(n));
    words.erase(0, words.size() > kMaxWords ? words.size() - kMaxWords : 0);
    return true;
  }

  std::string name_;
  pid_t pid_ = 0;
  int errors_ = -1;
};

}  // namespace

bool has_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string_view left = path == nullptr ? "" : path;
  while (!left.empty()) {
    const std::size_t colon = std::min(left.find(':'), left.size());
    const auto candidate = std::filesystem::path(left.substr(0, colon)) / name;
    std::error_code error;
    if (std::filesystem::is_regular_file(candidate, error) && ::access(candidate.c_str(), X_OK) == 0) {
      return true;
    }
    left.remove_prefix(std::min(colon + 1, left.size()));
  }
  return false;
}

ChildResult run_program(const std::vector<std::string>& command, const std::stop_token& stop) {
  return Child(command).wait(stop);
}

ChildStream::ChildStream(const std::vector<std::string>& command) {
  Pipe output(command.front());
  Pipe errors(command.front());
  pid_ = spawn(command, output.writing(), errors.writing());
  output_ = output.take_reading();
  errors_ = errors.take_reading();
}

ChildStream::~ChildStream() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    wait_for(pid_);
  }
  ::close(output_);
  ::close(errors_);
}

ChildResult ChildStream::wait() {
  const int status = wait_for(std::exchange(pid_, 0));
  std::array<char, kMaxWords> words{};
  const ssize_t n = ::read(errors_, words.data(), words.size());  // at its end: nobody writes any more
  return {.status = status,
          .last_words = last_line(std::string(words.data(), n > 0 ? static_cast<std::size_t>(n) : 0))};
}

}  // namespace sotto::cli
