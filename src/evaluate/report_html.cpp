#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "evaluate/accuracy.h"
#include "evaluate/html_page.h"
#include "evaluate/report_details.h"
#include "evaluate/report_rows.h"
#include "sotto/audio.h"
#include "sotto/error.h"
#include "sotto/report.h"

namespace sotto::evaluate {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostAudioBytes = 1'500'000;  // keeps the page below 3 MB

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = (group << 8U) | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= n ? kAlphabet[(group >> (18U - 6U * k)) & 63U] : '=';
    }
  }
  return text;
}

Json rows_json(const std::vector<Row>& rows) {
  Json list = Json::array();
  for (const Row& row : rows) {
    list.push_back({{"label", row.label}, {"cells", row.cells}});
  }
  return list;
}

const char* edit_name(text::Edit edit) {
  switch (edit) {
    case text::Edit::hit:
      return "hit";
    case text::Edit::substitution:
      return "substitution";
    case text::Edit::deletion:
      return "deletion";
    case text::Edit::insertion:
      return "insertion";
  }
  return "hit";
}

Json diff_json(const UtteranceResult& result) {
  Json words = Json::array();
  for (const text::AlignedWord& word : text::align_words(result.reference_words, result.hypothesis_words)) {
    words.push_back({edit_name(word.edit), word.reference, word.hypothesis});
  }
  return words;
}

/// Words in which the models differ in an utterance, and the most errors any of them made.
struct Change {
  std::size_t words = 0;
  std::size_t errors = 0;
};

Change change_of(const std::vector<Measurement>& models, std::size_t utterance) {
  Change change;
  for (const Measurement& model : models) {
    const UtteranceResult& result = model.utterances[utterance];
    change.words = std::max(change.words, words_apart(models.front().utterances[utterance], result));
    change.errors = std::max(change.errors, result.words.errors());
  }
  return change;
}

/// Recordings as data URIs until there is no room for more.
class Recordings {
 public:
  explicit Recordings(const Comparison& comparison) : comparison_(comparison) {}

  Json uri(const std::string& id) {
    const auto found = comparison_.audio.find(id);
    if (found == comparison_.audio.end() || found->second.empty()) {
      return nullptr;
    }
    const audio::EncodedAudio encoded = audio::encode_small(found->second);
    if (n_bytes_ + encoded.bytes.size() > kMostAudioBytes) {
      return nullptr;
    }
    n_bytes_ += encoded.bytes.size();
    return "data:" + encoded.media_type + ";base64," + base64(encoded.bytes);
  }

 private:
  const Comparison& comparison_;
  std::size_t n_bytes_ = 0;
};

Json utterance_json(const Comparison& comparison, std::size_t i, Recordings& recordings) {
  Json item = {{"id", comparison.models.front().utterances[i].id},
               {"reference", comparison.models.front().utterances[i].reference_words},
               {"models", Json::array()},
               {"errors", Json::array()}};
  for (const Measurement& model : comparison.models) {
    item["models"].push_back(diff_json(model.utterances[i]));
    item["errors"].push_back(model.utterances[i].words.errors());
  }
  item["audio"] = recordings.uri(item["id"].get<std::string>());
  return item;
}

/// The utterances that changed most, most first.
void add_utterances(Json& data, const Comparison& comparison, std::size_t n_shown) {
  const std::size_t n = comparison.models.front().utterances.size();
  std::vector<Change> changes;
  for (std::size_t i = 0; i < n; ++i) {
    changes.push_back(change_of(comparison.models, i));
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(changes[a].words, changes[a].errors) > std::pair(changes[b].words, changes[b].errors);
  });
  data["n_changed"] =
      std::count_if(changes.begin(), changes.end(), [](const Change& change) { return change.words > 0; });
  data["utterances"] = Json::array();
  Recordings recordings(comparison);
  for (std::size_t i = 0; i < std::min(n, n_shown); ++i) {
    data["utterances"].push_back(utterance_json(comparison, order[i], recordings));
  }
}

/// JSON that may stand in a script element: no tag can begin in it.
std::string script_text(const Json& json) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";  // "<" occurs in JSON within strings only
    } else {
      safe += c;
    }
  }
  return safe;
}

/// The page with its @NAME@ marks replaced, each once and in order: what is put in is not looked at again.
std::string fill(std::string_view page,
                 const std::vector<std::pair<std::string_view, std::string_view>>& parts) {
  std::string text;
  for (const auto& [mark, part] : parts) {
    const std::size_t at = page.find(mark);
    text += page.substr(0, at);
    text += part;
    page.remove_prefix(at + mark.size());
  }
  return text.append(page);
}

}  // namespace

std::string to_html(const Comparison& comparison, const HtmlOptions& options) {
  if (comparison.models.empty()) {
    throw Error(ErrorCode::invalid_argument, "report", "expected at least one model, found none.");
  }
  Json data = {{"comparison", Json::parse(to_json(comparison))},
               {"main_rows", rows_json(main_rows(comparison))},
               {"run_rows", rows_json(run_rows(comparison))},
               {"notes", notes(comparison)},
               {"commands", options.commands},
               {"layers", Json::array()},
               {"quantize_reports", Json::array()}};
  for (Json& model : data["comparison"]["models"]) {
    model["utterances"] = Json::array();  // those shown are below, with their words aligned
    model["n_utterances"] = comparison.models.front().utterances.size();
  }
  for (const LayersOfModel& model : options.layers) {
    data["layers"].push_back({{"name", model.name},
                              {"encoder", {{"layers", layers_json(model.layers.encoder)}}},
                              {"decoder", {{"layers", layers_json(model.layers.decoder)}}}});
  }
  for (const std::string& report : options.quantize_reports) {
    data["quantize_reports"].push_back(parse_quantize_report(report));
  }
  add_utterances(data, comparison, options.n_utterances);
  const std::string json = script_text(data);
  return fill(html_part("report.html"), {{"@CSS@", html_part("report.css")},
                                         {"@DATA@", json},
                                         {"@D3@", html_part("d3.min.js")},
                                         {"@PLOT@", html_part("plot.umd.min.js")},
                                         {"@JS@", html_part("report.js")}});
}

}  // namespace sotto::evaluate
