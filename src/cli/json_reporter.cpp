#include "cli/json_reporter.h"

#include <nlohmann/json.hpp>

namespace sotto::cli {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr auto kReportEvery = 500ms;

Json to_json(const transcribe::Segment& segment) {
  Json json = {{"id", segment.id},
               {"start", segment.start_s},
               {"end", segment.end_s},
               {"text", segment.text},
               {"language", segment.language},
               {"temperature", segment.temperature},
               {"avg_logprob", segment.avg_logprob},
               {"compression_ratio", segment.compression_ratio},
               {"no_speech_prob", segment.no_speech_prob}};
  for (const transcribe::Word& word : segment.words) {
    json["words"].push_back({{"word", word.word},
                             {"start", word.start_s},
                             {"end", word.end_s},
                             {"probability", word.probability}});
  }
  return json;
}

Json names_of(const std::vector<std::filesystem::path>& paths) {
  Json names = Json::array();
  for (const auto& path : paths) {
    names.push_back(path.string());
  }
  return names;
}

void write_line(Console& console, const Json& json) {
  console.write(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace

void JsonReporter::begin(const std::string& input) {
  input_ = input;
  start_ = Clock::now();
  write_line(console_, {{"event", "begin"}, {"input", input}});
}

void JsonReporter::resumed(const std::string& input, const transcribe::Unfinished& heard) {
  Json segments = Json::array();
  for (const transcribe::Segment& segment : heard.segments) {
    segments.push_back(to_json(segment));
  }
  constexpr double kFrameS = 0.01;
  write_line(console_, {{"event", "resumed"},
                        {"input", input},
                        {"at", static_cast<double>(heard.checkpoint.seek_frames) * kFrameS},
                        {"segments", std::move(segments)}});
}

void JsonReporter::segment(const transcribe::Segment& segment) {
  write_line(console_, {{"event", "segment"}, {"input", input_}, {"segment", to_json(segment)}});
}

void JsonReporter::partial(const std::vector<transcribe::Segment>& segments) {
  if (!segments.empty()) {
    write_line(console_, {{"event", "partial"},
                          {"input", input_},
                          {"start", segments.front().start_s},
                          {"end", segments.back().end_s},
                          {"text", text_of(segments)}});
  }
}

void JsonReporter::finished(const Finished& result) {
  write_line(console_, {{"event", "finished"},
                        {"input", result.input},
                        {"language", result.heard.language},
                        {"duration", result.heard.duration_s},
                        {"seconds", result.seconds},
                        {"outputs", names_of(result.outputs)}});
}

void JsonReporter::failed(const std::string& input,
                          const Error& error,
                          const std::vector<std::filesystem::path>& kept,
                          bool can_resume) {
  console_.error(error.what());
  write_line(console_, {{"event", "failed"},
                        {"input", input},
                        {"code", to_string(error.code())},
                        {"message", error.what()},
                        {"outputs", names_of(kept)},
                        {"can_resume", can_resume}});
}

void JsonReporter::checked(const std::string& input, const BatchCheck& check) {
  Json differences = Json::array();
  for (const SegmentDifference& difference : check.differences) {
    Json words = Json::array();
    for (const text::AlignedWord& word : difference.words) {
      words.push_back({word.reference, word.hypothesis});
    }
    differences.push_back(
        {{"start", difference.start_s}, {"end", difference.end_s}, {"words", std::move(words)}});
  }
  write_line(console_, {{"event", "batch_checked"},
                        {"input", input},
                        {"n_words", check.n_words},
                        {"n_substituted", check.n_substituted},
                        {"n_left_out", check.n_left_out},
                        {"n_added", check.n_added},
                        {"differences", std::move(differences)}});
}

void JsonReporter::end(int status) {
  write_line(console_, {{"event", "end"}, {"status", status}});
}

Progress JsonReporter::progress(std::stop_token stop) {
  return {.report = [this](std::string_view stage, double done, double total) { report(stage, done, total); },
          .stop = std::move(stop)};
}

void JsonReporter::report(std::string_view stage, double done, double total) {
  const auto now = Clock::now();
  if (now - last_report_ < kReportEvery) {
    return;
  }
  last_report_ = now;
  const double elapsed_s = std::chrono::duration<double>(now - start_).count();
  const bool is_told = total > 0.0 && done > 0.0;
  const Json left = is_told ? Json(elapsed_s * (total - done) / done) : Json(nullptr);
  write_line(console_, {{"event", "progress"},
                        {"input", input_},
                        {"stage", stage},
                        {"done", done},
                        {"total", total > 0.0 ? Json(total) : Json(nullptr)},
                        {"left_seconds", left}});
}

}  // namespace sotto::cli
