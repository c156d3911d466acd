#include "transcribe/subtitles/unit.h"

#include <algorithm>
#include <array>

#include "text/unicode.h"
#include "transcribe/strip.h"

namespace sotto::subtitles {
namespace {

constexpr std::u32string_view kSentenceEnds = U".!?…。！？．؟۔।॥።။។";
constexpr std::u32string_view kClauseEnds = U",;:、，；：،؛–—)）";
constexpr std::u32string_view kClosers = U"\"'”’»›)]}）］｝」』】〉》";
/// Characters that may not begin a line (the first levels of JIS X 4051, and punctuation after a space as
/// French sets it).
constexpr std::u32string_view kNotFirst =
    U".,!?;:%…)]}»›”’、。，．！？：；）］｝」』】〉》・ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ";
constexpr std::u32string_view kNotLast = U"([{«‹“‘¿¡（［｛「『【〈《";

bool holds(std::u32string_view set, char32_t c) {
  return set.find(c) != std::u32string_view::npos;
}

/// Text of one word in both forms.
struct Piece {
  CueWord word;
  std::u32string letters;  ///< stripped
  bool space_before = false;
};

Piece piece_of(const CueWord& word) {
  const std::string_view bare = transcribe::strip(word.text);
  const bool spaced = !bare.empty() && word.text.find(bare) > 0;
  return {.word = {word.start_s, word.end_s, std::string(bare)},
          .letters = text::to_utf32(bare),
          .space_before = spaced};
}

bool begins_piece(char32_t previous, char32_t c) {
  return text::is_written_without_spaces(c) || text::is_written_without_spaces(previous);
}

/// A segment's text cut into words among which the time between start and end is shared out by width.
std::vector<CueWord> timed_by_width(const transcribe::Segment& segment, double start_s, double end_s) {
  std::vector<std::u32string> pieces;
  char32_t previous = U' ';
  for (const char32_t c : text::to_utf32(segment.text)) {
    const bool new_word = text::is_whitespace(c) && !text::is_whitespace(previous);
    if (pieces.empty() || new_word || (!text::is_whitespace(previous) && begins_piece(previous, c))) {
      pieces.emplace_back();
    }
    pieces.back().push_back(text::is_whitespace(c) ? U' ' : c);
    previous = c;
  }
  const double total = std::max(text::display_width(segment.text), 1);
  std::vector<CueWord> words;
  double width = 0;
  for (const std::u32string& piece : pieces) {
    const std::string utf8 = text::to_utf8(piece);
    const double from_s = start_s + (end_s - start_s) * width / total;
    width += text::display_width(utf8);
    words.push_back({from_s, start_s + (end_s - start_s) * std::min(width / total, 1.0), utf8});
  }
  return words;
}

/// True if the words' times contradict the segment's timestamps: attention may lose its way, above all before
/// silence, where timestamps hold.
bool words_went_astray(const transcribe::Segment& segment) {
  constexpr double kMostApartS = 1.0;
  return !segment.words.empty() && segment.stamp_end_s > segment.stamp_start_s &&
         (segment.words.front().start_s < segment.stamp_start_s - kMostApartS ||
          segment.words.back().end_s > segment.stamp_end_s + kMostApartS);
}

std::vector<CueWord> words_of(const transcribe::Segment& segment) {
  if (words_went_astray(segment)) {
    return timed_by_width(segment, segment.stamp_start_s, segment.stamp_end_s);
  }
  std::vector<CueWord> words;
  for (const transcribe::Word& word : segment.words) {
    words.push_back({word.start_s, word.end_s, word.word});
  }
  return words.empty() ? timed_by_width(segment, segment.start_s, segment.end_s) : words;
}

/// True for "Dr." and single letters, whose full stop ends no sentence, and "3.", which seldom does.
bool is_abbreviation(std::u32string_view word) {
  static constexpr std::array<std::u32string_view, 10> kTitles = {U"Mr", U"Mrs", U"Ms", U"Dr",  U"Prof",
                                                                  U"St", U"Hr",  U"Fr", U"Sra", U"Nr"};
  word.remove_suffix(1);
  const bool is_figure = !word.empty() && std::all_of(word.begin(), word.end(), text::is_number);
  return word.size() == 1 || is_figure || std::find(kTitles.begin(), kTitles.end(), word) != kTitles.end();
}

Stop stop_after(std::u32string_view word) {
  while (word.size() > 1 && holds(kClosers, word.back())) {
    word.remove_suffix(1);
  }
  if (word.empty()) {
    return Stop::none;
  }
  if (holds(kSentenceEnds, word.back())) {
    return word.back() == U'.' && is_abbreviation(word) ? Stop::none : Stop::sentence;
  }
  return holds(kClauseEnds, word.back()) ? Stop::clause : Stop::none;
}

class UnitBuilder {
 public:
  void add(const CueWord& word) {
    Piece piece = piece_of(word);
    if (piece.letters.empty()) {
      space_pending_ = true;
      return;
    }
    piece.space_before = piece.space_before || space_pending_;
    space_pending_ = false;
    if (may_break_before(piece)) {
      units_.push_back({.space_before = piece.space_before});
    } else if (piece.space_before) {
      piece.word.text.insert(0, 1, ' ');
    }
    Unit& unit = units_.back();
    unit.width += text::display_width(piece.word.text);
    unit.stop = stop_after(piece.letters);
    unit.words.push_back(std::move(piece.word));
    last_ = piece.letters.back();
  }

  void end_segment() {
    if (!units_.empty() && units_.back().stop == Stop::none) {
      units_.back().stop = Stop::segment;
    }
    ends_segment_ = true;
  }

  std::vector<Unit> take() { return std::move(units_); }

 private:
  bool may_break_before(Piece& piece) {
    const bool after_segment = std::exchange(ends_segment_, false);
    if (units_.empty()) {
      return true;
    }
    const char32_t first = piece.letters.front();
    if (after_segment) {
      piece.space_before = piece.space_before || !begins_piece(last_, first);
      return true;
    }
    if (holds(kNotFirst, first) || holds(kNotLast, last_)) {
      return false;
    }
    return piece.space_before || begins_piece(last_, first);
  }

  std::vector<Unit> units_;
  char32_t last_ = U' ';
  bool space_pending_ = false;
  bool ends_segment_ = false;
};

}  // namespace

std::vector<Unit> units_of(const transcribe::Transcription& transcription) {
  UnitBuilder builder;
  for (const auto& segment : transcription.segments) {
    for (const CueWord& word : words_of(segment)) {
      builder.add(word);
    }
    builder.end_segment();
  }
  return builder.take();
}

}  // namespace sotto::subtitles
