#include "cli/console.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sotto/error.h"

namespace sotto::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kBarAfter = 2s;
constexpr auto kRedrawEvery = 100ms;
constexpr int kBarColumns = 24;
constexpr int kDefaultColumns = 80;

int terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kDefaultColumns;
}

std::string clock_time(double seconds) {
  const auto s = static_cast<long>(std::clamp(seconds, 0.0, 359999.0));
  return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60)
                  : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return line;
}

}  // namespace

std::string progress_line(std::string_view stage, double done, double total, double elapsed_s, int width) {
  std::string line;
  if (total > 0.0) {
    const double share = std::clamp(done / total, 0.0, 1.0);
    const auto filled = static_cast<std::size_t>(std::lround(share * kBarColumns));
    line = fmt::format("{:<22} [{:-<{}}] {:3.0f} %", stage, std::string(filled, '#'), kBarColumns,
                       100.0 * share);
    if (share > 0.0 && share < 1.0) {
      line += fmt::format("  {} left", clock_time(elapsed_s * (1.0 - share) / share));
    }
  } else {
    line = fmt::format("{:<22} {}", stage, clock_time(elapsed_s));
  }
  return line.substr(0, static_cast<std::size_t>(std::max(width - 1, 0)));
}

Console::Console() : is_terminal_(::isatty(STDERR_FILENO) == 1), stage_start_(Clock::now()) {}

Console::~Console() {
  clear_bar();
}

void Console::set_quiet(bool quiet) {
  const std::lock_guard lock(mutex_);
  quiet_ = quiet;
}

void Console::hold_warnings() {
  const std::lock_guard lock(mutex_);
  holds_ = true;
}

bool Console::is_broken() {
  const std::lock_guard lock(mutex_);
  return is_broken_;
}

void Console::print(std::string_view line) {
  const bool is_quiet = [this] {
    const std::lock_guard lock(mutex_);
    return quiet_;
  }();
  if (!is_quiet) {
    write(fmt::format("{}\n", line));
  }
}

void Console::write(std::string_view text) {
  const std::lock_guard lock(mutex_);
  clear_bar();
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    is_broken_ = true;
    throw Error(ErrorCode::io, "standard output", fmt::format("writing failed: {}.", std::strerror(errno)));
  }
}

void Console::warn(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (holds_) {
    held_.emplace_back(text);
  } else {
    print_warning(text);
  }
}

void Console::print_warning(std::string_view text) {
  if (quiet_) {
    return;
  }
  clear_bar();
  fmt::print(stderr, "sotto: warning: {}\n", one_line(text));
}

void Console::release_warnings() {
  const std::lock_guard lock(mutex_);
  holds_ = false;
  for (const std::string& text : std::exchange(held_, {})) {
    print_warning(text);
  }
}

void Console::error(std::string_view text) {
  const std::lock_guard lock(mutex_);
  holds_ = false;
  held_.clear();
  clear_bar();
  fmt::print(stderr, "sotto: error: {}\n", one_line(text));
}

Progress Console::progress(std::stop_token stop) {
  const std::lock_guard lock(mutex_);
  stage_.clear();
  return {.report = [this](std::string_view stage, double done, double total) { report(stage, done, total); },
          .stop = std::move(stop)};
}

void Console::report(std::string_view stage, double done, double total) {
  const std::lock_guard lock(mutex_);
  if (quiet_ || !is_terminal_) {
    return;
  }
  const auto now = Clock::now();
  if (stage != stage_) {
    clear_bar();
    stage_ = stage;
    stage_start_ = now;
  }
  if (now - stage_start_ < kBarAfter || now - last_drawn_ < kRedrawEvery) {
    return;
  }
  const double elapsed_s = std::chrono::duration<double>(now - stage_start_).count();
  fmt::print(stderr, "\r\x1b[K{}", progress_line(stage, done, total, elapsed_s, terminal_columns()));
  std::fflush(stderr);
  last_drawn_ = now;
  bar_shown_ = true;
}

void Console::show(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (quiet_ || !is_terminal_) {
    return;
  }
  const auto width = static_cast<std::size_t>(std::max(terminal_columns() - 1, 0));
  std::size_t begin = line.size() > width ? line.size() - width : 0;  // the end is what is new
  while (begin < line.size() && (static_cast<unsigned char>(line[begin]) & 0xC0U) == 0x80U) {
    ++begin;  // not inside a character
  }
  fmt::print(stderr, "\r\x1b[K{}", line.substr(begin));
  std::fflush(stderr);
  bar_shown_ = true;
}

void Console::clear_bar() {
  if (bar_shown_) {
    fmt::print(stderr, "\r\x1b[K");
    std::fflush(stderr);
    bar_shown_ = false;
  }
}

}  // namespace sotto::cli
