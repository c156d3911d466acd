#include <algorithm>
#include <cstdint>
#include <iterator>
#include <unordered_map>

#include "sotto/text.h"
#include "text/alignment.h"
#include "text/normalize_steps.h"
#include "text/unicode.h"

namespace sotto::text {
namespace {

ErrorCounts count(const std::vector<Edit>& edits) {
  ErrorCounts counts;
  for (const Edit edit : edits) {
    switch (edit) {
      case Edit::hit:
        ++counts.hits;
        break;
      case Edit::substitution:
        ++counts.substitutions;
        break;
      case Edit::deletion:
        ++counts.deletions;
        break;
      case Edit::insertion:
        ++counts.insertions;
        break;
    }
  }
  return counts;
}

/// Words as numbers, equal for equal words.
class Numbering {
 public:
  std::vector<std::uint32_t> of(const std::vector<std::string>& words) {
    std::vector<std::uint32_t> numbers;
    for (const std::string& word : words) {
      numbers.push_back(
          numbers_.try_emplace(word, static_cast<std::uint32_t>(numbers_.size())).first->second);
    }
    return numbers;
  }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

std::vector<Edit> align(const std::vector<std::string>& reference,
                        const std::vector<std::string>& hypothesis) {
  Numbering numbering;
  const std::vector<std::uint32_t> from = numbering.of(reference);
  return minimum_edits(from, numbering.of(hypothesis));
}

/// Characters without the spaces at either end (jiwer strips them).
std::vector<std::uint32_t> characters(std::string_view text) {
  const std::u32string all = to_utf32(text);
  const auto not_space = [](char32_t c) { return !is_space(c); };
  const auto first = std::find_if(all.begin(), all.end(), not_space);
  const auto last = std::find_if(all.rbegin(), std::make_reverse_iterator(first), not_space).base();
  return {first, last};
}

}  // namespace

std::optional<double> ErrorCounts::rate() const {
  if (reference_length() == 0) {
    return std::nullopt;
  }
  return static_cast<double>(errors()) / static_cast<double>(reference_length());
}

ErrorCounts& ErrorCounts::operator+=(const ErrorCounts& other) {
  hits += other.hits;
  substitutions += other.substitutions;
  deletions += other.deletions;
  insertions += other.insertions;
  return *this;
}

ErrorCounts word_errors(std::string_view reference, std::string_view hypothesis) {
  return count(align(split_words(to_utf32(reference)), split_words(to_utf32(hypothesis))));
}

ErrorCounts character_errors(std::string_view reference, std::string_view hypothesis) {
  return count(minimum_edits(characters(reference), characters(hypothesis)));
}

std::vector<AlignedWord> align_words(std::string_view reference, std::string_view hypothesis) {
  const std::vector<std::string> from = split_words(to_utf32(reference));
  const std::vector<std::string> to = split_words(to_utf32(hypothesis));
  std::vector<AlignedWord> aligned;
  std::size_t i = 0;
  std::size_t j = 0;
  for (const Edit edit : align(from, to)) {
    aligned.push_back({edit, edit == Edit::insertion ? std::string() : from[i++],
                       edit == Edit::deletion ? std::string() : to[j++]});
  }
  return aligned;
}

}  // namespace sotto::text
