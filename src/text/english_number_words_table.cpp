#include <string>
#include <unordered_map>

#include "text/english_number_words.h"

namespace sotto::text {
namespace {

struct Number {
  int value;
  std::string_view cardinal;
  std::string_view plural;
  std::string_view ordinal;
};

// "nineth" is Whisper's: it forms ordinals by rule and so does not know "ninth".
constexpr Number kOnes[] = {
    {1, "one", "ones", "first"},
    {2, "two", "twos", "second"},
    {3, "three", "threes", "third"},
    {4, "four", "fours", "fourth"},
    {5, "five", "fives", "fifth"},
    {6, "six", "sixes", "sixth"},
    {7, "seven", "sevens", "seventh"},
    {8, "eight", "eights", "eighth"},
    {9, "nine", "nines", "nineth"},
    {10, "ten", "tens", "tenth"},
    {11, "eleven", "elevens", "eleventh"},
    {12, "twelve", "twelves", "twelfth"},
    {13, "thirteen", "thirteens", "thirteenth"},
    {14, "fourteen", "fourteens", "fourteenth"},
    {15, "fifteen", "fifteens", "fifteenth"},
    {16, "sixteen", "sixteens", "sixteenth"},
    {17, "seventeen", "seventeens", "seventeenth"},
    {18, "eighteen", "eighteens", "eighteenth"},
    {19, "nineteen", "nineteens", "nineteenth"},
};

constexpr Number kTens[] = {
    {20, "twenty", "twenties", "twentieth"}, {30, "thirty", "thirties", "thirtieth"},
    {40, "forty", "forties", "fortieth"},    {50, "fifty", "fifties", "fiftieth"},
    {60, "sixty", "sixties", "sixtieth"},    {70, "seventy", "seventies", "seventieth"},
    {80, "eighty", "eighties", "eightieth"}, {90, "ninety", "nineties", "ninetieth"},
};

// Powers of ten; plural and ordinal end in s and th.
constexpr struct {
  int power;
  std::string_view name;
} kMultipliers[] = {
    {2, "hundred"},     {3, "thousand"},     {6, "million"},      {9, "billion"},
    {12, "trillion"},   {15, "quadrillion"}, {18, "quintillion"}, {21, "sextillion"},
    {24, "septillion"}, {27, "octillion"},   {30, "nonillion"},   {33, "decillion"},
};

constexpr struct {
  std::string_view word;
  NumberWord meaning;
} kOthers[] = {
    {"o", {NumberRole::zero, 0}},
    {"oh", {NumberRole::zero, 0}},
    {"zero", {NumberRole::zero, 0}},
    {"zeroth", {NumberRole::one_suffixed, 0, "th"}},
    {"minus", {NumberRole::preceding_prefixer, 0, "-"}},
    {"negative", {NumberRole::preceding_prefixer, 0, "-"}},
    {"plus", {NumberRole::preceding_prefixer, 0, "+"}},
    {"positive", {NumberRole::preceding_prefixer, 0, "+"}},
    {"pound", {NumberRole::following_prefixer, 0, "£"}},
    {"pounds", {NumberRole::following_prefixer, 0, "£"}},
    {"euro", {NumberRole::following_prefixer, 0, "€"}},
    {"euros", {NumberRole::following_prefixer, 0, "€"}},
    {"dollar", {NumberRole::following_prefixer, 0, "$"}},
    {"dollars", {NumberRole::following_prefixer, 0, "$"}},
    {"cent", {NumberRole::following_prefixer, 0, "¢"}},
    {"cents", {NumberRole::following_prefixer, 0, "¢"}},
    {"per", {NumberRole::per, 0}},
    {"percent", {NumberRole::percent, 0}},
    {"and", {NumberRole::special, 0}},
    {"double", {NumberRole::special, 2}},
    {"triple", {NumberRole::special, 3}},
    {"point", {NumberRole::special, 0}},
};

std::string_view ordinal_suffix(int value) {
  return value == 1 ? "st" : value == 2 ? "nd" : value == 3 ? "rd" : "th";
}

using Words = std::unordered_map<std::string, NumberWord>;

Words all_words() {
  Words words;
  for (const Number& n : kOnes) {
    words.emplace(n.cardinal, NumberWord{NumberRole::one, n.value});
    words.emplace(n.plural, NumberWord{NumberRole::one_suffixed, n.value, "s"});
    words.emplace(n.ordinal, NumberWord{NumberRole::one_suffixed, n.value, ordinal_suffix(n.value)});
  }
  for (const Number& n : kTens) {
    words.emplace(n.cardinal, NumberWord{NumberRole::ten, n.value});
    words.emplace(n.plural, NumberWord{NumberRole::ten_suffixed, n.value, "s"});
    words.emplace(n.ordinal, NumberWord{NumberRole::ten_suffixed, n.value, "th"});
  }
  for (const auto& [power, name] : kMultipliers) {
    words.emplace(name, NumberWord{NumberRole::multiplier, power});
    words.emplace(std::string(name) + "s", NumberWord{NumberRole::multiplier_suffixed, power, "s"});
    words.emplace(std::string(name) + "th", NumberWord{NumberRole::multiplier_suffixed, power, "th"});
  }
  for (const auto& [word, meaning] : kOthers) {
    words.emplace(word, meaning);
  }
  return words;
}

}  // namespace

NumberWord number_word(std::string_view word) {
  static const Words kWords = all_words();
  const auto found = kWords.find(std::string(word));
  return found == kWords.end() ? NumberWord{} : found->second;
}

}  // namespace sotto::text
