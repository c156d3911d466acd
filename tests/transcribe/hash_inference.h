#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sotto/model.h"
#include "transcribe/find_alignment.h"
#include "transcribe/heard_windows.h"
#include "transcribe/inference.h"
#include "transcribe/vocabulary.h"

namespace sotto::test {

using transcribe::TokenId;

constexpr TokenId kHashText = 40;
constexpr TokenId kHashTimestamp = 50;
constexpr std::size_t kHashVocabulary = 50 + 1501;

/// The vocabulary of tests/golden/transcribe/make_rules.py.
inline transcribe::Vocabulary hash_vocabulary() {
  transcribe::Vocabulary v;
  v.eot = 40;
  v.sot = 41;
  v.language_ids = {{"en", 42}, {"de", 43}};
  v.translate = 44;
  v.transcribe = 45;
  v.sot_lm = 46;
  v.sot_prev = 47;
  v.no_speech = 48;
  v.no_timestamps = 49;
  v.timestamp_begin = kHashTimestamp;
  v.blank = {3};
  v.non_speech = {5, 6};
  v.encode = [](std::string_view text) {
    std::vector<TokenId> ids;
    for (const char c : text) {
      ids.push_back(c == ' ' ? 3 : c % kHashText);
    }
    return ids;
  };
  v.decode = [](std::span<const TokenId> ids) {
    std::string text;
    for (const TokenId id : ids) {
      if (id < kHashText) {
        text += id == 3 ? ' ' : static_cast<char>('a' + id % 26);
      }
    }
    return text;
  };
  return v;
}

inline model::ModelDimensions hash_dims() {
  model::ModelDimensions dims;
  dims.n_vocab = kHashVocabulary;
  dims.n_text_ctx = 64;
  return dims;
}

/// A decoder whose logits are a hash of the window's first mel value and the tokens so far, bit for bit
/// those of tests/golden/transcribe/make_rules.py. Keeps a row's tokens as a model keeps its state, so that
/// wrong source rows show.
class HashInference final : public transcribe::Inference {
 public:
  void encode(const audio::LogMel& window) override {
    ++n_encoded;
    seek_ = static_cast<std::uint64_t>(window.values.at(0));
  }

  transcribe::PromptLogits start(std::span<const TokenId> prompt, std::size_t position) override {
    prompts.emplace_back(prompt.begin(), prompt.end());
    rows_ = {{prompt.begin(), prompt.end()}};
    at_position_ = logits_after(std::span(rows_[0]).first(position + 1));
    logits_ = logits_after(rows_[0]);
    return {{logits_, kHashVocabulary}, at_position_};
  }

  transcribe::LogitRows step(std::span<const TokenId> tokens,
                             std::span<const std::int32_t> source_rows) override {
    n_rows.push_back(tokens.size());
    std::vector<std::vector<TokenId>> next;
    for (std::size_t r = 0; r < tokens.size(); ++r) {
      next.push_back(rows_.at(static_cast<std::size_t>(source_rows[r])));
      next.back().push_back(tokens[r]);
    }
    rows_ = std::move(next);
    logits_.clear();
    for (const auto& row : rows_) {
      const auto logits = logits_after(row);
      logits_.insert(logits_.end(), logits.begin(), logits.end());
    }
    return {logits_, kHashVocabulary};
  }

  int n_encoded = 0;
  std::vector<std::vector<TokenId>> prompts;  ///< of every start()
  std::vector<std::size_t> n_rows;            ///< of every step()

  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

 private:
  std::vector<float> logits_after(std::span<const TokenId> tokens) const {
    constexpr std::uint64_t kGamma = 0x9E3779B97F4A7C15ULL;
    std::uint64_t state = mix(seek_ + kGamma);
    std::size_t sot = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      state = mix(state + kGamma + static_cast<std::uint64_t>(tokens[i]));
      sot = tokens[i] == 41 ? i : sot;
    }
    std::vector<float> logits(kHashVocabulary);
    for (std::size_t id = 0; id < logits.size(); ++id) {
      double logit = 8.0 * static_cast<double>(mix(state + (id + 1) * kGamma) >> 40U) / 16777216.0;
      logit -= id >= static_cast<std::size_t>(kHashTimestamp) ? 4.5 : 0.0;
      logit += id == 40 ? 0.25 * static_cast<double>(tokens.size() - 1 - sot) - 5.0 : 0.0;
      logit = id == 42 || id == 43 ? -50.0 : logit;
      logit += id == 48 ? (seek_ % 7 < 2 ? 4.0 : -6.0) : 0.0;
      logits[id] = static_cast<float>(logit);
    }
    return logits;
  }

  std::uint64_t seek_ = 0;
  std::vector<std::vector<TokenId>> rows_;
  std::vector<float> logits_;
  std::vector<float> at_position_;
};

/// The words of tests/golden/transcribe/make_rules.py, fake_alignment.
inline std::vector<transcribe::WordTiming> hash_alignment(std::span<const TokenId> tokens,
                                                          std::size_t n_frames,
                                                          const std::string& /*language*/) {
  constexpr std::uint64_t kGamma = 0x9E3779B97F4A7C15ULL;
  std::vector<transcribe::WordTiming> words;
  std::uint64_t state = HashInference::mix(n_frames + kGamma);
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < tokens.size();) {
    state = HashInference::mix(state + kGamma + static_cast<std::uint64_t>(tokens[i]));
    const auto taken = tokens.subspan(i, std::min<std::size_t>(1 + state % 3, tokens.size() - i));
    i += taken.size();
    const std::uint64_t start = at + (state >> 8U) % 8;
    at = start + (state >> 16U) % 40 * ((state >> 24U) % 9 == 0 ? 8 : 1);
    std::string word = " ";
    for (const TokenId id : taken) {
      word += static_cast<char>('a' + id % 26);
    }
    const std::uint64_t mark = (state >> 32U) % 12;
    word = mark == 0 ? "." : mark == 1 ? " (" : mark == 2 ? "," : word;
    const double probability =
        static_cast<double>((state >> 40U) % 1000) / 1000 * ((state >> 52U) % 4 == 0 ? 0.1 : 1.0);
    words.push_back({word,
                     {taken.begin(), taken.end()},
                     static_cast<double>(start) / 50,
                     static_cast<double>(at) / 50,
                     probability});
  }
  return words;
}

/// A recording of n_frames whose mel frame f holds f.
inline transcribe::MelReader recording(std::size_t n_frames) {
  return [n_frames](std::size_t seek) -> std::optional<audio::MelWindow> {
    if (seek >= n_frames) {
      return std::nullopt;
    }
    audio::MelWindow window;
    window.mel = {80, audio::kWindowFrames, std::vector<float>(80UL * audio::kWindowFrames)};
    window.segment_frames = std::min<std::size_t>(audio::kWindowFrames, n_frames - seek);
    for (std::size_t f = 0; f < window.segment_frames; ++f) {
      window.mel.values[f] = static_cast<float>(seek + f);
    }
    return window;
  };
}

}  // namespace sotto::test
