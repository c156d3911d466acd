#include <utility>

#include "evaluate/speech_files.h"
#include "sotto/data_set.h"
#include "sotto/error.h"

namespace sotto::evaluate {
namespace {

class DataSetStream : public SpeechStream {
 public:
  explicit DataSetStream(DataSet data) : data_(std::move(data)) {}

  std::optional<Speech> next() override {
    while (at_ < data_.utterances.size()) {
      const Utterance& utterance = data_.utterances[at_++];
      try {
        return load_speech(utterance.id, utterance.text, utterance.audio);
      } catch (const Error& e) {
        data_.skipped.emplace_back(e.what());
      }
    }
    return std::nullopt;
  }

  std::optional<std::size_t> size() const override { return data_.utterances.size(); }
  const std::vector<std::string>& skipped() const override { return data_.skipped; }

 private:
  DataSet data_;
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<SpeechStream> open_speech(DataSet data) {
  return std::make_unique<DataSetStream>(std::move(data));
}

}  // namespace sotto::evaluate
