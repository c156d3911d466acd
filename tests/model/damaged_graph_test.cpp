// A small OpenVINO model, damaged everywhere: each must be read or refused by name. Under the sanitizers.

#include <string>

#include <gtest/gtest.h>
#include <openvino/openvino.hpp>
#include <openvino/opsets/opset13.hpp>

#include "model/read_graph.h"
#include "sotto/error.h"
#include "support/damage.h"
#include "support/peak_memory.h"
#include "support/temp_dir.h"

namespace sotto::model {
namespace {

namespace op = ov::opset13;

/// A state and a matrix of weights.
std::shared_ptr<ov::Model> small_graph() {
  const auto x = std::make_shared<op::Parameter>(ov::element::f32, ov::PartialShape{-1, 2});
  const auto variable = std::make_shared<ov::op::util::Variable>(
      ov::op::util::VariableInfo{ov::PartialShape{-1, 2}, ov::element::f32, "v"});
  const auto sum = std::make_shared<op::Add>(std::make_shared<op::ReadValue>(variable), x);
  const auto weights = op::Constant::create(ov::element::f32, {2, 3}, {1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F});
  const auto product = std::make_shared<op::MatMul>(sum, weights);
  return std::make_shared<ov::Model>(ov::OutputVector{product},
                                     ov::SinkVector{std::make_shared<op::Assign>(sum, variable)},
                                     ov::ParameterVector{x});
}

class DamagedGraph : public testing::Test {
 protected:
  DamagedGraph() {
    ov::save_model(small_graph(), (dir_ / "m.xml").string(), false);
    xml_ = test::read_file(dir_ / "m.xml");
    bin_ = test::read_file(dir_ / "m.bin");
    xml_.resize(xml_.rfind("</net>") + 6);  // what is behind it means nothing
    read_graph(dir_ / "m.xml");             // what OpenVINO keeps for good is none of a file's memory
  }

  /// OpenVINO's tree of the XML, and what its readers begin with.
  test::ReadBytes reader(const char* name) {
    constexpr std::size_t kPerByte = 32;
    constexpr std::size_t kFixed = std::size_t{4} << 20U;
    return test::within_memory(
        [this, name](const std::string& bytes) {
          test::write_file(dir_ / name, bytes);
          read_graph(dir_ / "m.xml");
        },
        kPerByte, kFixed);
  }

  const test::TempDir dir_;
  std::string xml_;
  std::string bin_;
};

TEST_F(DamagedGraph, EveryPrefixIsRefused) {
  test::expect_prefixes_refused(reader("m.xml"), xml_, dir_.path().string());
}

TEST_F(DamagedGraph, EveryFlippedByteIsReadOrRefused) {
  const test::ReadBytes read = reader("m.xml");
  std::size_t n_refused = 0;
  for (std::size_t at = 0; at < xml_.size(); ++at) {
    std::string changed = xml_;
    changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ (at % 2 == 0 ? 0xffU : 1U));
    n_refused += test::is_read([&] { read(changed); }, dir_.path().string()) ? 0 : 1;
  }
  EXPECT_GT(n_refused, 0U);
}

TEST_F(DamagedGraph, ImpossibleNumbersAreReadOrRefused) {
  test::expect_numbers_read_or_refused(reader("m.xml"), xml_, dir_.path().string(), 3);
}

TEST_F(DamagedGraph, EveryPrefixOfItsWeightsIsRefused) {
  test::expect_prefixes_refused(reader("m.bin"), bin_, dir_.path().string());
}

}  // namespace
}  // namespace sotto::model
