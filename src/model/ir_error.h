#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "sotto/error.h"

namespace sotto::model {

/// `text` on one line: runs of white space become one space.
std::string one_line(std::string_view text);

/// What an OpenVINO message says, on one line, without the lines that name places in OpenVINO's sources.
std::string openvino_reason(std::string_view message);

/// Runs `call` into OpenVINO and turns its exceptions into Error(code) that names `where`.
template <typename Call>
auto translate_ir_errors(const std::string& where, ErrorCode code, Call&& call) {
  try {
    return call();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(code, where, "OpenVINO says: " + openvino_reason(e.what()));
  }
}

}  // namespace sotto::model
