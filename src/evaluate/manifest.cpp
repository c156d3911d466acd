#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "evaluate/speech_files.h"
#include "sotto/error.h"

namespace sotto::evaluate {
namespace fs = std::filesystem;
namespace {

using Fields = std::map<std::string, std::string>;

// Names of columns, in the order they are looked for: Common Voice's, Hugging Face's, NeMo's.
constexpr std::array<std::string_view, 6> kAudioColumns = {"path", "audio",          "file_name",
                                                           "file", "audio_filepath", "filename"};
constexpr std::array<std::string_view, 4> kTextColumns = {"sentence", "text", "transcription", "transcript"};
constexpr std::array<std::string_view, 1> kTranslationColumns = {"translation"};

/// Takes the next record of a comma-separated table (RFC 4180) off the front of `rest`.
std::vector<std::string> take_csv_record(std::string_view& rest) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  std::size_t i = 0;
  for (; i < rest.size(); ++i) {
    const char c = rest[i];
    if (quoted && c == '"' && i + 1 < rest.size() && rest[i + 1] == '"') {
      cells.back() += '"';
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ',') {
      cells.emplace_back();
    } else if (!quoted && c == '\n') {
      ++i;
      break;
    } else {
      cells.back() += c;
    }
  }
  rest.remove_prefix(i);
  if (cells.back().ends_with('\r')) {
    cells.back().pop_back();
  }
  return cells;
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

/// Cells between tabs; quotes mean nothing (Common Voice writes them as they are).
std::vector<std::string> take_tsv_record(std::string_view& rest) {
  std::string_view line = take_line(rest);
  std::vector<std::string> cells;
  for (;;) {
    const std::size_t tab = line.find('\t');
    cells.emplace_back(line.substr(0, tab));
    if (tab == std::string_view::npos) {
      return cells;
    }
    line.remove_prefix(tab + 1);
  }
}

/// The strings and numbers of a JSON object; of "audio": {"path": ...} the path. nullopt for no object.
std::optional<Fields> json_fields(std::string_view line) {
  const auto object = nlohmann::json::parse(line, nullptr, false);
  if (!object.is_object()) {
    return std::nullopt;
  }
  Fields fields;
  for (const auto& [key, value] : object.items()) {
    if (value.is_string()) {
      fields[key] = value.get<std::string>();
    } else if (value.is_number_integer()) {
      fields[key] = value.dump();
    } else if (value.is_object() && value.contains("path") && value["path"].is_string()) {
      fields[key] = value["path"].get<std::string>();
    }
  }
  return fields;
}

template <std::size_t n>
const std::string* first_of(const Fields& fields, const std::array<std::string_view, n>& names) {
  for (const std::string_view name : names) {
    if (const auto found = fields.find(std::string(name)); found != fields.end()) {
      return &found->second;
    }
  }
  return nullptr;
}

class ManifestReader {
 public:
  ManifestReader(const fs::path& table, bool translated) : table_(table), translated_(translated) {}

  DataSet read(std::string_view content) {
    if (content.starts_with("\xef\xbb\xbf")) {
      content.remove_prefix(3);
    }
    table_.extension() == ".jsonl" ? read_json_lines(content) : read_columns(content);
    if (data_.utterances.empty()) {
      throw Error(ErrorCode::not_found, table_.string(),
                  fmt::format("expected lines that name a recording and its {}, found none ({} could not be "
                              "used{}).",
                              translated_ ? "translation" : "words", data_.skipped.size(),
                              data_.skipped.empty() ? "" : "; the first: " + data_.skipped.front()));
    }
    return std::move(data_);
  }

 private:
  void read_json_lines(std::string_view rest) {
    for (int number = 1; !rest.empty(); ++number) {
      const std::string_view line = trimmed(take_line(rest));
      if (line.empty()) {
        continue;
      }
      const auto fields = json_fields(line);
      fields ? add(number, *fields) : skip(number, "expected a JSON object");
    }
  }

  void read_columns(std::string_view rest) {
    const auto take = table_.extension() == ".csv" ? take_csv_record : take_tsv_record;
    const std::vector<std::string> names = take(rest);
    for (int number = 2; !rest.empty(); ++number) {
      const std::vector<std::string> cells = take(rest);
      if (cells.size() == 1 && trimmed(cells[0]).empty()) {
        continue;
      }
      if (cells.size() != names.size()) {
        skip(number, fmt::format("expected {} columns, found {}", names.size(), cells.size()));
        continue;
      }
      Fields fields;
      for (std::size_t i = 0; i < names.size(); ++i) {
        fields[names[i]] = cells[i];
      }
      add(number, fields);
    }
  }

  void add(int number, const Fields& fields) {
    const std::string* file = first_of(fields, kAudioColumns);
    const std::string* words =
        translated_ ? first_of(fields, kTranslationColumns) : first_of(fields, kTextColumns);
    if (file == nullptr || words == nullptr || trimmed(*file).empty()) {
      return skip(number, fmt::format("no {}", words == nullptr ? "words" : "recording"));
    }
    const auto found = find_audio(*file);
    if (!found) {
      return skip(number, fmt::format("no such recording: {}", *file));
    }
    const auto id_field = fields.find("id");
    const std::string id = id_field == fields.end() ? fs::path(*file).stem().string() : id_field->second;
    if (!ids_.insert(id).second) {
      return skip(number, fmt::format("id {} was met before", id));
    }
    data_.utterances.push_back({id, *found, std::string(trimmed(*words))});
  }

  std::optional<fs::path> find_audio(const fs::path& file) const {
    const fs::path folder = table_.parent_path();
    for (const fs::path& candidate : {folder / file, folder / "clips" / file}) {
      std::error_code error;
      if (fs::is_regular_file(candidate, error)) {
        return candidate;
      }
    }
    return std::nullopt;
  }

  void skip(int number, std::string_view why) {
    data_.skipped.push_back(fmt::format("{}:{}: {}", table_.string(), number, why));
  }

  const fs::path& table_;
  bool translated_;
  std::set<std::string> ids_;
  DataSet data_;
};

}  // namespace

DataSet read_manifest(const fs::path& table, bool translated) {
  std::ifstream in(table, std::ios::binary);
  if (!in) {
    throw Error(ErrorCode::not_found, table.string(),
                "expected a table of recordings, found nothing to read.");
  }
  const std::string content{std::istreambuf_iterator<char>(in), {}};
  return ManifestReader(table, translated).read(content);
}

}  // namespace sotto::evaluate
