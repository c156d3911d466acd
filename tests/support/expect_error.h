#pragma once

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sotto/error.h"

namespace sotto::test {

/// Expects `call` to throw Error with `code` and a one-line message that holds `part`.
template <typename Call>
void expect_error(Call&& call, ErrorCode code, const std::string& part) {
  try {
    call();
    ADD_FAILURE() << "expected sotto::Error(" << to_string(code) << ")";
  } catch (const Error& e) {
    EXPECT_EQ(to_string(e.code()), to_string(code)) << e.what();
    EXPECT_THAT(e.what(), testing::HasSubstr(part));
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
  }
}

}  // namespace sotto::test
