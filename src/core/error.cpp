#include "sotto/error.h"

#include <fmt/format.h>

namespace sotto {

Error::Error(ErrorCode code, std::string_view where, std::string_view what)
    : std::runtime_error(fmt::format("{}: {}", where, what)), code_(code) {}

int exit_code(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::not_found:
    case ErrorCode::bad_format:
    case ErrorCode::unsupported:
      return 1;
    case ErrorCode::invalid_argument:
      return 2;
    case ErrorCode::io:
    case ErrorCode::network:
    case ErrorCode::internal:
      return 3;
    case ErrorCode::cancelled:
      return 130;
  }
  return 3;
}

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::bad_format:
      return "bad_format";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::io:
      return "io";
    case ErrorCode::network:
      return "network";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace sotto
