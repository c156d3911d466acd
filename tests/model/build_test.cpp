#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <openvino/openvino.hpp>

#include "model/checkpoint.h"
#include "model/graph_run.h"
#include "sotto/model.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::model {
namespace {

using nlohmann::json;

constexpr const char* kFc1 = "model.decoder.layers.0.fc1.weight";

/// The golden checkpoint "turbo" in f32 with one change to its header and tensors.
class ChangedCheckpoint {
 public:
  using Tensors = std::map<std::string, std::pair<std::vector<std::size_t>, std::vector<float>>>;

  explicit ChangedCheckpoint(const std::function<void(Tensors&)>& change) {
    const auto golden = read_safetensors(test::golden_dir("turbo"));
    for (const auto& [name, tensor] : golden.tensors) {
      tensors_[name] = {tensor.shape, test::bf16_values(tensor)};
    }
    change(tensors_);
    test::copy_json(test::golden_dir("turbo"), dir_.path());
    test::write_file(dir_ / "model.safetensors", file());
  }

  const std::filesystem::path& path() const { return dir_.path(); }

  void set_config(const char* key, const json& value) {
    json config = json::parse(test::read_file(dir_ / "config.json"));
    config[key] = value;
    test::write_file(dir_ / "config.json", config.dump());
  }

 private:
  std::string file() const {
    json header;
    std::string data;
    for (const auto& [name, tensor] : tensors_) {
      const std::string bytes = test::bytes_of(tensor.second);
      header[name] = {{"dtype", "F32"},
                      {"shape", tensor.first},
                      {"data_offsets", {data.size(), data.size() + bytes.size()}}};
      data += bytes;
    }
    return test::safetensors(header.dump(), data);
  }

  test::TempDir dir_;
  Tensors tensors_;
};

void expect_refused(const std::function<void(ChangedCheckpoint::Tensors&)>& change, const std::string& part) {
  const ChangedCheckpoint checkpoint(change);
  test::expect_error([&] { build(checkpoint.path()); }, ErrorCode::bad_format, part);
}

TEST(BuildFromBrokenCheckpoint, NamesTheTensorThatIsMissing) {
  expect_refused(
      [](auto& tensors) { tensors.erase("model.encoder.layers.2.self_attn.k_proj.weight"); },
      "model.encoder.layers.2.self_attn.k_proj.weight: expected a tensor of shape [32, 32], found none");
  expect_refused([](auto& tensors) { tensors.erase(kFc1); }, std::string(kFc1) + ": expected a tensor");
}

TEST(BuildFromBrokenCheckpoint, NamesBothShapes) {
  expect_refused([](auto& tensors) { tensors.at("model.encoder.conv1.bias").first = {32, 1}; },
                 "model.encoder.conv1.bias: expected shape [32] as config.json implies, found [32, 1]");
  expect_refused([](auto& tensors) { tensors.at(kFc1).first = {64, 64}; },
                 std::string(kFc1) + ": expected shape [64, 32] as config.json implies, found [64, 64]");
}

TEST(BuildFromBrokenCheckpoint, RefusesADirectoryWithoutWeights) {
  const test::TempDir dir;
  test::copy_json(test::golden_dir("turbo"), dir.path());
  test::expect_error([&] { build(dir.path()); }, ErrorCode::not_found, "model.safetensors");
  test::expect_error([&] { build(dir / "no"); }, ErrorCode::not_found, (dir / "no").string());
}

TEST(Build, TakesCheckpointsOfTheBareModel) {
  const ChangedCheckpoint checkpoint([](ChangedCheckpoint::Tensors& tensors) {
    ChangedCheckpoint::Tensors bare;
    for (auto& [name, tensor] : tensors) {
      bare[name.substr(std::string("model.").size())] = std::move(tensor);
    }
    tensors = std::move(bare);
  });
  const WhisperModel model = build(checkpoint.path());
  const auto found = test::encode_features(model.encoder, test::read_golden("turbo", "features"));
  EXPECT_LT(test::max_difference(found, test::read_golden("turbo", "hidden").values), 1e-3F);
}

TEST(Build, UsesAnOutputTableOfItsOwnOnlyIfTheConfigUntiesIt) {
  ChangedCheckpoint checkpoint([](ChangedCheckpoint::Tensors& tensors) {
    auto table = tensors.at("model.decoder.embed_tokens.weight");
    for (float& value : table.second) {
      value *= 2;
    }
    tensors["proj_out.weight"] = table;
  });
  const auto logits_of = [&] {
    test::Decoder decoder(build(checkpoint.path()).decoder);
    const auto hidden = test::read_golden("turbo", "hidden").at(0);
    decoder.start({{1, hidden.shape[0], hidden.shape[1]}, hidden.values});
    return decoder.step({{static_cast<std::int64_t>(test::read_golden("turbo", "ids").values[0])}}, {0});
  };
  auto expected = test::read_golden("turbo", "logits").at(0).at(0).at(0).values;
  EXPECT_LT(test::max_difference(logits_of(), expected), 1e-3F);
  checkpoint.set_config("tie_word_embeddings", false);
  for (float& value : expected) {
    value *= 2;
  }
  EXPECT_LT(test::max_difference(logits_of(), expected), 1e-3F);
}

}  // namespace
}  // namespace sotto::model
