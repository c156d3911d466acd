#include "model/ir_error.h"

#include <stdexcept>

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace sotto::model {
namespace {

TEST(OpenvinoReason, LeavesOutPlacesInItsSources) {
  EXPECT_EQ(openvino_reason("Exception from src/core.cpp:84:\nCheck 'a == b' failed at src/x.cpp:900:\n"
                            "Incorrect weights in bin file!\n\n"),
            "Incorrect weights in bin file!");
  EXPECT_EQ(openvino_reason("first\n\tsecond"), "first second");
}

TEST(OpenvinoReason, IsTheWholeMessageWhereNothingElseIsSaid) {
  EXPECT_EQ(openvino_reason("Check 'a' failed at src/x.cpp:1:\n"), "Check 'a' failed at src/x.cpp:1:");
  EXPECT_EQ(openvino_reason(""), "");
}

TEST(TranslateIrErrors, KeepsOurErrorsAndNamesThePlaceOfOthers) {
  const auto fail = [](const auto& exception) {
    return [exception] { translate_ir_errors("a.xml", ErrorCode::bad_format, [&] { throw exception; }); };
  };
  test::expect_error(fail(std::runtime_error("cut\noff")), ErrorCode::bad_format,
                     "a.xml: OpenVINO says: cut off");
  test::expect_error(fail(Error(ErrorCode::io, "b", "c")), ErrorCode::io, "b: c");
  EXPECT_EQ(translate_ir_errors("a.xml", ErrorCode::io, [] { return 3; }), 3);
}

}  // namespace
}  // namespace sotto::model
