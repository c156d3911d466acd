#include "hub/model_cache.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hub/hub_fixture.h"
#include "support/expect_error.h"

namespace sotto::hub {
namespace {

namespace fs = std::filesystem;
using test::FakeHub;

constexpr const char* kCommit = FakeHub::kCommit;

TEST(ModelCache, KnowsACommitByItsRevisionOnceThereIsASnapshot) {
  const test::TempDir dir;
  const ModelCache cache(dir.path(), "org/name");
  cache.prepare();
  EXPECT_EQ(cache.commit_of("main"), std::nullopt);
  cache.set_commit("refs/pr/3", kCommit);
  EXPECT_EQ(cache.commit_of("refs/pr/3"), std::nullopt);
  fs::create_directories(cache.snapshot(kCommit));
  EXPECT_EQ(cache.commit_of("refs/pr/3"), kCommit);
  EXPECT_EQ(cache.commit_of(kCommit), kCommit);
  EXPECT_EQ(cache.commit_of("refs/pr"), std::nullopt);  // a directory
  test::write_file(dir.path() / "models--org--name" / "refs" / "evil", "../../../..");
  EXPECT_EQ(cache.commit_of("evil"), std::nullopt);
}

TEST(ModelCache, LinksFilesInFolders) {
  const test::TempDir dir;
  const ModelCache cache(dir.path(), "org/name");
  cache.prepare();
  test::write_file(cache.blob("abc"), "content");
  cache.link_file(kCommit, "onnx/model.onnx", "abc");
  EXPECT_EQ(fs::read_symlink(cache.snapshot(kCommit) / "onnx" / "model.onnx"), "../../../blobs/abc");
  EXPECT_TRUE(cache.has_file(kCommit, "onnx/model.onnx"));
  fs::remove(cache.blob("abc"));
  EXPECT_FALSE(cache.has_file(kCommit, "onnx/model.onnx"));
  test::write_file(cache.blob("def"), "content");
  cache.link_file(kCommit, "onnx/model.onnx", "def");  // replaces the link that leads nowhere
  EXPECT_TRUE(cache.has_file(kCommit, "onnx/model.onnx"));
}

TEST(FileLock, IsHeldByOne) {
  const test::TempDir dir;
  std::stop_source source;
  std::atomic<bool> second = false;
  std::jthread waiting;
  {
    const FileLock lock(dir / "a.lock", {});
    waiting = std::jthread([&] {
      const FileLock other(dir / "a.lock", source.get_token());
      second = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    EXPECT_FALSE(second);
  }
  waiting.join();
  EXPECT_TRUE(second);
}

TEST(FileLock, IsNotFooledByARemovedFile) {
  const test::TempDir dir;
  const FileLock lock(dir / "a.lock", {});
  fs::remove(dir / "a.lock");
  const FileLock other(dir / "a.lock", {});  // a file of its own: does not wait
  EXPECT_TRUE(fs::exists(dir / "a.lock"));
}

TEST(FileLock, StopsWaitingOnRequest) {
  const test::TempDir dir;
  const FileLock lock(dir / "a.lock", {});
  std::stop_source source;
  source.request_stop();
  test::expect_error([&] { const FileLock other(dir / "a.lock", source.get_token()); }, ErrorCode::cancelled,
                     "stopped on request");
}

class ConcurrentTest : public test::HubTest {};

TEST_F(ConcurrentTest, ThreadsFetchAModelOnce) {
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([this] { EXPECT_EQ(download(), snapshot()); });
    }
  }
  expect_whole();
  EXPECT_EQ(weight_ranges(), std::vector<std::string>{""});
  EXPECT_EQ(hub_.n_received(FakeHub::file_line("GET", "tokenizer.json")), 1U);
}

TEST_F(ConcurrentTest, AWaitingThreadTakesOverWhatAStoppedOneFetched) {
  std::stop_source source;
  Progress stoppable;
  stoppable.stop = source.get_token();
  hub_.answer_next(
      hub_.storage_line("model.safetensors"), [&](const test::Wire& wire, const test::Received&) {
        wire.send("HTTP/1.1 200 Fine\r\nContent-Length: 3000000\r\n\r\n" + weights_.substr(0, 1'000'000));
        while (!fs::exists(incomplete_weights()) || fs::file_size(incomplete_weights()) < 1'000'000) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        source.request_stop();
        wire.stall();
      });
  std::jthread first(
      [&] { test::expect_error([&] { download(stoppable); }, ErrorCode::cancelled, "stopped on request"); });
  while (!fs::exists(incomplete_weights())) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  download();
  expect_whole();
  EXPECT_EQ(weight_ranges(), (std::vector<std::string>{"", "bytes=1000000-"}));
}

/// Processes are made before the server is, which has threads; they hear its address through a pipe.
class Child {
 public:
  explicit Child(const std::function<int(const std::string& url)>& work) {
    int ends[2];
    if (::pipe(ends) != 0) {
      throw std::runtime_error("pipe");
    }
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[1]);
      std::string url;
      for (char c = 0; ::read(ends[0], &c, 1) == 1;) {
        url += c;
      }
      ::_exit(work(url));
    }
    ::close(ends[0]);
    to_child_ = ends[1];
  }
  void start(const std::string& url) const {
    EXPECT_EQ(::write(to_child_, url.data(), url.size()), static_cast<ssize_t>(url.size()));
    ::close(to_child_);
  }
  int wait() const {
    int status = -1;
    ::waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  int to_child_ = -1;
};

TEST(ConcurrentProcesses, FetchAModelOnce) {
  const test::TempDir dir;
  const auto fetch = [&](const std::string& url) {
    HubOptions options;
    options.endpoint = url;
    options.cache = dir.path();
    try {
      hub::download(FakeHub::kRepository, options);
      return 0;
    } catch (const std::exception&) {
      return 1;
    }
  };
  const Child first(fetch);
  const Child second(fetch);
  FakeHub hub;
  hub.add_whisper(test::noise(5'000'000));
  first.start(hub.url());
  second.start(hub.url());
  EXPECT_EQ(first.wait(), 0);
  EXPECT_EQ(second.wait(), 0);
  EXPECT_EQ(hub.n_received(hub.storage_line("model.safetensors")), 1U);
  EXPECT_EQ(test::read_file(dir.path() / "models--openai--whisper-tiny" / "snapshots" / kCommit /
                            "model.safetensors"),
            test::noise(5'000'000));
}

}  // namespace
}  // namespace sotto::hub
