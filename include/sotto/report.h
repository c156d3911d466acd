#pragma once

#include <string>
#include <vector>

#include "sotto/evaluate.h"
#include "sotto/layers.h"

namespace sotto::evaluate {

/// A table of 80 columns (up to four models) of the notebook's lines: file sizes in KB and compression rate,
/// median inference times and speed-ups, mean transcription time and speed-up, word accuracy with error
/// counts and drop; then intervals, memory and what it was measured on. Text ends with a newline; empty for
/// no model.
std::string to_table(const Comparison& comparison);
/// Layers of a model against the first one's.
struct LayersOfModel {
  std::string name;  ///< the model's
  ModelFidelity layers;
};

/// What a report tells beside the figures.
struct ReportDetails {
  std::vector<std::string> quantize_reports = {};  ///< texts of `sotto quantize`'s reports
  std::vector<LayersOfModel> layers = {};
};

/// The same lines as a Markdown document; of the details, the layers that went back to floating point, what
/// each gave back, and the noisiest layers. Throws Error(bad_format) for a quantizer's report that is none.
std::string to_markdown(const Comparison& comparison, const ReportDetails& details = {});
/// The same with stable keys and all figures, ending with a newline; schema in docs/formats.md. Throws as
/// to_markdown().
std::string to_json(const Comparison& comparison, const ReportDetails& details = {});

struct HtmlOptions {
  std::vector<std::string> commands = {};          ///< that give the report again
  std::vector<std::string> quantize_reports = {};  ///< texts of `sotto quantize --report` files
  std::vector<LayersOfModel> layers = {};
  std::size_t n_utterances = 20;  ///< shown word by word
};
/// One page that needs nothing else: charts, tables, the utterances that changed most with their sound.
///
/// The recordings are those that compare() kept (CompareOptions::keep_audio), as MP3 where this FFmpeg can
/// write it, else FLAC. Texts from models and files cannot become markup. Throws Error(bad_format) for a
/// quantizer's report that is none.
std::string to_html(const Comparison& comparison, const HtmlOptions& options = {});

/// One sentence on each model but the first: whether a difference in word accuracy is shown, and if not,
/// how many utterances would show one.
std::vector<std::string> verdicts(const Comparison& comparison);

}  // namespace sotto::evaluate
