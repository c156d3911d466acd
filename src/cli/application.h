#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "cli/console.h"

namespace sotto::cli {

/// Runs what the arguments (without the program's name) say and returns the exit status: 0, or exit_code() of
/// the error that was printed. A stop makes it end with nothing half-written and 130.
int run_application(const std::vector<std::string>& arguments, Console& console, std::stop_token stop);

}  // namespace sotto::cli
