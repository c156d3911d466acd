#pragma once

#include <algorithm>
#include <exception>
#include <string>
#include <string_view>

#include <openvino/core/except.hpp>

#include "sotto/error.h"

namespace sotto::model {

/// `text` on one line: runs of white space become one space.
std::string one_line(std::string_view text);

/// Runs `call` and turns OpenVINO's exceptions into Error(code) that names `where`, on one line.
template <typename Call>
auto translate_ir_errors(const std::string& where, ErrorCode code, Call&& call) {
  try {
    return call();
  } catch (const Error&) {
    throw;
  } catch (const ov::Exception& e) {
    throw Error(code, where, one_line(e.what()));
  }
}

}  // namespace sotto::model
