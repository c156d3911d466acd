#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace sotto::cli {

enum class SampleFormat { s16le, f32le };

/// Raw 16 kHz mono samples from a file descriptor, read by a thread of its own so that a microphone need not
/// wait while something is decoded. Half a minute is held at most, then the writer waits.
class PcmStream {
 public:
  /// `file` stays open and must do so as long as this lives; `name` is for errors. A requested stop ends the
  /// stream as its end does.
  PcmStream(int file, SampleFormat format, std::string name, std::stop_token stop);
  ~PcmStream();
  PcmStream(const PcmStream&) = delete;
  PcmStream& operator=(const PcmStream&) = delete;

  /// Waits for n samples; fewer at the end, then none. Throws Error(io), and Error(bad_format) for what is no
  /// raw sound: a file with a header, samples that are not finite.
  std::vector<float> take(std::size_t n);
  /// True if n samples wait.
  bool has(std::size_t n) const;

 private:
  void read_all();
  void append(const std::vector<char>& bytes);

  int file_;
  SampleFormat format_;
  std::string name_;
  std::stop_token stop_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<float> samples_;
  bool at_end_ = false;
  bool is_closing_ = false;
  std::exception_ptr error_;
  std::thread thread_;
};

}  // namespace sotto::cli
