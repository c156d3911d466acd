// The demo model against openai-whisper on the demo's media (tests/golden/transcribe/make_model.py).

#include "transcribe/parity.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <zlib.h>

#include "core/json_file.h"
#include "sotto/transcribe.h"
#include "support/temp_dir.h"

namespace sotto::transcribe {
namespace {

unsigned long crc32_of(const std::filesystem::path& path) {
  const std::string bytes = test::read_file(path);
  return ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size()));
}

TEST(DemoModel, TranscribesWhatOpenAiWhisperTranscribes) {
  const std::filesystem::path directory = test::source_dir() / "demo" / "model";
  const nlohmann::json goldens =
      read_json_object(test::source_dir() / "tests" / "golden" / "transcribe" / "model.json");
  ASSERT_EQ(crc32_of(directory / "model.safetensors"), goldens.at("crc32").get<unsigned long>())
      << "demo/model has changed: re-make the golden with `python tests/golden/transcribe/make_model.py`";
  Transcriber transcriber(model::build(directory), {.inference_precision = "f32"});
  for (const auto& golden : goldens.at("cases")) {
    TranscribeOptions options = test::golden_options(golden.at("options"));
    options.logprob_threshold =
        golden.at("options").value("logprob_threshold", TranscribeOptions{}.logprob_threshold);
    test::expect_parity(transcriber, golden, options);
  }
}

}  // namespace
}  // namespace sotto::transcribe
