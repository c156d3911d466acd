#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "hub/fake_hub.h"
#include "sotto/hub.h"
#include "support/temp_dir.h"

namespace sotto::test {

/// A hub with one small Whisper and an empty cache.
class HubTest : public testing::Test {
 protected:
  static constexpr std::size_t kWeightBytes = 3'000'000;

  HubTest() { hub_.add_whisper(weights_); }

  hub::HubOptions options() const {
    hub::HubOptions options;
    options.endpoint = hub_.url();
    options.cache = cache();
    options.retries = 3;
    options.backoff_s = 0.01;
    return options;
  }
  hub::HubOptions impatient_options() const {
    hub::HubOptions impatient = options();
    impatient.stall_timeout_s = 1.0;
    return impatient;
  }
  std::filesystem::path download(const Progress& progress = {}) const {
    return hub::download(FakeHub::kRepository, options(), progress);
  }

  std::filesystem::path cache() const { return dir_ / "hub"; }
  std::filesystem::path folder() const { return cache() / "models--openai--whisper-tiny"; }
  std::filesystem::path snapshot() const { return folder() / "snapshots" / FakeHub::kCommit; }
  std::filesystem::path weights_blob() const { return folder() / "blobs" / sha256_hex(weights_); }
  std::filesystem::path incomplete_weights() const { return weights_blob().string() + ".incomplete"; }

  /// The whole model is there and nothing unfinished is.
  void expect_whole() const {
    EXPECT_EQ(read_file(snapshot() / "model.safetensors"), weights_);
    EXPECT_EQ(read_file(snapshot() / "config.json"), R"({"model_type": "whisper", "d_model": 384})");
    for (const auto& entry : std::filesystem::directory_iterator(folder() / "blobs")) {
      EXPECT_FALSE(entry.path().string().ends_with(".incomplete")) << entry.path();
    }
  }
  void expect_no_weights() const {
    EXPECT_FALSE(std::filesystem::exists(snapshot() / "model.safetensors"));
    EXPECT_FALSE(std::filesystem::exists(weights_blob()));
  }
  /// Range headers of the requests for the weights, in order; "" for none.
  std::vector<std::string> weight_ranges() const {
    std::vector<std::string> ranges;
    for (const Received& request : hub_.received()) {
      if (request.line() == hub_.storage_line("model.safetensors")) {
        ranges.push_back(request.header("range"));
      }
    }
    return ranges;
  }

  const std::string weights_ = noise(kWeightBytes);
  const TempDir dir_;
  FakeHub hub_;
};

/// Announces all of `content` and sends `n_sent` bytes of it, from the Range asked for, then hangs up.
inline Answer cut_after(const std::string& content, std::size_t n_sent) {
  return [content, n_sent](const Wire& wire, const Received& request) {
    const std::string range = request.header("range");
    const std::size_t start = range.empty() ? 0 : std::stoul(range.substr(6));
    const std::string size = std::to_string(content.size());
    wire.send("HTTP/1.1 " + std::string(range.empty() ? "200" : "206") +
              " Fine\r\nContent-Length: " + std::to_string(content.size() - start) +
              "\r\nContent-Range: bytes " + std::to_string(start) + "-" + std::to_string(content.size() - 1) +
              "/" + size + "\r\n\r\n" + content.substr(start, n_sent));
  };
}

/// An answer of fixed status, headers (each ending in CRLF) and body.
inline Answer reply(int status, const std::string& headers = "", const std::string& body = "") {
  return [=](const Wire& wire, const Received&) { wire.reply(status, headers, body); };
}

}  // namespace sotto::test
