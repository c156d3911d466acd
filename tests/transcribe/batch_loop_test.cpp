#include "transcribe/batch_loop.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "transcribe/hash_inference.h"

namespace sotto::transcribe {
namespace {

/// A HashInference for every window.
class HashBatch final : public BatchInference {
 public:
  void encode(const audio::LogMel& window) override { other_.encode(window); }
  void begin_batch(std::size_t n_windows) override {
    if (!windows_.empty()) {
      batch_sizes.push_back(windows_.size());
    }
    windows_.clear();
    most_ = n_windows;
  }
  void add(const audio::LogMel& window) override {
    ASSERT_LT(windows_.size(), most_);
    windows_.emplace_back().encode(window);
    chosen_ = 0;
  }
  void choose(std::size_t window) override { chosen_ = window; }
  PromptLogits start(std::span<const TokenId> prompt, std::size_t position) override {
    together_ = false;
    ++n_single_starts;
    return windows_.at(chosen_).start(prompt, position);
  }
  BatchLogits start_all(std::span<const TokenId> prompts, std::size_t position) override {
    together_ = true;
    rows_.resize(windows_.size());
    std::iota(rows_.begin(), rows_.end(), 0);
    const std::size_t length = prompts.size() / windows_.size();
    std::vector<float> next;
    at_position_.clear();
    for (std::size_t i = 0; i < windows_.size(); ++i) {
      const PromptLogits logits = windows_[i].start(prompts.subspan(i * length, length), position);
      next.insert(next.end(), logits.next.values.begin(), logits.next.values.end());
      at_position_.insert(at_position_.end(), logits.at_position.begin(), logits.at_position.end());
    }
    logits_ = std::move(next);
    return {{logits_, test::kHashVocabulary}, {at_position_, test::kHashVocabulary}};
  }
  LogitRows step(std::span<const TokenId> tokens, std::span<const std::int32_t> rows) override {
    if (!together_) {
      return windows_.at(chosen_).step(tokens, rows);
    }
    logits_.clear();
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      kept.push_back(rows_.at(static_cast<std::size_t>(rows[i])));
      const LogitRows logits = windows_[kept[i]].step(tokens.subspan(i, 1), std::vector<std::int32_t>{0});
      logits_.insert(logits_.end(), logits.values.begin(), logits.values.end());
    }
    fewest_rows = std::min(fewest_rows, kept.size());
    rows_ = kept;
    return {logits_, test::kHashVocabulary};
  }

  bool drops_rows() const override { return may_drop; }

  bool may_drop = true;
  std::size_t fewest_rows = 1000;
  std::vector<std::size_t> batch_sizes;
  int n_single_starts = 0;

 private:
  test::HashInference other_;
  std::size_t most_ = 0;
  std::vector<test::HashInference> windows_;
  std::vector<std::size_t> rows_;  // the window of each
  std::size_t chosen_ = 0;
  bool together_ = false;
  std::vector<float> logits_;
  std::vector<float> at_position_;
};

/// Recordings of n_frames each, heard together.
std::vector<Transcription> run_all(HashBatch& inference,
                                   const TranscribeOptions& options,
                                   const std::vector<std::size_t>& n_frames,
                                   const Progress& progress = {},
                                   const Listeners& listeners = {},
                                   const Unfinished* unfinished = nullptr) {
  const Vocabulary vocabulary = test::hash_vocabulary();
  const DecodingTask task(vocabulary, test::hash_dims(), options);
  std::deque<WordTimestamps> words;
  std::deque<BatchRecording> recordings;
  BatchLoop loop(inference, task, vocabulary, options, progress);
  for (const std::size_t n : n_frames) {
    const double total_s = static_cast<double>(n) / 100;
    words.emplace_back(test::hash_alignment, vocabulary, options, total_s);
    const WindowLoop::Setting setting{"en", options.word_timestamps ? &words.back() : nullptr, unfinished};
    recordings.emplace_back(vocabulary, test::hash_dims(), options, setting,
                            BatchRecording::Audio{test::recording(n), total_s}, listeners);
    loop.hear(recordings.back());
  }
  loop.flush();
  std::vector<Transcription> heard;
  for (BatchRecording& recording : recordings) {
    EXPECT_TRUE(recording.is_done());
    heard.push_back(recording.take());
  }
  return heard;
}

Transcription run(HashBatch& inference,
                  const TranscribeOptions& options,
                  const Progress& progress = {},
                  const Listeners& listeners = {},
                  const Unfinished* unfinished = nullptr) {
  return run_all(inference, options, {13000}, progress, listeners, unfinished).front();
}

TranscribeOptions with_batch(int batch_size) {
  TranscribeOptions options;
  options.batch_size = batch_size;
  options.logprob_threshold = -10.0;
  return options;
}

void expect_same(const Transcription& got, const Transcription& expected) {
  EXPECT_EQ(got.text, expected.text);
  ASSERT_EQ(got.segments.size(), expected.segments.size());
  for (std::size_t i = 0; i < got.segments.size(); ++i) {
    EXPECT_EQ(got.segments[i].tokens, expected.segments[i].tokens);
    EXPECT_EQ(got.segments[i].start_s, expected.segments[i].start_s);
    EXPECT_EQ(got.segments[i].end_s, expected.segments[i].end_s);
    EXPECT_EQ(got.segments[i].temperature, expected.segments[i].temperature);
    EXPECT_EQ(got.segments[i].avg_logprob, expected.segments[i].avg_logprob);
    EXPECT_EQ(got.segments[i].no_speech_prob, expected.segments[i].no_speech_prob);
    EXPECT_EQ(got.segments[i].words.size(), expected.segments[i].words.size());
  }
}

TEST(BatchLoop, SaysTheSameWhateverTheBatch) {
  std::vector<TranscribeOptions> all(5, with_batch(1));
  all[1].without_timestamps = true;
  all[2].compression_ratio_threshold = 0.7;  // some windows fail and are tried again one by one
  all[3].initial_prompt = "abc";
  all[3].hotwords = "de";
  all[4].word_timestamps = true;
  for (TranscribeOptions& options : all) {
    HashBatch one;
    const Transcription expected = run(one, options);
    EXPECT_FALSE(expected.segments.empty());
    for (const int batch_size : {2, 3, 8}) {
      options.batch_size = batch_size;
      HashBatch inference;
      expect_same(run(inference, options), expected);
    }
  }
}

TEST(BatchLoop, LeavesOutRowsThatHaveEnded) {
  HashBatch keeping;
  keeping.may_drop = false;
  const Transcription expected = run(keeping, with_batch(8));
  HashBatch dropping;
  expect_same(run(dropping, with_batch(8)), expected);
  EXPECT_EQ(keeping.fewest_rows, keeping.batch_sizes.front());
  EXPECT_LT(dropping.fewest_rows, keeping.fewest_rows);
}

TEST(BatchLoop, HearsAClipOfOneWindowInOnePiece) {
  TranscribeOptions options = with_batch(4);
  options.clip_timestamps = {0.0, 30.0, 30.0, 60.0, 60.0, 90.0};
  HashBatch inference;
  run(inference, options);
  EXPECT_EQ(inference.batch_sizes, (std::vector<std::size_t>{3}));
}

TEST(BatchLoop, GoesOnAtEveryCheckpointAsIfItHadNotStopped) {
  for (const bool has_words : {false, true}) {
    TranscribeOptions options = with_batch(2);
    options.word_timestamps = has_words;
    options.clip_timestamps = {0.0, 50.0, 60.0};
    std::vector<Unfinished> checkpoints;
    std::vector<Segment> segments;
    const Listeners listeners{
        .on_segment = [&](const Segment& s) { segments.push_back(s); },
        .on_checkpoint = [&](const Checkpoint& c) { checkpoints.push_back({segments, c}); }};
    HashBatch inference;
    const Transcription whole = run(inference, options, {}, listeners);
    EXPECT_GE(checkpoints.size(), 3U);
    for (const Unfinished& unfinished : checkpoints) {
      HashBatch second;
      expect_same(run(second, options, {}, {}, &unfinished), whole);
    }
  }
}

TEST(BatchLoop, FillsBatchesWithWindowsThatFollowEachOther) {
  HashBatch inference;
  const Transcription got = run(inference, with_batch(3));
  std::size_t n_windows = 0;
  for (const std::size_t size : inference.batch_sizes) {
    n_windows += size;
  }
  EXPECT_EQ(inference.batch_sizes.front(), 3U);
  EXPECT_GE(n_windows, 5U);
  const auto seek_before = [](const Segment& a, const Segment& b) { return a.seek_frames < b.seek_frames; };
  EXPECT_TRUE(std::is_sorted(got.segments.begin(), got.segments.end(), seek_before));
  EXPECT_EQ(inference.n_single_starts, 0);
}

TEST(BatchLoop, HearsRecordingsTogetherAsItHearsThemAlone) {
  std::vector<TranscribeOptions> all(4, with_batch(3));
  all[1].compression_ratio_threshold = 0.7;  // some windows fail and are tried again one by one
  all[2].word_timestamps = true;
  all[3].clip_timestamps = {0.0, 50.0, 60.0};
  const std::vector<std::size_t> lengths = {13000, 700, 3000, 0, 9000, 100};
  for (const TranscribeOptions& options : all) {
    HashBatch together;
    const std::vector<Transcription> got = run_all(together, options, lengths);
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      SCOPED_TRACE(lengths[i]);
      HashBatch alone;
      expect_same(got.at(i), run_all(alone, options, {lengths[i]}).front());
    }
    together.batch_sizes.pop_back();
    EXPECT_THAT(together.batch_sizes, testing::Each(3U));  // all but the last are full
  }
}

TEST(BatchLoop, KeepsWhatWasReadBeforeAnErrorAndThrowsItAtTheEnd) {
  const TranscribeOptions options = with_batch(4);
  const Vocabulary vocabulary = test::hash_vocabulary();
  const DecodingTask task(vocabulary, test::hash_dims(), options);
  const MelReader whole = test::recording(13000);
  const MelReader broken = [&](std::size_t seek) {
    return seek < 6000 ? whole(seek) : throw Error(ErrorCode::io, "a.wav", "reading failed.");
  };
  std::size_t n_segments = 0;
  const Listeners listeners{.on_segment = [&](const Segment&) { ++n_segments; }};
  BatchRecording recording(vocabulary, test::hash_dims(), options, {"en"}, {broken}, listeners);
  HashBatch inference;
  const Progress progress;
  BatchLoop loop(inference, task, vocabulary, options, progress);
  loop.hear(recording);
  loop.flush();
  EXPECT_GT(n_segments, 0U);
  test::expect_error([&] { recording.take(); }, ErrorCode::io, "a.wav: reading failed.");
}

TEST(BatchLoop, SearchesBeamsWindowByWindow) {
  TranscribeOptions options = with_batch(4);
  options.beam_size = 2;
  options.temperatures = {0.0};
  HashBatch inference;
  EXPECT_FALSE(run(inference, options).segments.empty());
  EXPECT_EQ(inference.batch_sizes.front(), 4U);
  EXPECT_GE(inference.n_single_starts, 4);
}

TEST(BatchLoop, KeepsWhatIsSaidUpToTheEndOfAWindow) {
  HashBatch inference;
  for (const Segment& segment : run(inference, with_batch(4)).segments) {
    const bool ends_timed = segment.tokens.back() >= test::kHashTimestamp;
    EXPECT_TRUE(ends_timed) << segment.start_s;
  }
}

TEST(BatchLoop, StopsOnRequest) {
  std::stop_source stop;
  stop.request_stop();
  HashBatch inference;
  test::expect_error([&] { run(inference, with_batch(4), {.report = {}, .stop = stop.get_token()}); },
                     ErrorCode::cancelled, "stopped");
}

}  // namespace
}  // namespace sotto::transcribe
