#include "cli/arguments.h"

#include <gtest/gtest.h>

namespace sotto::cli {
namespace {

using Arguments = std::vector<std::string>;

Arguments normalize(const Arguments& arguments) {
  return normalize_arguments(arguments, [](const std::string& option) { return option == "--verbose"; });
}

TEST(NormalizeArguments, TurnsUnderscoresOfOptionsIntoHyphens) {
  EXPECT_EQ(normalize({"transcribe", "--output_dir", "a_b", "--best_of=3", "--initial_prompt=one_two"}),
            (Arguments{"transcribe", "--output-dir", "a_b", "--best-of=3", "--initial-prompt=one_two"}));
}

TEST(NormalizeArguments, JoinsTruthToFlagsOnly) {
  EXPECT_EQ(normalize({"--verbose", "False", "--verbose", "true", "--task", "True", "--verbose", "a.wav"}),
            (Arguments{"--verbose=false", "--verbose=true", "--task", "True", "--verbose", "a.wav"}));
}

TEST(NormalizeArguments, LeavesWhatFollowsTheSeparatorAlone) {
  EXPECT_EQ(normalize({"--", "--file_name.wav", "-o_"}), (Arguments{"--", "--file_name.wav", "-o_"}));
  EXPECT_EQ(normalize({}), Arguments{});
}

}  // namespace
}  // namespace sotto::cli
