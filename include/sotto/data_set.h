#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sotto/hub.h"

namespace sotto::evaluate {

struct Utterance {
  std::string id;
  std::filesystem::path audio;
  std::string text;  ///< what was said
};

struct DataSet {
  std::vector<Utterance> utterances = {};
  std::vector<std::string> skipped = {};  ///< one line each: what and why
};

/// Utterances of a folder in LibriSpeech's layout (speaker/chapter/*.flac with *.trans.txt), or with a .txt
/// of the same name beside each recording, ordered by id.
///
/// A table is read too (read_manifest). Audio may also be .wav, .mp3, .ogg, .opus or .m4a. `take` keeps the
/// first so many, 0 all. In `skipped`: a transcript without audio, audio without a transcript, an id met
/// before, a line that holds no id. Throws Error(not_found) where the folder is missing or holds no
/// utterance, (bad_format) for a file.
DataSet read_librispeech(const std::filesystem::path& directory, std::size_t take = 0);

/// Utterances of a table that names recordings and says what is said in them: .tsv, .csv (with a first line
/// of column names) or .jsonl, in the order they stand.
///
/// Columns: "path", "audio", "file_name", "audio_filepath" or "file" for the recording, found from the
/// table's folder or its folder `clips` (Common Voice); "sentence", "text", "transcription" or "transcript"
/// for the words, or "translation" with `translated`; "id" if there is one, else the file's name. In
/// `skipped`: lines without these, files that are not there, ids met before. Throws Error(not_found |
/// bad_format).
DataSet read_manifest(const std::filesystem::path& table, bool translated = false);

/// An utterance that can be heard.
struct Speech {
  std::string id = {};
  std::string text = {};            ///< what was said
  std::vector<float> samples = {};  ///< 16 kHz mono
  int source_rate_hz = 0;           ///< of the recording; 0: not known
};

/// Utterances one after the other.
class SpeechStream {
 public:
  virtual ~SpeechStream() = default;
  /// The next one, nullopt at the end. What cannot be used is skipped and noted.
  virtual std::optional<Speech> next() = 0;
  /// How many there are, if it is known before they come.
  virtual std::optional<std::size_t> size() const = 0;
  /// One line for each thing left out so far: what and why.
  virtual const std::vector<std::string>& skipped() const = 0;
};

/// The utterances of a data set, their files read as they are asked for; one that cannot be read is skipped.
std::unique_ptr<SpeechStream> open_speech(DataSet data);

/// Which utterances of a source, and in what order.
struct DataOptions {
  std::size_t take = 0;          ///< how many; 0: all. An archive is read no further than that
  std::size_t skip = 0;          ///< how many are passed over before
  bool shuffle = false;          ///< before skip and take; of an archive within 256 utterances at a time
  std::uint64_t seed = 0;        ///< of the shuffling
  bool translated = false;       ///< what is said in English: *.translation.txt, the column "translation"
  bool untranscribed = false;    ///< recordings of a folder that have no words too, with an empty text
  hub::HubOptions network = {};  ///< for a URL; its endpoint's token goes to that host only
};

/// Speech from where it is: a folder (see read_librispeech), a table (read_manifest), or an archive (.tar,
/// .tar.gz, ... as LibriSpeech is published) on disk or at an http(s) URL, of which nothing is unpacked to
/// disk.
///
/// An archive's utterances come as soon as both sound and words have passed by. What has no partner, members
/// with a path that leads out of the archive, and ids met before are skipped and noted; an archive that
/// breaks off is an error once what came before has been given. Throws Error(not_found | bad_format | io |
/// network).
std::unique_ptr<SpeechStream> open_speech(const std::string& source, const DataOptions& options);

}  // namespace sotto::evaluate
