#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "sotto/error.h"

namespace sotto::model {

/// `text` on one line: runs of white space become one space.
std::string one_line(std::string_view text);

/// Runs `call` into OpenVINO and turns its exceptions into Error(code) that names `where`, on one line.
template <typename Call>
auto translate_ir_errors(const std::string& where, ErrorCode code, Call&& call) {
  try {
    return call();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(code, where, one_line(e.what()));
  }
}

}  // namespace sotto::model
