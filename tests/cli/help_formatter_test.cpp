#include "cli/help_formatter.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.h"

namespace sotto::cli {
namespace {

TEST(Wrap, BreaksAtSpacesAndIndentsWhatFollows) {
  EXPECT_EQ(wrap("one two three", 7, 2), "one two\n  three");
  EXPECT_EQ(wrap("unbreakable", 4, 2), "unbreakable");
  EXPECT_EQ(wrap("", 4, 2), "");
}

TEST(HelpFormatter, StaysWithinEightyColumns) {
  CLI::App app;
  app.formatter(std::make_shared<HelpFormatter>());
  Console console;
  const Context context{console, {}};
  for (const auto add : {add_convert, add_quantize, add_transcribe, add_compare, add_info}) {
    std::istringstream help(add(app, context).app->help());
    for (std::string line; std::getline(help, line);) {
      EXPECT_LE(line.size(), 80U) << line;
    }
  }
}

TEST(HelpFormatter, ShowsFlagsWithTheirNegation) {
  CLI::App app;
  app.formatter(std::make_shared<HelpFormatter>());
  bool value = true;
  add_field(app, {"verbose", "show segments"}, "--verbose", value);
  EXPECT_THAT(app.help(), testing::HasSubstr("--[no-]verbose"));
  EXPECT_THAT(app.help(), testing::HasSubstr("show segments (default on)"));
}

TEST(Temperatures, AreOpenaisSteps) {
  EXPECT_EQ(temperatures({0.0, 0.2}).size(), 6U);
  EXPECT_DOUBLE_EQ(temperatures({0.0, 0.2}).back(), 1.0);
  EXPECT_EQ(temperatures({0.4, 0.5}), (std::vector<double>{0.4, 0.9}));
  EXPECT_EQ(temperatures({0.3, std::numeric_limits<double>::infinity()}), (std::vector<double>{0.3}));
}

}  // namespace
}  // namespace sotto::cli
