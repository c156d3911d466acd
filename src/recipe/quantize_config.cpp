#include <cmath>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include "core/json_file.h"
#include "sotto/error.h"
#include "sotto/fields.h"
#include "sotto/recipe.h"

namespace sotto {
namespace {

using Json = nlohmann::json;

/// A value of the file and where it stands: "config.json: encoder.preset".
struct Value {
  const Json& json;
  std::string where;

  [[noreturn]] void refuse(const std::string& expected) const {
    throw Error(ErrorCode::invalid_argument, where,
                fmt::format("expected {}, found {}.", expected,
                            json.dump(-1, ' ', true, Json::error_handler_t::replace)));
  }
  Value operator[](const std::string& key) const {
    return {json.at(key), where + (where.ends_with(": ") ? "" : ".") + key};
  }
};

double read_number(const Value& value, const Field& field) {
  const bool has_range = std::isfinite(field.min) || std::isfinite(field.max);
  const std::string range = has_range ? fmt::format(" of {} to {}", field.min, field.max) : "";
  if (field.none && value.json.is_null()) {
    return *field.none;
  }
  if (!value.json.is_number()) {
    value.refuse("a number" + range);
  }
  const auto number = value.json.get<double>();
  if (!(number >= field.min && number <= field.max)) {
    value.refuse("a number" + range);
  }
  return number;
}

void read(const Value& value, const Field& field, double& to) {
  to = read_number(value, field);
}

template <typename Integer>
  requires std::is_integral_v<Integer>
void read(const Value& value, const Field& field, Integer& to) {
  if constexpr (std::is_same_v<Integer, bool>) {
    if (!value.json.is_boolean()) {
      value.refuse("true or false");
    }
    to = value.json.get<bool>();
  } else {
    if (!value.json.is_number_integer() ||
        (std::is_unsigned_v<Integer> && !value.json.is_number_unsigned())) {
      value.refuse("a whole number");
    }
    const double number = read_number(value, field);
    if (number < static_cast<double>(std::numeric_limits<Integer>::min()) ||
        number > static_cast<double>(std::numeric_limits<Integer>::max())) {
      value.refuse("a smaller number");
    }
    to = value.json.get<Integer>();
  }
}

void read(const Value& value, const Field&, std::string& to) {
  if (!value.json.is_string()) {
    value.refuse("a text");
  }
  to = value.json.get<std::string>();
}

template <typename Enum>
  requires std::is_enum_v<Enum>
void read(const Value& value, const Field&, Enum& to) {
  std::string names;
  for (const auto& [name, candidate] : EnumNames<Enum>::values) {
    if (value.json.is_string() && value.json.get<std::string>() == name) {
      to = candidate;
      return;
    }
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", name);
  }
  value.refuse("one of " + names);
}

template <typename T>
void read(const Value& value, const Field& field, std::vector<T>& to);
template <typename T>
void read(const Value& value, const Field& field, std::optional<T>& to);

template <typename Options>
concept HasFields = requires(Options& options) { visit_fields(options, [](const Field&, auto&) {}); };

using Skip = std::function<bool(const std::string& key)>;

/// Every member of the object must be a field, or one that `skip` knows.
template <HasFields Options>
void read_fields(const Value& object, Options& options, const Skip& skip);

template <HasFields Options>
void read(const Value& value, const Field&, Options& to) {
  read_fields(value, to, {});
}

template <typename T>
void read(const Value& value, const Field& field, std::vector<T>& to) {
  if (!value.json.is_array()) {
    value.refuse("a list");
  }
  std::vector<T> items;
  for (const Json& item : value.json) {
    const Value at{item, fmt::format("{}[{}]", value.where, items.size())};
    read(at, field, items.emplace_back());
  }
  to = std::move(items);
}

template <typename T>
void read(const Value& value, const Field& field, std::optional<T>& to) {
  if (value.json.is_null()) {
    to.reset();
  } else {
    read(value, field, to.emplace());
  }
}

template <HasFields Options>
void read_fields(const Value& object, Options& options, const Skip& skip) {
  if (!object.json.is_object()) {
    object.refuse("an object");
  }
  for (const auto& [key, json] : object.json.items()) {
    bool found = skip && skip(key);
    visit_fields(options, [&](const Field& field, auto& member) {
      if (field.name == key) {
        found = true;
        read(object[key], field, member);
      }
    });
    if (!found) {
      throw Error(ErrorCode::invalid_argument, object[key].where,
                  "expected an option, found a name that is none.");
    }
  }
}

/// Each option on its own, so that its name is known beside those of QuantizeOptions.
template <typename Visitor>
void visit_own_fields(QuantizeWhisperOptions& o, Visitor&& visit) {
  visit(Field{"calibration", "calibration speech: a folder, a table or an archive, also at a URL"},
        o.calibration);
  visit(Field{"data", "which utterances of it"}, o.data);
  visit(Field{"statistics", "file that sotto calibrate wrote"}, o.statistics);
  visit(Field{"samples", "utterances to calibrate with", 1, 1e6}, o.samples);
  visit(Field{"encoder_format", "what becomes of the encoder"}, o.encoder_format);
  visit(Field{"decoder_format", "what becomes of the decoder"}, o.decoder_format);
  visit(Field{"weights", "how weights are compressed"}, o.weights);
  visit(Field{"transcribe", "how calibration speech is heard"}, o.transcribe);
  visit(Field{"accuracy", "how many words quantizing may cost"}, o.accuracy);
  visit(Field{"session", "where calibration runs"}, o.session);
}

void read(const Value& value, const Field& field, std::filesystem::path& to) {
  std::string text;
  read(value, field, text);
  to = text;
}

}  // namespace

void read_config(const std::filesystem::path& path, QuantizeWhisperOptions& options) {
  const Json json = read_json_object(path);
  const Value root{json, path.string() + ": "};
  QuantizeWhisperOptions result = options;
  const auto is_own = [&](const std::string& key) {
    bool found = key == "encoder" || key == "decoder";
    visit_own_fields(result, [&](const Field& field, auto&) { found = found || field.name == key; });
    return found;
  };
  read_fields(root, result.encoder, is_own);
  read_fields(root, result.decoder, is_own);
  visit_own_fields(result, [&](const Field& field, auto& member) {
    if (const std::string key(field.name); json.contains(key)) {
      read(root[key], field, member);
    }
  });
  for (const auto& [key, part] : {std::pair{"encoder", &result.encoder}, {"decoder", &result.decoder}}) {
    if (json.contains(key)) {
      read_fields(root[key], *part, {});
    }
  }
  transcribe::validate(result.transcribe);
  options = std::move(result);
}

}  // namespace sotto
