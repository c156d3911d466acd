#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "hub/hub_fixture.h"
#include "sotto/hub.h"
#include "support/expect_error.h"

namespace sotto::hub {
namespace {

namespace fs = std::filesystem;
using test::FakeHub;

class DownloadTest : public test::HubTest {};

TEST_F(DownloadTest, FillsTheCacheAsHuggingFaceHubLaysItOut) {
  EXPECT_EQ(download(), snapshot());
  expect_whole();
  EXPECT_EQ(fs::read_symlink(snapshot() / "model.safetensors"), "../../blobs/" + test::sha256_hex(weights_));
  EXPECT_EQ(fs::read_symlink(snapshot() / "vocab.json"), "../../blobs/" + test::git_blob_id(R"({"a": 0})"));
  EXPECT_EQ(test::read_file(folder() / "refs" / "main"), FakeHub::kCommit);
  EXPECT_TRUE(fs::exists(cache() / ".locks" / "models--openai--whisper-tiny" /
                         (test::sha256_hex(weights_) + ".lock")));
  EXPECT_TRUE(
      test::read_file(cache() / "CACHEDIR.TAG").starts_with("Signature: 8a477f597d28d172789f06886806bc55"));
}

TEST_F(DownloadTest, FetchesWhatAWhisperNeedsAndNoMore) {
  download();
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(snapshot())) {
    names.insert(entry.path().filename());
  }
  EXPECT_EQ(names, (std::set<std::string>{"config.json", "generation_config.json", "preprocessor_config.json",
                                          "tokenizer.json", "vocab.json", "model.safetensors"}));
}

TEST_F(DownloadTest, AsksOnlyForTheListWhenAllIsThere) {
  download();
  const std::size_t before = hub_.received().size();
  EXPECT_EQ(download(), snapshot());
  const auto received = hub_.received();
  ASSERT_EQ(received.size(), before + 1);
  EXPECT_EQ(received.back().line(), FakeHub::list_line());
}

TEST_F(DownloadTest, AsksNobodyForACommitThatIsThere) {
  HubOptions pinned = options();
  pinned.revision = FakeHub::kCommit;
  EXPECT_EQ(hub::download(FakeHub::kRepository, pinned), snapshot());
  EXPECT_FALSE(fs::exists(folder() / "refs"));  // a commit needs no name
  const std::size_t before = hub_.received().size();
  EXPECT_EQ(hub::download(FakeHub::kRepository, pinned), snapshot());
  EXPECT_EQ(hub_.received().size(), before);
}

TEST_F(DownloadTest, FetchesTheShardsThatTheIndexNames) {
  FakeHub sharded;
  sharded.add_file("config.json", R"({"model_type": "whisper"})");
  sharded.add_file("tokenizer.json", "{}");
  sharded.add_file(
      "model.safetensors.index.json",
      R"({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors",
                       "c": "model-00001-of-00002.safetensors"}})");
  sharded.add_file("model-00001-of-00002.safetensors", test::noise(1000, 2), true);
  sharded.add_file("model-00002-of-00002.safetensors", test::noise(2000, 3), true);
  sharded.add_file("model.fp32-00001-of-00001.safetensors", "copy", true);
  HubOptions of_sharded = options();
  of_sharded.endpoint = sharded.url();
  const fs::path directory = hub::download(FakeHub::kRepository, of_sharded);
  EXPECT_EQ(test::read_file(directory / "model-00001-of-00002.safetensors"), test::noise(1000, 2));
  EXPECT_EQ(test::read_file(directory / "model-00002-of-00002.safetensors"), test::noise(2000, 3));
  EXPECT_FALSE(fs::exists(directory / "model.fp32-00001-of-00001.safetensors"));
  of_sharded.offline = true;
  EXPECT_EQ(hub::download(FakeHub::kRepository, of_sharded), directory);
  fs::remove(directory / "model-00002-of-00002.safetensors");
  test::expect_error([&] { hub::download(FakeHub::kRepository, of_sharded); }, ErrorCode::not_found,
                     "the cache lacks model-00002-of-00002.safetensors");
}

TEST_F(DownloadTest, ReportsBytesUpToTheTotal) {
  std::vector<std::pair<double, double>> heard;
  std::set<std::string> stages;
  Progress progress;
  progress.report = [&](std::string_view stage, double done, double total) {
    stages.emplace(stage);
    heard.emplace_back(done, total);
  };
  download(progress);
  EXPECT_EQ(stages, std::set<std::string>{"download openai/whisper-tiny"});
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(heard.back().first, heard.back().second);
  EXPECT_GT(heard.back().second, static_cast<double>(kWeightBytes));
  for (const auto& [done, total] : heard) {
    EXPECT_LE(done, total);
    EXPECT_EQ(total, heard.back().second);
  }
}

TEST_F(DownloadTest, StopsOnRequestAndResumes) {
  std::stop_source source;
  Progress progress;
  progress.stop = source.get_token();
  hub_.answer_next(
      hub_.storage_line("model.safetensors"), [&](const test::Wire& wire, const test::Received& r) {
        wire.send("HTTP/1.1 200 Fine\r\nContent-Length: 3000000\r\n\r\n" + weights_.substr(0, 2'000'000));
        while (!fs::exists(incomplete_weights()) || fs::file_size(incomplete_weights()) < 2'000'000) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        source.request_stop();
        wire.stall();
        (void)r;
      });
  test::expect_error([&] { download(progress); }, ErrorCode::cancelled, "stopped on request");
  expect_no_weights();
  EXPECT_EQ(fs::file_size(incomplete_weights()), 2'000'000U);
  download();
  expect_whole();
  EXPECT_EQ(weight_ranges(), (std::vector<std::string>{"", "bytes=2000000-"}));
}

TEST_F(DownloadTest, RefusesAModelThatIsNoWhisperBeforeItsWeights) {
  hub_.add_file("config.json", R"({"model_type": "llama"})");
  test::expect_error([&] { download(); }, ErrorCode::unsupported, "found a model of type \"llama\"");
  EXPECT_EQ(hub_.n_received(FakeHub::file_line("HEAD", "model.safetensors")), 0U);
}

TEST_F(DownloadTest, RefusesARepositoryWithoutWeights) {
  FakeHub empty;
  empty.add_file("config.json", "{}");
  empty.add_file("tokenizer.json", "{}");
  empty.add_file("ggml-tiny.bin", "x", true);
  HubOptions of_empty = options();
  of_empty.endpoint = empty.url();
  test::expect_error([&] { hub::download(FakeHub::kRepository, of_empty); }, ErrorCode::unsupported,
                     "found 3 files and no model.safetensors");
}

TEST_F(DownloadTest, OfflineUsesTheCacheAndNamesWhatItLacks) {
  HubOptions offline = options();
  offline.offline = true;
  test::expect_error([&] { hub::download(FakeHub::kRepository, offline); }, ErrorCode::not_found,
                     "has no revision \"main\"");
  download();
  const std::size_t before = hub_.received().size();
  EXPECT_EQ(hub::download(FakeHub::kRepository, offline), snapshot());
  EXPECT_EQ(hub_.received().size(), before);
  fs::remove(fs::canonical(snapshot() / "tokenizer.json"));  // the link stays, without its blob
  fs::remove(snapshot() / "vocab.json");
  test::expect_error([&] { hub::download(FakeHub::kRepository, offline); }, ErrorCode::not_found,
                     "the cache lacks tokenizer.json");
  download();  // mends it
  EXPECT_EQ(hub::download(FakeHub::kRepository, offline), snapshot());
}

TEST_F(DownloadTest, UsesTheCacheWhenTheHubDoesNotAnswer) {
  download();
  HubOptions nobody = options();
  nobody.endpoint = "http://127.0.0.1:1";
  nobody.retries = 50;
  nobody.backoff_s = 30.0;  // with a copy at hand, nobody waits
  EXPECT_EQ(hub::download(FakeHub::kRepository, nobody), snapshot());
  hub_.answer_always(FakeHub::list_line(), test::reply(503));
  EXPECT_EQ(download(), snapshot());
}

TEST_F(DownloadTest, KeepsTheOldRevisionUntilTheNewOneIsWhole) {
  download();
  const std::string commit(40, 'b');
  hub_.answer_always(FakeHub::list_line(), test::reply(200, "",
                                                       R"({"sha": ")" + commit +
                                                           R"(", "siblings": [{"rfilename": "config.json"},
                                              {"rfilename": "tokenizer.json"}, {"rfilename": "model.safetensors"}]})"));
  test::expect_error([&] { download(); }, ErrorCode::not_found, "found none of that name");
  HubOptions offline = options();
  offline.offline = true;
  EXPECT_EQ(hub::download(FakeHub::kRepository, offline), snapshot());
}

TEST_F(DownloadTest, ReadsACacheThatHuggingFaceHubFilled) {
  // As huggingface_hub 2.4.0 leaves it: large blobs may be links into the store that repositories share.
  const fs::path store = cache() / "blobs" / "ab" / std::string(64, 'a');
  fs::create_directories(store.parent_path());
  fs::create_directories(folder() / "blobs");
  fs::create_directories(folder() / "refs");
  fs::create_directories(snapshot());
  test::write_file(store, weights_);
  fs::create_symlink("../../blobs/ab/" + std::string(64, 'a'), weights_blob());
  fs::create_symlink("../../blobs/" + weights_blob().filename().string(), snapshot() / "model.safetensors");
  test::write_file(snapshot() / "config.json", R"({"model_type": "whisper", "d_model": 384})");
  test::write_file(folder() / "refs" / "main", FakeHub::kCommit);
  download();
  expect_whole();
  EXPECT_EQ(hub_.n_received(FakeHub::file_line("HEAD", "model.safetensors")), 0U);
  EXPECT_EQ(hub_.n_received(FakeHub::file_line("GET", "config.json")), 0U);
}

TEST_F(DownloadTest, WantsUsableOptions) {
  HubOptions no_cache = options();
  no_cache.cache.clear();
  test::expect_error([&] { hub::download(FakeHub::kRepository, no_cache); }, ErrorCode::invalid_argument,
                     "directory of the model cache");
  HubOptions bad_revision = options();
  bad_revision.revision = "../../etc";
  test::expect_error([&] { hub::download(FakeHub::kRepository, bad_revision); }, ErrorCode::invalid_argument,
                     "expected a branch, tag or commit");
  HubOptions bad_endpoint = options();
  bad_endpoint.endpoint = "ftp://127.0.0.1";
  test::expect_error([&] { hub::download(FakeHub::kRepository, bad_endpoint); }, ErrorCode::invalid_argument,
                     "expected an http:// or https:// URL");
  HubOptions bad_token = options();
  bad_token.token = "abc\r\nHost: elsewhere";
  test::expect_error([&] { hub::download(FakeHub::kRepository, bad_token); }, ErrorCode::invalid_argument,
                     "printable ASCII");
}

TEST_F(DownloadTest, NamesACacheThatCannotBeWritten) {
  test::write_file(cache(), "a file");
  test::expect_error([&] { download(); }, ErrorCode::io, "hub");
}

TEST_F(DownloadTest, ResolvesPathsFirstThenNames) {
  fs::create_directories(dir_ / "model");
  test::write_file(dir_ / "tiny.pt", "x");
  EXPECT_EQ(resolve_model((dir_ / "model").string(), options()), dir_ / "model");
  EXPECT_EQ(resolve_model((dir_ / "tiny.pt").string(), options()), dir_ / "tiny.pt");
  EXPECT_TRUE(hub_.received().empty());
  EXPECT_EQ(resolve_model("openai/whisper-tiny", options()), snapshot());
  EXPECT_EQ(resolve_model("tiny", options()), snapshot());
}

TEST_F(DownloadTest, DoesNotAskTheHubForAPath) {
  for (const char* path : {"./no-such", "/no/such/model", "../no-such", "a/b/c", "no-such/", "~/model", ""}) {
    test::expect_error([&] { resolve_model(path, options()); }, ErrorCode::not_found,
                       "expected a model's directory or name");
  }
  test::expect_error([&] { resolve_model("turbp", options()); }, ErrorCode::not_found,
                     "nearest names: turbo");
  EXPECT_TRUE(hub_.received().empty());
}

}  // namespace
}  // namespace sotto::hub
