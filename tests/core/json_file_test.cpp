#include "core/json_file.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto {
namespace {

TEST(ReadJsonObject, NamesTheFileAndWhatItFound) {
  const test::TempDir dir;
  test::expect_error([&] { read_json_object(dir / "no.json"); }, ErrorCode::not_found, "no.json");
  test::write_file(dir / "list.json", "[1]");
  test::expect_error([&] { read_json_object(dir / "list.json"); }, ErrorCode::bad_format, "found array");
  test::write_file(dir / "cut.json", "{\"a\": ");
  test::expect_error([&] { read_json_object(dir / "cut.json"); }, ErrorCode::bad_format, "expected JSON");
}

TEST(JsonField, FallsBackOnlyWhereTheFieldIsMissing) {
  const nlohmann::json object = {{"d_model", 256}, {"none", nullptr}, {"text", "x"}};
  EXPECT_EQ(json_field(object, "d_model", 1, "c.json"), 256);
  EXPECT_EQ(json_field(object, "none", 7, "c.json"), 7);
  EXPECT_EQ(json_field(object, "other", 7, "c.json"), 7);
  test::expect_error([&] { json_field(object, "text", 7, "c.json"); }, ErrorCode::bad_format, "\"text\"");
  test::expect_error([&] { required_json_field<int>(object, "other", "c.json"); }, ErrorCode::bad_format,
                     "\"other\" is missing");
}

}  // namespace
}  // namespace sotto
