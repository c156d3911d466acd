#pragma once

#include <chrono>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/temp_dir.h"

namespace sotto::test {

struct Outcome {
  int status = -1;  ///< exit status, or 128 + the signal that ended it
  std::string out;
  std::string err;
  double peak_mb = 0.0;  ///< largest resident set
};

/// The built command line as a child process; its output is read when it has ended.
class SottoProcess {
 public:
  /// `stdout_path` takes the place of a file of its own: a device, for example.
  explicit SottoProcess(std::vector<std::string> arguments,
                        const std::string& stdout_path = "",
                        const std::string& stdin_path = "/dev/null") {
    const std::string out = stdout_path.empty() ? (files_ / "out").string() : stdout_path;
    const std::string err = (files_ / "err").string();
    arguments.insert(arguments.begin(), SOTTO_BINARY);
    std::vector<char*> argv;
    for (std::string& argument : arguments) {
      argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, stdin_path.c_str(), O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT, 0600);
    const int error = ::posix_spawn(&pid_, SOTTO_BINARY, &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
      throw std::runtime_error("cannot start " SOTTO_BINARY);
    }
  }

  /// Blocks until the process takes care of stop signals itself, as its status in /proc tells.
  void wait_until_it_listens() const {
    for (int i = 0; i < 6000 && !blocks(SIGINT); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  /// Blocks until standard output holds `text`.
  void wait_for_output(const std::string& text) const {
    for (int i = 0; i < 6000 && read_file(files_ / "out").find(text) == std::string::npos; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  void send(int signal) const { ::kill(pid_, signal); }

  Outcome wait() {
    int state = 0;
    rusage used{};
    ::wait4(pid_, &state, 0, &used);
    return {.status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state),
            .out = read_file(files_ / "out"),
            .err = read_file(files_ / "err"),
            .peak_mb = static_cast<double>(used.ru_maxrss) / 1024};
  }

 private:
  bool blocks(int signal) const {
    std::istringstream status(read_file("/proc/" + std::to_string(pid_) + "/status"));
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("SigBlk:")) {
        return (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1U) != 0;
      }
    }
    return false;
  }

  TempDir files_;
  pid_t pid_ = 0;
};

inline Outcome run_sotto(const std::vector<std::string>& arguments, const std::string& stdout_path = "") {
  return SottoProcess(arguments, stdout_path).wait();
}

}  // namespace sotto::test
