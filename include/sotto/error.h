#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace sotto {

/// What kind of failure an Error reports. Values are stable: append only.
enum class ErrorCode {
  invalid_argument,  ///< The caller passed a value outside the documented range.
  not_found,         ///< A named file, model, language or node does not exist.
  bad_format,        ///< Input bytes are not what they claim to be (media, safetensors, JSON, IR).
  unsupported,       ///< Valid input that this build or this machine cannot process.
  io,                ///< Reading or writing failed (permission, disk full, pipe).
  network,           ///< A download or a server socket failed.
  cancelled,         ///< The caller asked for a stop and nothing half-done was left behind.
  internal,          ///< A broken invariant: a bug in this library.
};

/// The only exception type that leaves the library; what() reads "where: what was expected and found".
class Error : public std::runtime_error {
 public:
  /// `where` names what failed for the user: a file, an option, a node.
  Error(ErrorCode code, std::string_view where, std::string_view what);

  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// Process exit status of a code: 1 the input cannot be used (not_found, bad_format, unsupported), 2 the
/// call is wrong (invalid_argument), 3 the surroundings failed (io, network, internal), 130 cancelled.
int exit_code(ErrorCode code) noexcept;

/// The code's name as written in JSON: "invalid_argument", "not_found", ...
std::string_view to_string(ErrorCode code) noexcept;

}  // namespace sotto
