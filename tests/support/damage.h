#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sotto/error.h"

namespace sotto::test {

/// True if `read` returns, false if it throws an Error of one line, under a thousand bytes, that holds
/// `name`; anything else fails the test. For files that were damaged on purpose; the sanitizers watch what
/// happens in between.
inline bool is_read(const std::function<void()>& read, const std::string& name) {
  try {
    read();
    return true;
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_THAT(message, testing::HasSubstr(name));
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_LT(message.size(), 1000U) << message;
    EXPECT_THAT(e.code(), testing::AnyOf(ErrorCode::bad_format, ErrorCode::unsupported, ErrorCode::not_found))
        << message;
    return false;
  }
}

using ReadBytes = std::function<void(const std::string&)>;

/// Reads `whole`, and then each of its prefixes whose length is a multiple of `step`: all must be refused.
inline void expect_prefixes_refused(const ReadBytes& read,
                                    const std::string& whole,
                                    const std::string& name,
                                    std::size_t step = 1) {
  ASSERT_TRUE(is_read([&] { read(whole); }, name));
  for (std::size_t n = 0; n < whole.size(); n += step) {
    EXPECT_FALSE(is_read([&] { read(whole.substr(0, n)); }, name)) << n;
  }
}

/// Every `step`-th byte set to 0, 0xff, its complement, its neighbours and a nine: each file must be read or
/// refused, and some of them refused.
inline void expect_flips_read_or_refused(const ReadBytes& read,
                                         const std::string& whole,
                                         const std::string& name,
                                         std::size_t step = 1) {
  std::size_t n_refused = 0;
  for (std::size_t at = 0; at < whole.size(); at += step) {
    const auto byte = static_cast<unsigned char>(whole[at]);
    for (const unsigned change : {0U, 0xffU, byte ^ 0xffU, byte ^ 1U, byte ^ 0x80U, 0x39U}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(change);
      n_refused += is_read([&] { read(changed); }, name) ? 0 : 1;
    }
  }
  EXPECT_GT(n_refused, 0U);
}

/// Every `step`-th number of a text in turn replaced by one that is too large, negative, a fraction or none
/// at all.
inline void expect_numbers_read_or_refused(const ReadBytes& read,
                                           const std::string& whole,
                                           const std::string& name,
                                           std::size_t step = 1) {
  constexpr std::string_view kDigits = "0123456789";
  std::size_t n_found = 0;
  for (std::size_t at = whole.find_first_of(kDigits); at != std::string::npos;) {
    const std::size_t end = std::min(whole.find_first_not_of(kDigits, at), whole.size());
    const bool is_damaged = n_found++ % step == 0;
    for (const char* number :
         {"-1", "0", "0.5", "1e9", "1e999", "-1e300", "999999", "2147483647", "2147483648", "-2147483649",
          "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
          "99999999999999999999999", "null", "[]"}) {
      if (!is_damaged) {
        break;
      }
      std::string changed = whole;
      changed.replace(at, end - at, number);
      is_read([&] { read(changed); }, name);
    }
    at = whole.find_first_of(kDigits, end);
  }
}

}  // namespace sotto::test
