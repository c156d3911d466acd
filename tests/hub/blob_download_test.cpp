#include <chrono>
#include <filesystem>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/resource.h>

#include "hub/hub_fixture.h"
#include "sotto/hub.h"
#include "support/expect_error.h"

namespace sotto::hub {
namespace {

namespace fs = std::filesystem;
using test::FakeHub;
using test::Received;
using test::Wire;

/// What befalls the transfer of the weights.
class TransferTest : public test::HubTest {
 protected:
  void on_weights(const test::Answer& answer) {
    hub_.answer_next(hub_.storage_line("model.safetensors"), answer);
  }
  void always_on_weights(const test::Answer& answer) {
    hub_.answer_always(hub_.storage_line("model.safetensors"), answer);
  }
};

TEST_F(TransferTest, GoesOnWhereItWasCut) {
  on_weights(test::cut_after(weights_, 1'000'000));
  on_weights(test::cut_after(weights_, 500'000));
  download();
  expect_whole();
  EXPECT_EQ(weight_ranges(), (std::vector<std::string>{"", "bytes=1000000-", "bytes=1500000-"}));
}

TEST_F(TransferTest, GoesOnInALaterCall) {
  fs::create_directories(folder() / "blobs");
  test::write_file(incomplete_weights(), weights_.substr(0, 1'234'567));
  download();
  expect_whole();
  EXPECT_EQ(weight_ranges(), std::vector<std::string>{"bytes=1234567-"});
}

TEST_F(TransferTest, ChecksAnIncompleteFileThatIsAllThere) {
  fs::create_directories(folder() / "blobs");
  test::write_file(incomplete_weights(), weights_);
  download();
  expect_whole();
  EXPECT_TRUE(weight_ranges().empty());
}

TEST_F(TransferTest, DropsAnIncompleteFileThatIsTooLongOrWrong) {
  fs::create_directories(folder() / "blobs");
  test::write_file(incomplete_weights(), weights_ + "x");
  download();
  expect_whole();
  fs::remove_all(cache());
  fs::create_directories(folder() / "blobs");
  test::write_file(incomplete_weights(), test::noise(2'000'000, 99));
  download();
  expect_whole();
  EXPECT_EQ(weight_ranges(), (std::vector<std::string>{"", "bytes=2000000-", ""}));
}

TEST_F(TransferTest, StartsAgainWhenTheServerIgnoresTheRange) {
  on_weights(test::cut_after(weights_, 1'000'000));
  on_weights([this](const Wire& wire, const Received&) { wire.reply(200, "", weights_); });
  download();
  expect_whole();
  EXPECT_EQ(weight_ranges().size(), 2U);
}

TEST_F(TransferTest, StartsAgainWhenTheServerSendsAnotherRange) {
  for (const char* range : {"bytes 0-2999999/3000000", "bytes 1000000-2999999/4000000", "1000000", ""}) {
    fs::remove_all(cache());
    on_weights(test::cut_after(weights_, 1'000'000));
    on_weights([&](const Wire& wire, const Received&) {
      wire.reply(206, std::string("Content-Range: ") + range + "\r\n", weights_.substr(1'000'000));
    });
    download();
    expect_whole();
  }
}

TEST_F(TransferTest, StartsAgainWhenTheRangeIsRefused) {
  on_weights(test::cut_after(weights_, 1'000'000));
  on_weights(test::reply(416, "Content-Range: bytes */3000000\r\n"));
  download();
  expect_whole();
  EXPECT_EQ(weight_ranges(), (std::vector<std::string>{"", "bytes=1000000-", ""}));
}

TEST_F(TransferTest, GivesUpAfterTheLastTryAndKeepsWhatCame) {
  always_on_weights(test::cut_after(weights_, 1000));
  test::expect_error([&] { download(); }, ErrorCode::network, "gave up after 4 tries, run again to resume");
  expect_no_weights();
  EXPECT_EQ(fs::file_size(incomplete_weights()), 4000U);
}

TEST_F(TransferTest, OutlastsAnyNumberOfCutsThatLeaveAMebibyte) {
  const std::string large = test::noise(12'000'000, 5);
  hub_.add_file("model.safetensors", large, true);
  hub_.answer_always(hub_.storage_line("model.safetensors"), test::cut_after(large, 1'100'000));
  download();
  EXPECT_EQ(test::read_file(snapshot() / "model.safetensors"), large);
  EXPECT_EQ(weight_ranges().size(), 11U);
}

TEST_F(TransferTest, TakesAStallForACut) {
  on_weights([this](const Wire& wire, const Received&) {
    wire.send("HTTP/1.1 200 Fine\r\nContent-Length: 3000000\r\n\r\n" + weights_.substr(0, 700));
    wire.stall();
  });
  hub::download(FakeHub::kRepository, impatient_options());
  expect_whole();
  EXPECT_EQ(weight_ranges(), (std::vector<std::string>{"", "bytes=700-"}));
}

TEST_F(TransferTest, NoticesACutWithoutAnnouncedLength) {
  on_weights([this](const Wire& wire, const Received&) {
    wire.send("HTTP/1.1 200 Fine\r\n\r\n" + weights_.substr(0, 900'000));
  });
  download();
  expect_whole();
}

TEST_F(TransferTest, RefusesAWrongLengthTheSecondTime) {
  on_weights(test::reply(200, "", "<html>Sign in to this network</html>"));
  download();
  expect_whole();
  fs::remove_all(cache());
  always_on_weights(test::reply(200, "", "<html>Sign in to this network</html>"));
  test::expect_error([&] { download(); }, ErrorCode::network,
                     "expected 3000000 bytes, found 36, for the second time");
  expect_no_weights();
  EXPECT_FALSE(fs::exists(incomplete_weights()));
}

TEST_F(TransferTest, TakesNoMoreBytesThanExpected) {
  always_on_weights([this](const Wire& wire, const Received&) {
    wire.send("HTTP/1.1 200 Fine\r\n\r\n" + weights_);
    while (wire.send(weights_)) {
    }
  });
  test::expect_error([&] { download(); }, ErrorCode::network, "found more, for the second time");
  expect_no_weights();
}

TEST_F(TransferTest, FetchesAFileOfWrongHashOnceMore) {
  std::string wrong = weights_;
  wrong[1'500'000] = static_cast<char>(wrong[1'500'000] ^ 1);
  on_weights(test::reply(200, "", wrong));
  download();
  expect_whole();
  fs::remove_all(cache());
  always_on_weights(test::reply(200, "", wrong));
  test::expect_error([&] { download(); }, ErrorCode::network,
                     "expected content of hash " + test::sha256_hex(weights_));
  expect_no_weights();
  EXPECT_FALSE(fs::exists(incomplete_weights()));
}

TEST_F(TransferTest, ChecksSmallFilesAgainstGitsHash) {
  hub_.answer_always(FakeHub::file_line("GET", "vocab.json"), test::reply(200, "", R"({"b": 0})"));
  test::expect_error([&] { download(); }, ErrorCode::network, test::git_blob_id(R"({"a": 0})"));
  EXPECT_FALSE(fs::exists(snapshot() / "vocab.json"));
}

TEST_F(TransferTest, AcceptsAnEntityTagThatStatesNoHash) {
  const test::Answer answer = [](const Wire& wire, const Received& request) {
    test::send_content(wire, request, R"({"a": 0})", "ETag: W/\"5f-18c\"\r\n");
  };
  hub_.answer_always(FakeHub::file_line("HEAD", "vocab.json"), answer);
  hub_.answer_always(FakeHub::file_line("GET", "vocab.json"), answer);
  download();
  expect_whole();
  EXPECT_EQ(fs::read_symlink(snapshot() / "vocab.json"), "../../blobs/5f-18c");
}

TEST_F(TransferTest, FetchesAFileOfUnstatedSize) {
  hub_.answer_always(FakeHub::file_line("HEAD", "vocab.json"), [](const Wire& wire, const Received&) {
    wire.send("HTTP/1.1 200 Fine\r\nETag: \"" + test::git_blob_id(R"({"a": 0})") + "\"\r\n\r\n");
  });
  download();
  expect_whole();
  EXPECT_EQ(test::read_file(snapshot() / "vocab.json"), R"({"a": 0})");
}

TEST_F(TransferTest, FetchesAnEmptyFile) {
  hub_.add_file("normalizer.json", "");
  download();
  EXPECT_EQ(fs::file_size(snapshot() / "normalizer.json"), 0U);
}

TEST_F(TransferTest, WaitsAsLongAsABusyServerAsks) {
  using Clock = std::chrono::steady_clock;
  on_weights(test::reply(429, "Retry-After: 1\r\n"));
  hub_.answer_next(FakeHub::list_line(), test::reply(503));
  const auto start = Clock::now();
  download();
  expect_whole();
  EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(990));  // a lower bound: never flaky
}

TEST_F(TransferTest, ReadsRetryAfterAsADateAndTheHubsRateLimit) {
  on_weights(test::reply(503, "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n"));
  on_weights(test::reply(429, "RateLimit: \"api\";r=0;t=0\r\n"));
  HubOptions patient = options();
  patient.backoff_s = 1000.0;  // only what the server says can be meant
  hub::download(FakeHub::kRepository, patient);
  expect_whole();
}

TEST_F(TransferTest, DoesNotWaitLongerThanGranted) {
  on_weights(test::reply(429, "Retry-After: 86400\r\n"));
  test::expect_error([&] { download(); }, ErrorCode::network,
                     "the server asks to wait 86400 s, at most 300 s are granted");
}

TEST_F(TransferTest, StopsWhileItWaits) {
  std::stop_source source;
  Progress progress;
  progress.stop = source.get_token();
  on_weights([&](const Wire& wire, const Received&) {
    wire.reply(429, "Retry-After: 250\r\n");
    source.request_stop();
  });
  test::expect_error([&] { download(progress); }, ErrorCode::cancelled, "stopped on request");
}

/// Files of this process cannot grow beyond a limit while it lives: as a full disk, write() fails.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t n_bytes) : old_handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit low{.rlim_cur = n_bytes, .rlim_max = old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &low);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    ::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

TEST_F(TransferTest, AFullDiskLeavesNothingUnderItsNameAndIsResumed) {
  {
    const FileSizeLimit limit(1'000'000);
    test::expect_error([&] { download(); }, ErrorCode::io, "writing failed");
  }
  expect_no_weights();
  EXPECT_EQ(fs::file_size(incomplete_weights()), 1'000'000U);
  download();
  expect_whole();
  EXPECT_EQ(weight_ranges().back(), "bytes=1000000-");
}

TEST_F(TransferTest, NoticesBeforehandThatTheDiskIsTooSmall) {
  constexpr int kShards = 1000;  // 99 TB in all
  nlohmann::json map;
  FakeHub huge;
  for (int i = 0; i < kShards; ++i) {
    const std::string name = fmt::format("model-{}.safetensors", i);
    map[name] = name;
    huge.answer_always(
        FakeHub::file_line("HEAD", name),
        test::reply(302, fmt::format("X-Linked-ETag: \"{:064x}\"\r\nX-Linked-Size: 99000000000\r\n"
                                     "Location: /storage/{}\r\n",
                                     i, i)));
  }
  huge.add_file("config.json", "{}");
  huge.add_file("tokenizer.json", "{}");
  huge.add_file("model.safetensors.index.json", nlohmann::json({{"weight_map", map}}).dump());
  HubOptions of_huge = options();
  of_huge.endpoint = huge.url();
  test::expect_error([&] { hub::download(FakeHub::kRepository, of_huge); }, ErrorCode::io,
                     "expected 99000001 MB free for openai/whisper-tiny");
}

TEST_F(TransferTest, DoesNotFollowALinkInPlaceOfTheIncompleteFile) {
  fs::create_directories(folder() / "blobs");
  test::write_file(dir_ / "precious", "x");
  fs::create_symlink(dir_ / "precious", incomplete_weights());
  test::expect_error([&] { download(); }, ErrorCode::io, "opening failed");
  EXPECT_EQ(test::read_file(dir_ / "precious"), "x");
}

}  // namespace
}  // namespace sotto::hub
