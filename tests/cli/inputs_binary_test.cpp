// Where media may come from, what becomes of stops and full disks, and copies of videos.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/stat.h>

#include "cli/run_transcribe.h"
#include "hub/fake_hub.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;
using test::FakeHub;
using test::Outcome;
using test::quick;
using test::Received;
using test::SottoProcess;
using test::transcribe;
using test::Wire;
using testing::HasSubstr;

const fs::path kSpeech = test::source_dir() / "demo/media/en.flac";
const fs::path kVideo = test::source_dir() / "demo/media/demo.mp4";

/// Sets an environment variable for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name); old != nullptr) {
      old_ = old;
    }
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (old_) {
      ::setenv(name_, old_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

void write_script(const fs::path& path, const std::string& text) {
  test::write_file(path, "#!/bin/sh\n" + text);
  ::chmod(path.c_str(), 0755);
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Inputs

TEST(Inputs, OfOneNameGetOutputsOfTheirOwn) {
  const test::TempDir dir;
  fs::create_directories(dir / "in" / "deep");
  fs::copy_file(kSpeech, dir / "in" / "talk.flac");
  fs::copy_file(kSpeech, dir / "in" / "deep" / "talk.flac");
  const Outcome outcome = transcribe({dir / "in", "-o", dir / "out", "-f", "txt", "--quiet"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(names_in(dir / "out"), (std::vector<std::string>{"talk.flac-2.txt", "talk.flac.txt"}));
}

TEST(Inputs, MayBeStandardInputAsAFileOrAPipe) {
  const test::TempDir dir;
  const Outcome file = SottoProcess(quick({"-", "--stdout"}), "", kSpeech).wait();
  EXPECT_EQ(file.status, 0) << file.err;
  const fs::path pipe = dir / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { test::write_file(pipe, test::read_file(kVideo)); });
  const Outcome piped = SottoProcess(quick({"-", "--stdout"}), "", pipe).wait();
  writer.join();
  EXPECT_EQ(piped.status, 0) << piped.err;
  EXPECT_GT(piped.out.size(), 20U);
  EXPECT_GT(file.out.size(), 20U);
  const Outcome nothing = transcribe({"-", "--stdout"});
  EXPECT_EQ(nothing.status, 1);
  EXPECT_THAT(nothing.err, HasSubstr("sotto: error: standard input: "));
}

TEST(Inputs, MayBeANamedPipe) {
  const test::TempDir dir;
  const fs::path pipe = dir / "talk.flac";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { test::write_file(pipe, test::read_file(kSpeech)); });
  const Outcome heard = transcribe({pipe, "-o", dir / "out", "-f", "txt", "--quiet"});
  writer.join();
  EXPECT_EQ(heard.status, 0) << heard.err;
  EXPECT_GT(fs::file_size(dir / "out" / "talk.txt"), 20U);
}

class Urls : public testing::Test {
 protected:
  Urls() { answer("/a/my%20talk.flac", 200, "Content-Type: audio/flac\r\n", test::read_file(kSpeech)); }
  void answer(const std::string& path, int status, const std::string& headers, const std::string& body = "") {
    server_.answer_always("GET " + path,
                          [=](const Wire& wire, const Received&) { wire.reply(status, headers, body); });
  }
  Outcome hear(const std::string& path, const std::vector<std::string>& more = {"--allow-local-urls"}) {
    std::vector<std::string> arguments = {server_.url() + path, "-o", dir_ / "out", "-f", "txt", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Variable temporary("TMPDIR", dir_.path());
    const Outcome outcome = transcribe(arguments);
    EXPECT_EQ(names_in(dir_.path()), std::vector<std::string>({"out"})) << "a copy was left behind";
    return outcome;
  }
  FakeHub server_;
  test::TempDir dir_;
};

TEST_F(Urls, AreFetchedAndNamedForTheirFile) {
  const Outcome outcome = hear("/a/my%20talk.flac?signature=1/2");
  EXPECT_EQ(outcome.status, 1);  // the server knows it without the query only
  EXPECT_EQ(hear("/a/my%20talk.flac").status, 0);
  EXPECT_TRUE(fs::exists(dir_ / "out" / "my talk.txt"));
}

TEST_F(Urls, MayNotLeadToLocalAddresses) {
  const Outcome outcome = hear("/a/my%20talk.flac", {});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("found a local one; --allow-local-urls permits it."));
  EXPECT_TRUE(server_.received().empty());
}

TEST_F(Urls, MayNotRedirectToLocalAddresses) {
  // The server is the proxy, so that names of public hosts lead to it.
  const Variable proxy("http_proxy", server_.url());
  const Variable no_proxy("no_proxy", "");
  answer("http://media.example.org/moved.flac", 302, "Location: http://other.example.org/talk.flac\r\n");
  answer("http://other.example.org/talk.flac", 200, "Content-Type: audio/flac\r\n", test::read_file(kSpeech));
  const Outcome heard = transcribe({"http://media.example.org/moved.flac", "-o", dir_ / "out", "-f", "txt"});
  EXPECT_EQ(heard.status, 0) << heard.err;
  std::size_t n_received = server_.received().size();
  for (const std::string& local :
       {server_.url() + "/a/my%20talk.flac", std::string("http://localhost/a.flac"),
        std::string("http://169.254.169.254/a.flac"), std::string("http://[::1]/a.flac")}) {
    answer("http://media.example.org/talk.flac", 302, "Location: " + local + "\r\n");
    const Outcome refused =
        transcribe({"http://media.example.org/talk.flac", "-o", dir_ / "out", "-f", "txt"});
    EXPECT_EQ(refused.status, 3) << local;
    EXPECT_THAT(refused.err, HasSubstr("found a local one; --allow-local-urls permits it.")) << local;
    EXPECT_EQ(server_.received().size(), ++n_received) << local;
  }
}

TEST_F(Urls, MayNotLeadToFilesOrBePlaylists) {
  answer("/file", 302, "Location: file:///etc/passwd\r\n");
  EXPECT_EQ(hear("/file").status, 3);
  answer("/list.m3u8", 200, "Content-Type: application/vnd.apple.mpegurl\r\n",
         "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n");
  const Outcome list = hear("/list.m3u8");
  EXPECT_EQ(list.status, 1);
  EXPECT_THAT(list.err, HasSubstr(server_.url() + "/list.m3u8: expected a media file, found a playlist"));
  const Outcome rtsp = transcribe({"rtsp://127.0.0.1/x", "-o", dir_ / "out"});
  EXPECT_EQ(rtsp.status, 1);
  EXPECT_THAT(rtsp.err, HasSubstr("expected a file or an http:// or https:// URL"));
}

TEST_F(Urls, OfPagesNeedYtDlp) {
  answer("/watch", 200, "Content-Type: text/html\r\n", "<html></html>");
  const test::TempDir bin;
  {
    const Variable path("PATH", bin.path());
    const Outcome without = hear("/watch");
    EXPECT_EQ(without.status, 1);
    EXPECT_THAT(without.err, HasSubstr("found a web page; install yt-dlp"));
  }
  const Variable path("PATH", bin.path().string() + ":" + std::getenv("PATH"));
  write_script(bin / "yt-dlp", "echo 'ERROR: Video unavailable' >&2; exit 1\n");
  const Outcome failed = hear("/watch");
  EXPECT_EQ(failed.status, 3);
  EXPECT_THAT(failed.err, HasSubstr("/watch: yt-dlp failed with status 1: ERROR: Video unavailable"));
  write_script(bin / "yt-dlp",
               "while [ \"$1\" != --output ]; do shift; done\n"
               "cp '" +
                   kSpeech.string() + "' \"$(dirname \"$2\")/media.flac\"\n");
  const Outcome heard = hear("/watch");
  EXPECT_EQ(heard.status, 0) << heard.err;
  EXPECT_TRUE(fs::exists(dir_ / "out" / "watch.txt"));
}

// Copies of videos

bool has_ffmpeg() {
  return std::system("ffmpeg -version > /dev/null 2>&1") == 0;
}

TEST(VideoCopy, HoldsTheSubtitlesAsAStreamOrInItsPictures) {
  if (!has_ffmpeg()) {
    GTEST_SKIP() << "there is no ffmpeg";
  }
  const test::TempDir dir;
  for (const char* way : {"--mux", "--burn"}) {
    const fs::path out = dir / "it's [a]: directory";
    const Outcome outcome = transcribe({kVideo, "-o", out, "-f", "srt", way, "--quiet"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(names_in(out), (std::vector<std::string>{"demo.srt", "demo.subtitled.mp4"}));
    const std::string probe = "ffprobe -v error -show_entries stream=codec_name -of csv=p=0 \"" +
                              (out / "demo.subtitled.mp4").string() + "\" > \"" + (dir / "streams").string() +
                              "\"";
    ASSERT_EQ(std::system(probe.c_str()), 0);
    const bool has_stream = test::read_file(dir / "streams").find("mov_text") != std::string::npos;
    EXPECT_EQ(has_stream, std::string(way) == "--mux");
  }
}

TEST(VideoCopy, OfSoundAloneOrWithoutFfmpegIsAnErrorOfOneLine) {
  const test::TempDir dir;
  {
    const Variable path("PATH", dir.path());
    const Outcome outcome = transcribe({kVideo, "-o", dir / "out", "--mux"});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.err, HasSubstr("--mux: expected the program ffmpeg on PATH"));
  }
  if (has_ffmpeg()) {
    const Outcome outcome = transcribe({kSpeech, "-o", dir / "out", "-f", "txt", "--mux", "--quiet"});
    EXPECT_EQ(outcome.status, 3);
    EXPECT_THAT(outcome.err, HasSubstr("ffmpeg failed"));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_FALSE(fs::exists(dir / "out" / "en.subtitled.mkv"));
  }
}

// Stops and full disks

TEST(Stop, KeepsWhatWasHeardAndSkipsTheRest) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const test::TempDir dir;
    // So many beams take long enough for the stop to come in the midst of it.
    SottoProcess process(quick({test::source_dir() / "demo/media/demo.wav", kSpeech, "-o", dir / "out", "-f",
                                "json", "--json-lines"},
                               "100"));
    process.wait_for_output("\"event\":\"segment\"");
    process.send(signal);
    const Outcome outcome = process.wait();
    ASSERT_EQ(outcome.status, 130) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("\"code\":\"cancelled\""));
    EXPECT_THAT(outcome.out, HasSubstr("{\"event\":\"end\",\"status\":130}"));
    EXPECT_THAT(outcome.out, HasSubstr("\"can_resume\":true"));
    ASSERT_EQ(names_in(dir / "out"), std::vector<std::string>({"demo.partial.journal", "demo.partial.json"}));
    const auto kept = nlohmann::json::parse(test::read_file(dir / "out" / "demo.partial.json"));
    EXPECT_FALSE(kept["segments"].empty());
  }
}

TEST(Stop, EndsReadingOfAPipeThatGivesNothing) {
  const test::TempDir dir;
  const fs::path pipe = dir / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int both_ends = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  SottoProcess process(quick({"-", "-o", dir / "out", "--json-lines"}), "", pipe);
  process.wait_for_output("\"event\":\"begin\"");
  process.send(SIGTERM);
  EXPECT_EQ(process.wait().status, 130);
  ::close(both_ends);
}

TEST(Stop, EndsWaitingForTheWriterOfANamedPipe) {
  const test::TempDir dir;
  const fs::path pipe = dir / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  SottoProcess process(quick({kSpeech, pipe, "-o", dir / "out", "-f", "txt", "--json-lines"}));
  process.wait_for_output("{\"event\":\"begin\",\"input\":\"" + pipe.string());
  process.send(SIGTERM);
  EXPECT_EQ(process.wait().status, 130);
  EXPECT_TRUE(fs::exists(dir / "out" / "en.txt"));
}

TEST(FullDisk, IsReportedForEachInputAndLeavesNothingBroken) {
  const test::TempDir dir;
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{.rlim_cur = 600, .rlim_max = old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Outcome outcome = transcribe({kSpeech, "-o", dir / "out", "-f", "json,txt", "--quiet"});
  ::setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("en.json"));
  for (const auto& entry : fs::directory_iterator(dir / "out")) {
    EXPECT_EQ(entry.path().filename(), "en.partial.txt");
  }
}

TEST(Partial, GoesAwayOnceTheWholeIsThere) {
  const test::TempDir dir;
  fs::create_directory(dir / "out");
  test::write_file(dir / "out" / "en.partial.txt", "x");
  EXPECT_EQ(transcribe({kSpeech, "-o", dir / "out", "-f", "txt", "--quiet"}).status, 0);
  EXPECT_EQ(names_in(dir / "out"), std::vector<std::string>({"en.txt"}));
}

}  // namespace
}  // namespace sotto
