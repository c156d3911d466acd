#include <memory>

#include <unicode/brkiter.h>

#include "sotto/error.h"
#include "sotto/text.h"
#include "text/normalize_steps.h"
#include "text/unicode.h"

namespace sotto::text {
namespace {

/// Puts a blank between the characters a reader sees (extended grapheme clusters).
std::string split_graphemes(const std::string& text) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::BreakIterator> breaks(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
  if (U_FAILURE(status)) {
    throw Error(ErrorCode::internal, "normalize_basic", u_errorName(status));
  }
  const icu::UnicodeString all = icu::UnicodeString::fromUTF8(text);
  breaks->setText(all);
  std::string out;
  std::int32_t begin = breaks->first();
  for (std::int32_t end = breaks->next(); end != icu::BreakIterator::DONE; end = breaks->next()) {
    if (begin > 0) {
      out.push_back(' ');
    }
    all.tempSubStringBetween(begin, end).toUTF8String(out);
    begin = end;
  }
  return out;
}

}  // namespace

std::string normalize_basic(std::string_view text, bool remove_diacritics, bool split_letters) {
  const std::u32string spoken = remove_bracketed(lower_case(to_utf32(text)));
  const std::u32string clean =
      lower_case(remove_diacritics ? remove_symbols_and_diacritics(spoken) : remove_symbols(spoken));
  if (!split_letters) {
    return to_utf8(collapse_spaces(clean));
  }
  return to_utf8(collapse_spaces(to_utf32(split_graphemes(to_utf8(clean)))));
}

}  // namespace sotto::text
