#include "sotto/layers.h"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "sotto/model.h"
#include "support/temp_dir.h"

namespace sotto::evaluate {
namespace {

Speech tone() {
  Speech speech{.id = "tone", .text = "one two", .samples = std::vector<float>(16000)};
  for (std::size_t i = 0; i < speech.samples.size(); ++i) {
    speech.samples[i] =
        0.1F *
        static_cast<float>(std::sin(2.0 * std::numbers::pi * 300.0 * static_cast<double>(i) / 16000.0));
  }
  return speech;
}

TEST(CompareLayers, TellsTheLossOfFewerBitsAndNothingOfTheSameModel) {
  const test::TempDir dir;
  const auto whisper = model::build(test::source_dir() / "demo/model");
  model::save(whisper, dir / "fp32", {.weight_format = model::WeightFormat::fp32});
  model::save(whisper, dir / "fp16", {.weight_format = model::WeightFormat::fp16});

  const ModelFidelity same = compare_layers(dir / "fp16", dir / "fp16", tone());
  ASSERT_GE(same.encoder.size(), 6U);
  ASSERT_GE(same.decoder.size(), 8U);
  for (const LayerFidelity& layer : same.encoder) {
    EXPECT_EQ(layer.sqnr_db, 150.0) << layer.name;
    EXPECT_LT(layer.low, layer.high) << layer.name;
    EXPECT_GE(layer.outlier_before, 1.0) << layer.name;
    EXPECT_EQ(layer.outlier_before, layer.outlier_after) << layer.name;
  }

  const ModelFidelity halves = compare_layers(dir / "fp32", dir / "fp16", tone());
  for (const auto& part : {halves.encoder, halves.decoder}) {
    for (const LayerFidelity& layer : part) {
      EXPECT_GT(layer.sqnr_db, 40.0) << layer.name;
    }
  }
}

}  // namespace
}  // namespace sotto::evaluate
