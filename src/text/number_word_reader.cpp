#include "text/number_word_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <unicode/uchar.h>

#include "text/decimal.h"
#include "text/english_number_words.h"
#include "text/unicode.h"

namespace sotto::text {
namespace {

/// A number being read: whole numbers can still grow by arithmetic, digit strings only by concatenation.
struct Value {
  bool is_whole = false;
  std::string digits;
};

/// "$5" → {"$", "5"}; no prefix → {"", word}.
std::pair<std::string_view, std::string_view> split_prefix(std::string_view word) {
  constexpr std::array<std::string_view, 6> kPrefixes = {"-", "+", "£", "€", "$", "¢"};
  for (const std::string_view prefix : kPrefixes) {
    if (word.starts_with(prefix)) {
      return {prefix, word.substr(prefix.size())};
    }
  }
  return {{}, word};
}

/// The word in ASCII digits if it is digits of any script with at most one point between (\d+(\.\d+)?).
std::optional<std::string> as_number(std::string_view word) {
  std::string ascii;
  std::size_t n_points = 0;
  for (const char32_t c : to_utf32(word)) {
    if (c == U'.') {
      ++n_points;
      ascii.push_back('.');
    } else if (const auto digit = u_charDigitValue(static_cast<UChar32>(c)); digit >= 0) {
      ascii.push_back(static_cast<char>('0' + digit));
    } else {
      return std::nullopt;
    }
  }
  const bool digits_on_both_sides = !ascii.empty() && ascii.front() != '.' && ascii.back() != '.';
  return digits_on_both_sides && n_points <= 1 ? std::optional(ascii) : std::nullopt;
}

bool is_decimal_word(NumberRole role) {
  return role == NumberRole::zero || role == NumberRole::one || role == NumberRole::ten;
}

class Reader {
 public:
  explicit Reader(const std::vector<std::string>& words) : words_(words) {}

  std::vector<std::string> read() {
    for (at_ = 0; at_ < words_.size(); ++at_) {
      previous_ = at_ == 0 ? NumberWord{} : number_word(words_[at_ - 1]);
      next_ = at_ + 1 == words_.size() ? NumberWord{} : number_word(words_[at_ + 1]);
      next_is_numeric_ = at_ + 1 < words_.size() && as_number(words_[at_ + 1]).has_value();
      read_word(words_[at_]);
    }
    emit_value();
    return std::move(out_);
  }

 private:
  void read_word(const std::string& word) {
    const auto [prefix, rest] = split_prefix(word);
    if (const auto number = as_number(rest)) {
      read_number(word, prefix, rest, *number);
      return;
    }
    const NumberWord current = number_word(word);
    switch (current.role) {
      case NumberRole::none:
        emit_value();
        emit(word);
        break;
      case NumberRole::zero:
        append_digits("0");
        break;
      case NumberRole::one:
        value_ = plus_one(current.value);
        break;
      case NumberRole::one_suffixed:
        emit(plus_one(current.value).digits + std::string(current.affix));
        break;
      case NumberRole::ten:
        value_ = plus_ten(current.value);
        break;
      case NumberRole::ten_suffixed:
        emit(plus_ten(current.value).digits + std::string(current.affix));
        break;
      case NumberRole::multiplier:
        value_ = times(static_cast<std::size_t>(current.value));
        break;
      case NumberRole::multiplier_suffixed:
        emit(times(static_cast<std::size_t>(current.value)).digits + std::string(current.affix));
        break;
      case NumberRole::preceding_prefixer:
        read_sign(word, current);
        break;
      case NumberRole::following_prefixer:
        read_currency(word, current);
        break;
      case NumberRole::per:
      case NumberRole::percent:
        read_percent(word, current);
        break;
      case NumberRole::special:
        read_special(word, current);
        break;
    }
  }

  void read_number(std::string_view word,
                   std::string_view prefix,
                   std::string_view rest,
                   const std::string& number) {
    if (value_ && !value_->is_whole && value_->digits.ends_with('.')) {
      value_->digits += word;  // decimals, or the next part of an IP address
      return;
    }
    emit_value();
    if (!prefix.empty()) {
      prefix_ = prefix;
    }
    const auto whole = times_power_of_ten(number, 0);
    value_ = whole ? Value{true, *whole} : Value{false, std::string(rest)};
  }

  /// The value with one to nineteen said after it.
  Value plus_one(int ones) const {
    const std::string digits = std::to_string(ones);
    if (!value_) {
      return {true, digits};
    }
    if (!value_->is_whole || previous_.role == NumberRole::one) {
      if (previous_.role == NumberRole::ten && ones < 10) {
        return {false, value_->digits.substr(0, value_->digits.size() - 1) + digits};
      }
      return {false, value_->digits + digits};
    }
    return grown_by(digits, ones < 10 ? 1 : 2);
  }

  /// The value with twenty to ninety said after it.
  Value plus_ten(int tens) const {
    const std::string digits = std::to_string(tens);
    if (!value_) {
      return {true, digits};
    }
    return value_->is_whole ? grown_by(digits, 2) : Value{false, value_->digits + digits};
  }

  /// "hundred" + "twenty" is a sum, "nineteen" + "twenty" two numbers side by side.
  Value grown_by(const std::string& digits, std::size_t n_digits) const {
    if (ends_in_zeros(value_->digits, n_digits)) {
      return {true, add(value_->digits, digits)};
    }
    return {false, value_->digits + digits};
  }

  /// The value times 10^power; only what was said since the last thousand is multiplied.
  Value times(std::size_t power) {
    const Value alone{true, "1" + std::string(power, '0')};
    if (!value_) {
      return alone;
    }
    if (!value_->is_whole || value_->digits == "0") {
      if (const auto product = times_power_of_ten(value_->digits, power)) {
        return {true, *product};
      }
      emit_value();
      return alone;
    }
    const std::string& digits = value_->digits;
    const std::size_t n_before = digits.size() - std::min<std::size_t>(digits.size(), 3);
    const std::string before = canonical(digits.substr(0, n_before) + "000");
    return {true, add(before, canonical(digits.substr(n_before) + std::string(power, '0')))};
  }

  void read_sign(const std::string& word, const NumberWord& sign) {
    emit_value();
    if (next_.role != NumberRole::none || next_is_numeric_) {
      prefix_ = sign.affix;
    } else {
      emit(word);
    }
  }

  void read_currency(const std::string& word, const NumberWord& currency) {
    if (value_) {
      prefix_ = currency.affix;
      emit_value();
    } else {
      emit(word);
    }
  }

  void read_percent(const std::string& word, const NumberWord& current) {
    const bool says_cent = at_ + 1 < words_.size() && words_[at_ + 1] == "cent";
    if (value_ && (current.role == NumberRole::percent || says_cent)) {
      emit(value_->digits + "%");
      at_ += current.role == NumberRole::per ? 1 : 0;
      return;
    }
    emit_value();
    emit(word);
  }

  void read_special(const std::string& word, const NumberWord& current) {
    const bool repeats = current.value > 0;
    const bool next_is_digit = next_.role == NumberRole::one || next_.role == NumberRole::zero;
    if (next_.role == NumberRole::none && !next_is_numeric_) {
      emit_value();
      emit(word);
    } else if (word == "and") {
      if (previous_.role != NumberRole::multiplier) {
        emit_value();
        emit(word);
      }
    } else if (repeats && next_is_digit) {
      for (int i = 0; i < current.value; ++i) {
        append_digits(std::to_string(next_.value));
      }
      ++at_;
    } else if (repeats) {
      emit_value();
      emit(word);
    } else if (is_decimal_word(next_.role) || next_is_numeric_) {
      append_digits(".");
    }
  }

  /// A whole 0 gives way, as it does in Python's `value or ""`.
  void append_digits(std::string_view digits) {
    const bool keep = value_ && !(value_->is_whole && value_->digits == "0");
    value_ = Value{false, (keep ? value_->digits : std::string()) + std::string(digits)};
  }

  void emit_value() {
    if (value_) {
      emit(value_->digits);
    }
  }

  void emit(const std::string& text) {
    out_.push_back(std::string(prefix_) + text);
    value_.reset();
    prefix_ = {};
  }

  const std::vector<std::string>& words_;
  std::size_t at_ = 0;
  NumberWord previous_;
  NumberWord next_;
  bool next_is_numeric_ = false;
  std::optional<Value> value_;
  std::string_view prefix_;
  std::vector<std::string> out_;
};

}  // namespace

std::vector<std::string> number_words_to_digits(const std::vector<std::string>& words) {
  return Reader(words).read();
}

}  // namespace sotto::text
