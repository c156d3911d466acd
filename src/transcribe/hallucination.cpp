#include "transcribe/hallucination.h"

#include <algorithm>
#include <string_view>

#include "transcribe/frames.h"

namespace sotto::transcribe {
namespace {

constexpr std::string_view kPunctuation = "\"'“¿([{-\"'.。,，!！?？:：”)]}、";
constexpr std::size_t kJudgedWords = 8;

double anomaly_score(const Word& word) {
  const double duration_s = word.end_s - word.start_s;
  double score = word.probability < 0.15 ? 1.0 : 0.0;
  score += duration_s < 0.133 ? (0.133 - duration_s) * 15.0 : 0.0;
  score += duration_s > 2.0 ? duration_s - 2.0 : 0.0;
  return score;
}

using Iterator = std::vector<Segment>::const_iterator;

Iterator next_with_words(Iterator begin, Iterator end) {
  return std::find_if(begin, end, [](const Segment& segment) { return !segment.words.empty(); });
}

/// A window of segments and what was decided about it.
class Judge {
 public:
  Judge(const WindowSpan& window, double threshold_s, const std::vector<Segment>& segments)
      : threshold_s_(threshold_s),
        begin_s_(to_seconds(window.seek_frames)),
        audio_end_s_(to_seconds(window.seek_frames + window.n_frames)),
        window_end_s_(to_seconds(window.seek_frames + audio::kWindowFrames)),
        segments_(segments) {}

  bool silent_before(const Segment& segment, double previous_end_s) const {
    return segment.start_s - previous_end_s > threshold_s_ || segment.start_s < threshold_s_ ||
           segment.start_s - begin_s_ < 2.0;
  }

  bool silent_after(Iterator at) const {
    const Iterator next = next_with_words(at + 1, segments_.end());
    const bool is_last = next == segments_.end();
    const double next_start_s = is_last ? audio_end_s_ : next->words.front().start_s;
    return next_start_s - at->end_s > threshold_s_ || (!is_last && is_anomalous(*next)) ||
           window_end_s_ - at->end_s < 2.0;
  }

  /// The first made-up segment between silences; end() if there is none.
  Iterator first_hallucination(double last_speech_s) const {
    double previous_end_s = last_speech_s;
    for (auto at = segments_.begin(); at != segments_.end(); ++at) {
      if (at->words.empty()) {
        continue;
      }
      if (is_anomalous(*at) && silent_before(*at, previous_end_s) && silent_after(at)) {
        return at;
      }
      previous_end_s = at->end_s;
    }
    return segments_.end();
  }

 private:
  double threshold_s_;
  double begin_s_;
  double audio_end_s_;
  double window_end_s_;
  const std::vector<Segment>& segments_;
};

}  // namespace

std::optional<double> last_word_end_s(const std::vector<Segment>& segments) {
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    if (!segment->words.empty()) {
      return segment->words.back().end_s;
    }
  }
  return segments.empty() ? std::nullopt : std::optional(segments.back().end_s);
}

bool is_anomalous(const Segment& segment) {
  double score = 0.0;
  std::size_t n_judged = 0;
  for (const Word& word : segment.words) {
    if (kPunctuation.find(word.word) == std::string_view::npos && n_judged < kJudgedWords) {
      score += anomaly_score(word);
      ++n_judged;
    }
  }
  return !segment.words.empty() && (score >= 3.0 || score + 0.01 >= static_cast<double>(n_judged));
}

bool skip_hallucinations(WindowSegments& window_segments,
                         const WindowSpan& window,
                         double threshold_s,
                         double last_speech_s,
                         std::optional<double> content_s) {
  std::vector<Segment>& segments = window_segments.segments;
  const double begin_s = to_seconds(window.seek_frames);
  const std::optional<double> end_s = last_word_end_s(segments);
  if (!window_segments.single_timestamp_ending && end_s && *end_s > begin_s) {
    const bool much_is_left = begin_s + audio::kWindowS - *end_s > threshold_s;
    window_segments.advance_frames = much_is_left ? to_frames(*end_s) - window.seek_frames : window.n_frames;
  }
  const auto first = next_with_words(segments.begin(), segments.end());
  if (first != segments.end() && is_anomalous(*first) && first->start_s - begin_s > threshold_s) {
    window_segments.advance_frames = to_frames(first->start_s - begin_s);
    segments.clear();
    return false;
  }
  const auto made_up = Judge(window, threshold_s, segments).first_hallucination(last_speech_s);
  if (made_up != segments.end()) {
    const bool near_the_end = content_s && *content_s - made_up->end_s < threshold_s;
    const std::size_t seek_frames =
        near_the_end ? to_frames(*content_s) : to_frames(std::max(begin_s + 1.0, made_up->start_s));
    window_segments.advance_frames = std::max(seek_frames, window.seek_frames) - window.seek_frames;
    segments.erase(made_up, segments.end());
  }
  return true;
}

}  // namespace sotto::transcribe
