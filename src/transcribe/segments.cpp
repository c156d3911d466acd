#include "transcribe/segments.h"

#include <algorithm>
#include <iterator>

#include "transcribe/frames.h"
#include "transcribe/strip.h"

namespace sotto::transcribe {
namespace {

/// Reads timestamps out of one window's tokens and makes segments of them.
class Splitter {
 public:
  Splitter(const DecodingResult& result,
           const WindowSpan& window,
           const Vocabulary& vocabulary,
           std::size_t frames_per_timestamp)
      : result_(result),
        window_(window),
        vocabulary_(vocabulary),
        frames_per_timestamp_(frames_per_timestamp) {}

  bool single_timestamp_ending() const {
    const auto& tokens = result_.tokens;
    return tokens.size() >= 2 && !vocabulary_.is_timestamp(tokens[tokens.size() - 2]) &&
           vocabulary_.is_timestamp(tokens.back());
  }

  /// Where to cut: between two timestamps that follow each other.
  std::vector<std::size_t> cuts() const {
    std::vector<std::size_t> found;
    for (std::size_t i = 1; i < result_.tokens.size(); ++i) {
      if (vocabulary_.is_timestamp(result_.tokens[i - 1]) && vocabulary_.is_timestamp(result_.tokens[i])) {
        found.push_back(i);
      }
    }
    return found;
  }

  /// Steps of a timestamp token from the start of the window.
  std::size_t position(TokenId id) const {
    return static_cast<std::size_t>(std::max(id - vocabulary_.timestamp_begin, 0));
  }
  double offset_s(std::size_t position) const {
    return static_cast<double>(position) * to_seconds(frames_per_timestamp_);
  }

  /// The segment of the tokens [begin, end), from and to seconds after the start of the window.
  Segment segment(std::size_t begin, std::size_t end, double from_s, double to_s) const {
    Segment s;
    s.seek_frames = window_.seek_frames;
    s.start_s = to_seconds(window_.seek_frames) + from_s;
    s.end_s = to_seconds(window_.seek_frames) + to_s;
    s.stamp_start_s = s.start_s;
    s.stamp_end_s = s.end_s;
    s.tokens.assign(result_.tokens.begin() + static_cast<std::ptrdiff_t>(begin),
                    result_.tokens.begin() + static_cast<std::ptrdiff_t>(end));
    std::vector<TokenId> text_tokens;
    std::copy_if(s.tokens.begin(), s.tokens.end(), std::back_inserter(text_tokens),
                 [this](TokenId id) { return vocabulary_.is_text(id); });
    s.text = vocabulary_.decode(text_tokens);
    s.temperature = result_.temperature;
    s.avg_logprob = result_.avg_logprob;
    s.compression_ratio = result_.compression_ratio;
    s.no_speech_prob = result_.no_speech_prob;
    s.language = window_.language;
    return s;
  }

  /// The window as one segment, up to its last timestamp if that tells anything.
  Segment whole() const {
    const auto& tokens = result_.tokens;
    const auto last = std::find_if(tokens.rbegin(), tokens.rend(),
                                   [this](TokenId id) { return vocabulary_.is_timestamp(id); });
    const bool has_end = last != tokens.rend() && position(*last) > 0;
    return segment(0, tokens.size(), 0.0, has_end ? offset_s(position(*last)) : to_seconds(window_.n_frames));
  }

 private:
  const DecodingResult& result_;
  const WindowSpan& window_;
  const Vocabulary& vocabulary_;
  std::size_t frames_per_timestamp_;
};

}  // namespace

WindowSegments split_segments(const DecodingResult& result,
                              const WindowSpan& window,
                              const Vocabulary& vocabulary,
                              std::size_t frames_per_timestamp) {
  const Splitter splitter(result, window, vocabulary, frames_per_timestamp);
  WindowSegments out;
  out.single_timestamp_ending = splitter.single_timestamp_ending();
  out.advance_frames = window.n_frames;
  std::vector<std::size_t> cuts = splitter.cuts();
  if (cuts.empty()) {
    out.segments.push_back(splitter.whole());
    return out;
  }
  if (out.single_timestamp_ending) {
    cuts.push_back(result.tokens.size());
  }
  std::size_t begin = 0;
  for (const std::size_t end : cuts) {
    const double from_s = splitter.offset_s(splitter.position(result.tokens[begin]));
    const double to_s = splitter.offset_s(splitter.position(result.tokens[end - 1]));
    out.segments.push_back(splitter.segment(begin, end, from_s, to_s));
    begin = end;
  }
  if (!out.single_timestamp_ending) {
    out.advance_frames = splitter.position(result.tokens[begin - 1]) * frames_per_timestamp;
  }
  if (out.advance_frames == 0) {  // rules that are off or broken must not keep us here for ever
    out.advance_frames = window.n_frames;
  }
  return out;
}

void remove_empty_segments(std::vector<Segment>& segments) {
  std::erase_if(segments, [](const Segment& segment) {
    return segment.start_s == segment.end_s || strip(segment.text).empty();
  });
}

}  // namespace sotto::transcribe
