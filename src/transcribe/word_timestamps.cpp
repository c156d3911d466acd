#include "transcribe/word_timestamps.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "transcribe/frames.h"
#include "transcribe/hallucination.h"
#include "transcribe/strip.h"

namespace sotto::transcribe {
namespace {

constexpr std::string_view kSentenceEnds = ".。!！?？";
constexpr double kLongestMedianS = 0.7;

// Python's `a in b` of two strings: also true of an empty a.
bool is_part_of(std::string_view part, std::string_view text) {
  return text.find(part) != std::string_view::npos;
}

double round_to_hundredth(double seconds) {
  return std::nearbyint(seconds * 100.0) / 100.0;
}

void move_into(WordTiming& from, WordTiming& to, bool before) {
  to.word = before ? from.word + to.word : to.word + from.word;
  to.tokens.insert(before ? to.tokens.begin() : to.tokens.end(), from.tokens.begin(), from.tokens.end());
  from.word.clear();
  from.tokens.clear();
}

/// After a pause the first two words are often stretched over it.
void truncate_after_pause(std::vector<Word>& words, double median_s, double last_speech_s) {
  const double max_s = 2.0 * median_s;
  Word& first = words[0];
  const bool has_second = words.size() > 1;
  const bool too_long =
      first.end_s - first.start_s > max_s || (has_second && words[1].end_s - first.start_s > 2.0 * max_s);
  if (first.end_s - last_speech_s <= 4.0 * median_s || !too_long) {
    return;
  }
  if (has_second && words[1].end_s - words[1].start_s > max_s) {
    const double boundary_s = std::max(words[1].end_s / 2.0, words[1].end_s - max_s);
    first.end_s = boundary_s;
    words[1].start_s = boundary_s;
  }
  first.start_s = std::max(0.0, first.end_s - max_s);
}

/// Words and timestamps of a segment bound each other; where they are far apart the timestamps win.
void reconcile(Segment& segment, double median_s) {
  Word& first = segment.words.front();
  if (segment.start_s < first.end_s && segment.start_s - 0.5 > first.start_s) {
    first.start_s = std::max(0.0, std::min(first.end_s - median_s, segment.start_s));
  } else {
    segment.start_s = first.start_s;
  }
  Word& last = segment.words.back();
  if (segment.end_s > last.start_s && segment.end_s + 0.5 < last.end_s) {
    last.end_s = std::max(last.start_s + median_s, segment.end_s);
  } else {
    segment.end_s = last.end_s;
  }
}

}  // namespace

void merge_punctuations(std::vector<WordTiming>& alignment,
                        std::string_view prepended,
                        std::string_view appended) {
  std::size_t following = alignment.empty() ? 0 : alignment.size() - 1;
  for (std::size_t i = alignment.size(); i-- > 1;) {
    WordTiming& previous = alignment[i - 1];
    if (previous.word.starts_with(' ') && is_part_of(strip(previous.word), prepended)) {
      move_into(previous, alignment[following], true);
    } else {
      following = i - 1;
    }
  }
  std::size_t previous = 0;
  for (std::size_t i = 1; i < alignment.size(); ++i) {
    if (!alignment[previous].word.ends_with(' ') && is_part_of(alignment[i].word, appended)) {
      move_into(alignment[i], alignment[previous], false);
    } else {
      previous = i;
    }
  }
}

double median_duration(const std::vector<WordTiming>& alignment) {
  std::vector<double> durations;
  for (const WordTiming& timing : alignment) {
    if (timing.end_s != timing.start_s) {
      durations.push_back(timing.end_s - timing.start_s);
    }
  }
  if (durations.empty()) {
    return 0.0;
  }
  std::sort(durations.begin(), durations.end());
  const std::size_t half = durations.size() / 2;
  const double median =
      durations.size() % 2 == 1 ? durations[half] : (durations[half - 1] + durations[half]) / 2.0;
  return std::min(kLongestMedianS, median);
}

void truncate_at_sentence_ends(std::vector<WordTiming>& alignment, double median_s) {
  const double max_s = 2.0 * median_s;
  if (median_s == 0.0) {
    return;
  }
  for (std::size_t i = 1; i < alignment.size(); ++i) {
    WordTiming& timing = alignment[i];
    if (timing.end_s - timing.start_s <= max_s) {
      continue;
    }
    if (is_part_of(timing.word, kSentenceEnds)) {
      timing.end_s = timing.start_s + max_s;
    } else if (is_part_of(alignment[i - 1].word, kSentenceEnds)) {
      timing.start_s = timing.end_s - max_s;
    }
  }
}

void add_word_timestamps(std::vector<Segment>& segments,
                         const std::vector<WordTiming>& alignment,
                         const Vocabulary& vocabulary,
                         double median_s,
                         double offset_s,
                         double last_speech_s) {
  std::size_t next = 0;
  for (Segment& segment : segments) {
    const auto is_text = [&](TokenId id) { return vocabulary.is_text(id); };
    const auto n_tokens =
        static_cast<std::size_t>(std::count_if(segment.tokens.begin(), segment.tokens.end(), is_text));
    std::size_t n_dealt = 0;
    for (; next < alignment.size() && n_dealt < n_tokens; ++next) {
      const WordTiming& timing = alignment[next];
      if (!timing.word.empty()) {
        segment.words.push_back({timing.word, round_to_hundredth(offset_s + timing.start_s),
                                 round_to_hundredth(offset_s + timing.end_s), timing.probability});
      }
      n_dealt += timing.tokens.size();
    }
    if (!segment.words.empty()) {
      truncate_after_pause(segment.words, median_s, last_speech_s);
      reconcile(segment, median_s);
      last_speech_s = segment.end_s;
    }
  }
}

WordTimestamps::WordTimestamps(AlignText align,
                               const Vocabulary& vocabulary,
                               const TranscribeOptions& options,
                               std::optional<double> content_s)
    : align_(std::move(align)), vocabulary_(vocabulary), options_(options), content_s_(content_s) {}

std::vector<TokenId> WordTimestamps::text_tokens(const std::vector<Segment>& segments) const {
  std::vector<TokenId> tokens;
  for (const Segment& segment : segments) {
    std::copy_if(segment.tokens.begin(), segment.tokens.end(), std::back_inserter(tokens),
                 [this](TokenId id) { return vocabulary_.is_text(id); });
  }
  return tokens;
}

bool WordTimestamps::add(WindowSegments& window_segments, const WindowSpan& window) {
  const double offset_s = to_seconds(window.seek_frames);
  std::vector<Segment>& segments = window_segments.segments;
  std::vector<WordTiming> alignment = align_(text_tokens(segments), window.n_frames, window.language);
  if (!alignment.empty()) {
    const double median_s = median_duration(alignment);
    truncate_at_sentence_ends(alignment, median_s);
    merge_punctuations(alignment, options_.prepend_punctuations, options_.append_punctuations);
    add_word_timestamps(segments, alignment, vocabulary_, median_s, offset_s, last_speech_s_);
  }
  const std::optional<double> end_s = last_word_end_s(segments);
  if (options_.words_move_windows && !window_segments.single_timestamp_ending && end_s && *end_s > offset_s) {
    window_segments.advance_frames = to_frames(*end_s) - window.seek_frames;
  }
  if (options_.hallucination_silence_threshold &&
      !skip_hallucinations(window_segments, window, *options_.hallucination_silence_threshold, last_speech_s_,
                           content_s_)) {
    return false;
  }
  last_speech_s_ = last_word_end_s(segments).value_or(last_speech_s_);
  return true;
}

}  // namespace sotto::transcribe
