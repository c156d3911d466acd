#pragma once

#include <cstdlib>
#include <string>

namespace sotto::test {

/// Runs the program ffmpeg; false where there is none, or where it lacks what is asked of it.
inline bool make_media(const std::string& arguments) {
  return std::system(("ffmpeg -nostdin -v error -y " + arguments + " > /dev/null 2>&1").c_str()) == 0;
}

}  // namespace sotto::test
