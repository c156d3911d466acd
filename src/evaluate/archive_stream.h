#pragma once

#include <memory>
#include <string>

#include "evaluate/archive_reader.h"
#include "sotto/data_set.h"

namespace sotto::evaluate {

/// The utterances of an archive as its bytes come; see open_speech. `name` is for messages.
std::unique_ptr<SpeechStream> open_archive(std::string name, ReadBytes read, const DataOptions& options);

}  // namespace sotto::evaluate
