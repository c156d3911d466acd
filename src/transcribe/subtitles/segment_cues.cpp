#include <algorithm>
#include <cmath>

#include "text/unicode.h"
#include "transcribe/strip.h"
#include "transcribe/subtitles/cue.h"
#include "transcribe/subtitles/timestamp.h"

namespace sotto::subtitles {
namespace {

constexpr std::size_t kUnlimited = 1000;  // utils.py's
constexpr double kLongPauseS = 3.0;

std::size_t n_characters(std::string_view text) {
  return text::to_utf32(text).size();
}

/// utils.py's loop over words: which of them begin a line or a cue.
class Wrapper {
 public:
  explicit Wrapper(const LayoutOptions& options)
      : max_width_(options.max_line_width > 0 ? static_cast<std::size_t>(options.max_line_width)
                                              : kUnlimited),
        max_lines_(options.max_line_count),
        max_words_(options.max_words_per_line > 0 ? static_cast<std::size_t>(options.max_words_per_line)
                                                  : kUnlimited),
        preserves_segments_(options.max_line_count <= 0 || options.max_line_width <= 0) {}

  std::vector<Cue> wrap(const std::vector<transcribe::Segment>& segments) {
    last_start_s_ = first_start(segments);
    for (const auto& segment : segments) {
      for (std::size_t i = 0; i < segment.words.size(); ++i) {
        add(segment.words[i], i % max_words_ == 0);
      }
    }
    finish_cue();
    return std::move(cues_);
  }

 private:
  static double first_start(const std::vector<transcribe::Segment>& segments) {
    for (const auto& segment : segments) {
      if (!segment.words.empty()) {
        return segment.words.front().start_s;
      }
    }
    return 0.0;
  }

  void add(const transcribe::Word& word, bool begins_chunk) {
    const bool long_pause = !preserves_segments_ && word.start_s - last_start_s_ > kLongPauseS;
    const bool has_room = line_width_ + n_characters(word.word) <= max_width_;
    const bool segment_break = begins_chunk && !cue_.words.empty() && preserves_segments_;
    CueWord shown{word.start_s, word.end_s, word.word};
    if (line_width_ > 0 && has_room && !long_pause && !segment_break) {
      line_width_ += n_characters(word.word);
    } else {
      shown.text = transcribe::strip(word.word);
      line_width_ = begin_line(shown, long_pause, segment_break);
    }
    cue_.words.push_back(std::move(shown));
    last_start_s_ = word.start_s;
  }

  /// Begins a cue or a line with `word`, which is stripped; returns the line's width.
  std::size_t begin_line(CueWord& word, bool long_pause, bool segment_break) {
    const std::size_t width = n_characters(word.text);
    const bool is_full = !cue_.words.empty() && max_lines_ > 0 && (long_pause || n_lines_ >= max_lines_);
    if (is_full || segment_break) {
      finish_cue();
    } else if (line_width_ > 0) {
      ++n_lines_;
      word.text.insert(0, 1, '\n');
    }
    return width;
  }

  void finish_cue() {
    if (!cue_.words.empty()) {
      cue_.start_s = cue_.words.front().start_s;
      cue_.end_s = cue_.words.back().end_s;
      cues_.push_back(std::move(cue_));
    }
    cue_ = {};
    n_lines_ = 1;
  }

  const std::size_t max_width_;
  const int max_lines_;
  const std::size_t max_words_;
  const bool preserves_segments_;
  std::vector<Cue> cues_;
  Cue cue_;
  std::size_t line_width_ = 0;
  int n_lines_ = 1;
  double last_start_s_ = 0.0;
};

/// `word` between <u> and </u>, white space in front left out.
std::string underlined(std::string_view word) {
  const std::string_view bare = transcribe::strip(word);
  const std::size_t at = bare.empty() ? word.size() : word.find(bare);
  return std::string(word.substr(0, at)) + "<u>" + std::string(word.substr(at)) + "</u>";
}

}  // namespace

std::vector<Cue> segment_cues(const transcribe::Transcription& transcription, const LayoutOptions& options) {
  const auto& segments = transcription.segments;
  const bool has_words =
      std::any_of(segments.begin(), segments.end(), [](const auto& s) { return !s.words.empty(); });
  if (has_words) {
    return Wrapper(options).wrap(segments);
  }
  std::vector<Cue> cues;
  for (const auto& segment : segments) {
    cues.push_back({segment.start_s,
                    segment.end_s,
                    {{segment.start_s, segment.end_s, std::string(transcribe::strip(segment.text))}}});
  }
  return cues;
}

std::vector<Cue> underline_words(const std::vector<Cue>& cues) {
  std::vector<Cue> out;
  for (const Cue& cue : cues) {
    double last_s = cue.start_s;
    for (std::size_t i = 0; i < cue.words.size(); ++i) {
      const CueWord& word = cue.words[i];
      if (shown_ms(last_s) != shown_ms(word.start_s)) {
        out.push_back({last_s, word.start_s, cue.words});
      }
      out.push_back({word.start_s, word.end_s, cue.words});
      out.back().words[i].text = underlined(word.text);
      last_s = word.end_s;
    }
    if (shown_ms(cue.end_s) > shown_ms(last_s)) {
      out.push_back({last_s, cue.end_s, cue.words});
    }
  }
  return out;
}

}  // namespace sotto::subtitles
