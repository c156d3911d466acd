#pragma once

#include <string_view>

#include "sotto/log.h"

namespace sotto {

/// Hands a line to the callback set by set_log_callback, if any.
void log(LogLevel level, std::string_view line);

/// Reports to `progress` if anyone listens, and throws Error(cancelled) if a stop was requested.
void step(const Progress& progress, std::string_view stage, double done, double total);

}  // namespace sotto
