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
/// The last ones are vowels of Thai and Lao that are written before their consonant, and Khmer's sign that
/// puts one consonant below another.
constexpr std::u32string_view kNotLast = U"([{«‹“‘¿¡（［｛「『【〈《เแโใไເແໂໃໄ\u17D2";

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
  std::u32string letters = text::to_utf32(bare);
  std::ranges::replace_if(letters, text::is_whitespace, U' ');  // a line ends where we say so
  return {
      .word = {word.start_s, word.end_s, text::to_utf8(letters)}, .letters = letters, .space_before = spaced};
}

/// The word in pieces of at most `max_width` columns, its time shared out by width. Marks stay with what they
/// are set on.
std::vector<CueWord> cut_to_width(const CueWord& word, int max_width) {
  const std::string_view bare = transcribe::strip(word.text);
  const int total = text::display_width(bare);
  if (total <= max_width) {
    return {word};
  }
  const auto time_at = [&](int width) { return word.start_s + (word.end_s - word.start_s) * width / total; };
  std::vector<CueWord> pieces;
  std::u32string letters;
  int begin = 0;
  int end = 0;
  const auto flush = [&] {
    pieces.push_back({time_at(begin), time_at(end), text::to_utf8(letters)});
    letters.clear();
    begin = end;
  };
  for (const char32_t c : text::to_utf32(bare)) {
    if (end > begin && end - begin + text::display_width(c) > max_width && text::display_width(c) > 0) {
      flush();
    }
    letters.push_back(c);
    end += text::display_width(c);
  }
  flush();
  pieces.front().text.insert(0, word.text.substr(0, word.text.find(bare)));
  return pieces;
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
  void add(const CueWord& word, int max_width) {
    const std::vector<CueWord> pieces = cut_to_width(word, max_width);
    for (const CueWord& piece : pieces) {
      add_piece(piece, &piece != &pieces.front());
    }
  }

  void end_segment() {
    if (!units_.empty() && units_.back().stop == Stop::none) {
      units_.back().stop = Stop::segment;
    }
    ends_segment_ = true;
  }

  std::vector<Unit> take() { return std::move(units_); }

 private:
  void add_piece(const CueWord& word, bool goes_on) {
    Piece piece = piece_of(word);
    if (piece.letters.empty()) {
      space_pending_ = true;
      return;
    }
    piece.space_before = piece.space_before || space_pending_;
    space_pending_ = false;
    if (goes_on || may_break_before(piece)) {
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
    if (holds(kNotFirst, first) || holds(kNotLast, last_) || text::display_width(first) == 0) {
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

std::vector<Unit> units_of(const transcribe::Transcription& transcription, int max_width) {
  UnitBuilder builder;
  for (const auto& segment : transcription.segments) {
    for (const CueWord& word : words_of(segment)) {
      builder.add(word, max_width);
    }
    builder.end_segment();
  }
  return builder.take();
}

}  // namespace sotto::subtitles
