#include "cli/batch_check.h"

#include <utility>

namespace sotto::cli {
namespace {

using text::AlignedWord;
using text::Edit;
using transcribe::Segment;

std::string text_of_all(const std::vector<Segment>& segments) {
  std::string text;
  for (const Segment& segment : segments) {
    text += segment.text + "\n";
  }
  return text;
}

std::size_t n_words(const std::string& text) {
  return text::align_words(text, "").size();
}

void count(const AlignedWord& word, BatchCheck& check) {
  check.n_words += word.edit == Edit::insertion ? 0 : 1;
  check.n_substituted += word.edit == Edit::substitution ? 1 : 0;
  check.n_left_out += word.edit == Edit::deletion ? 1 : 0;
  check.n_added += word.edit == Edit::insertion ? 1 : 0;
}

void keep_different(SegmentDifference difference, BatchCheck& check) {
  for (const AlignedWord& word : difference.words) {
    if (word.edit != Edit::hit) {
      check.differences.push_back(std::move(difference));
      return;
    }
  }
}

}  // namespace

BatchCheck check_batch(const std::vector<Segment>& sequential, const std::vector<Segment>& batched) {
  BatchCheck check;
  const std::vector<AlignedWord> words = text::align_words(text_of_all(sequential), text_of_all(batched));
  if (sequential.empty() && !batched.empty()) {
    keep_different({batched.front().start_s, batched.back().end_s, words}, check);
  }
  auto word = words.begin();
  for (std::size_t i = 0; i < sequential.size(); ++i) {
    SegmentDifference here{sequential[i].start_s, sequential[i].end_s, {}};
    std::size_t n_left = n_words(sequential[i].text);
    const bool is_last = i + 1 == sequential.size();
    while (word != words.end() && (n_left > 0 || word->edit == Edit::insertion || is_last)) {
      n_left -= word->edit == Edit::insertion ? 0 : 1;
      here.words.push_back(*word++);
    }
    keep_different(std::move(here), check);
  }
  for (const AlignedWord& each : words) {
    count(each, check);
  }
  return check;
}

std::string marked(const std::vector<AlignedWord>& words) {
  std::string text;
  for (const AlignedWord& word : words) {
    std::string shown = word.edit == Edit::hit ? word.reference : "";
    if (word.edit == Edit::deletion || word.edit == Edit::substitution) {
      shown = "[-" + word.reference + "-]";
    }
    if (word.edit == Edit::insertion || word.edit == Edit::substitution) {
      shown += (shown.empty() ? "{+" : " {+") + word.hypothesis + "+}";
    }
    text += (text.empty() ? "" : " ") + shown;
  }
  return text;
}

}  // namespace sotto::cli
