#include "text/decimal.h"

#include <algorithm>

namespace sotto::text {

std::string canonical(std::string_view digits) {
  const std::size_t first = digits.find_first_not_of('0');
  return first == std::string_view::npos ? "0" : std::string(digits.substr(first));
}

std::string add(std::string_view a, std::string_view b) {
  std::string sum;
  int carry = 0;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()) || carry != 0; ++i) {
    carry += (i < a.size() ? a[a.size() - 1 - i] - '0' : 0) + (i < b.size() ? b[b.size() - 1 - i] - '0' : 0);
    sum.push_back(static_cast<char>('0' + carry % 10));
    carry /= 10;
  }
  std::reverse(sum.begin(), sum.end());
  return canonical(sum);
}

bool ends_in_zeros(std::string_view digits, std::size_t n_zeros) {
  if (digits == "0") {
    return true;
  }
  const std::size_t last = digits.find_last_not_of('0');
  return digits.size() - 1 - last >= n_zeros;
}

std::optional<std::string> times_power_of_ten(std::string_view number, std::size_t power) {
  const std::size_t point = std::min(number.find('.'), number.size());
  const std::string_view whole = number.substr(0, point);
  std::string_view decimals = number.substr(std::min(point + 1, number.size()));
  const auto all_digits = [](std::string_view s) {
    return s.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (whole.size() + decimals.size() == 0 || !all_digits(whole) || !all_digits(decimals)) {
    return std::nullopt;
  }
  decimals = decimals.substr(0, decimals.find_last_not_of('0') + 1);
  if (decimals.size() > power) {
    return std::nullopt;
  }
  return canonical(std::string(whole) + std::string(decimals) + std::string(power - decimals.size(), '0'));
}

}  // namespace sotto::text
