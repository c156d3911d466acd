#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sotto::text {

// Whole numbers of any size as decimal digits without leading zeros: "one hundred decillion" fits no machine
// word, and all the arithmetic spoken numbers need is addition and powers of ten.

/// Without leading zeros; "0" for none left.
std::string canonical(std::string_view digits);
std::string add(std::string_view a, std::string_view b);
/// True if the number is a multiple of 10^n_zeros.
bool ends_in_zeros(std::string_view digits, std::size_t n_zeros);
/// number * 10^power where the result is a whole number; nullopt where it is not or where `number` is not
/// written as digits with at most one point ("12.", ".5" and "1.20" are; "." and "1.2.3" are not).
std::optional<std::string> times_power_of_ten(std::string_view number, std::size_t power);

}  // namespace sotto::text
