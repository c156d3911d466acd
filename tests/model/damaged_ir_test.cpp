// OpenVINO models, damaged: each must be read or refused by name.

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "model/check_ir.h"
#include "model/layouts.h"
#include "sotto/model.h"
#include "support/damage.h"
#include "support/expect_error.h"

namespace sotto::model {
namespace {

/// A golden directory and one of its files, which is damaged.
class DamagedIr : public testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  DamagedIr() : file_(GetParam().second) {
    test::copy_layout(GetParam().first, dir_.path());
    whole_ = test::read_file(dir_ / file_);
  }

  test::ReadBytes reader() {
    return [this](const std::string& bytes) {
      test::write_file(dir_ / file_, bytes);
      load(is_pair() ? dir_ / file_ : dir_.path());
    };
  }
  bool is_pair() const { return file_.starts_with("whisper_"); }

  const test::TempDir dir_;
  std::string file_;
  std::string whole_;
};

TEST_P(DamagedIr, PrefixesAreRefused) {
  const std::size_t end = whole_.rfind("</net>");
  test::expect_prefixes_refused(reader(), whole_.substr(0, end) + "</net>", dir_.path().string(), end / 30);
}

TEST_P(DamagedIr, FlippedBytesAreReadOrRefused) {
  test::expect_flips_read_or_refused(reader(), whole_, dir_.path().string(), whole_.size() / 25);
}

/// Sizes, offsets and shapes that no file can have, at places all over the graph.
TEST_P(DamagedIr, ImpossibleNumbersAreReadOrRefused) {
  const test::ReadBytes read = reader();
  for (const std::string_view field :
       {"offset=\"", "size=\"", "shape=\"", "<dim>", "to-layer=\"", "from-port=\""}) {
    std::size_t n_found = 0;
    for (std::size_t at = whole_.find(field); at != std::string::npos; at = whole_.find(field, at + 1)) {
      if (n_found++ % 150 != 0) {
        continue;
      }
      const std::size_t begin = at + field.size();
      const std::size_t end = whole_.find_first_of("\"<", begin);
      for (const char* number :
           {"-1", "-9223372036854775808", "2147483648", "4294967295", "9223372036854775807",
            "18446744073709551615", "99999999999999999999999", "1,1", "x", ""}) {
        std::string changed = whole_;
        changed.replace(begin, end - begin, number);
        test::is_read([&] { read(changed); }, dir_.path().string());
      }
    }
    EXPECT_GT(n_found, 0U) << field;
  }
}

TEST(CheckIr, RefusesStatesWithoutTheirName) {
  const test::TempDir dir;
  const auto refuse = [&](const std::string& xml, const std::string& part) {
    test::write_file(dir / "m.xml", xml);
    test::expect_error([&] { check_ir(dir / "m.xml"); }, ErrorCode::bad_format, part);
  };
  const std::string head =
      "<?xml version=\"1.0\"?>\n<net name=\"m\" version='11'><layers><layer id=\"0\" type=\"Parameter\"/>";
  refuse(head + "<layer id=\"1\" type=\"Assign\"><data variable_ix=\"a\"/></layer>",
         "m.xml: layer 1: expected a variable_id");
  refuse(head + "<layer id=\"1\" type='ReadValue'></layer><layer id=\"2\"><data variable_id=\"a\"/></layer>",
         "layer 1: expected a variable_id");
  refuse(head + "<layer\tid=\"1\" type=\"readvalue\"><date variable_id=\"a\"/><data/></layer>",
         "layer 1: expected a variable_id");
  refuse(head + "<layer id=\"1\" type=\"Assign\"><!-- <data variable_id=\"a\"/> --><data/></layer>",
         "layer 1: expected a variable_id");
  refuse(head + "<layer id=\"1\" type=\"&#65;ssign\"><data/></layer>", "layer 1: expected a type of letters");
  refuse("<?xml version=\"1.0\"?>\n<net version=\"12\"><layers/></net>", "of version 10 or 11");
  refuse("<?xml version=\"1.0\"?>\n<nets version=\"11\"/>", "of version 10 or 11");
  refuse("<?xml", "expected an OpenVINO model as XML");
  refuse("<", "expected an OpenVINO model as XML");
  refuse("node { name: \"a graph of another framework\" }", "expected an OpenVINO model as XML");
  refuse("\xEF\xBB\xBF ", "expected an OpenVINO model as XML");
  test::write_file(dir / "m.xml", head + "<layer type=\"Assign\"><data\tvariable_id =\"a\"/></layer>");
  check_ir(dir / "m.xml");
}

INSTANTIATE_TEST_SUITE_P(Layouts,
                         DamagedIr,
                         testing::Values(std::pair("optimum/stateful", "openvino_encoder_model.xml"),
                                         std::pair("optimum/stateful", "openvino_decoder_model.xml"),
                                         std::pair("layouts/notebook", "whisper_tiny_decoder_int8.xml")),
                         [](const auto& of) { return "File" + std::to_string(of.index); });

}  // namespace
}  // namespace sotto::model
