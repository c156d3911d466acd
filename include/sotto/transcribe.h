#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sotto/audio.h"
#include "sotto/error.h"
#include "sotto/log.h"
#include "sotto/model.h"

namespace ov {
class InferRequest;
}

namespace sotto::transcribe {

enum class Task { transcribe, translate };

/// How a language is given: "auto" or a code or name of Whisper's ("en", "English").
inline constexpr const char* kAutoLanguage = "auto";

/// Options of a transcription under openai/whisper's names (transcribe.py and decoding.py, 20250625).
struct TranscribeOptions {
  Task task = Task::transcribe;
  std::string language = kAutoLanguage;
  std::vector<std::string>
      languages{};  ///< codes or names that auto chooses among; empty: all of the model's
  /// The language is heard anew in every window, for recordings of several; it changes only where another is
  /// likelier than language_detection_threshold, so that a doubtful window keeps the language before it.
  bool multilingual = false;
  /// auto without multilingual: windows of 30 s that are heard at most until one is sure; else most votes
  /// win.
  int language_detection_segments = 1;
  double language_detection_threshold = 0.5;  ///< a language with a larger probability is sure
  bool vad_filter = false;     ///< silence is found by a small detector of speech and not heard
  double vad_threshold = 0.5;  ///< speech begins where it is likelier
  std::optional<double> vad_neg_threshold{};  ///< and ends where it is less likely; none: threshold - 0.15
  int vad_min_speech_duration_ms = 0;         ///< shorter speech is left out
  double vad_max_speech_duration_s = 30.0;    ///< longer speech is cut at a pause; at most a window
  int vad_min_silence_duration_ms = 2000;     ///< shorter silence is part of the speech around it
  int vad_speech_pad_ms = 400;                ///< heard before and behind speech
  /// Windows decoded together; 1: one after the other, each beginning where the one before ended. Above 1
  /// they are cut at pauses before they are decoded, and are not shown the text before them. 0: chosen, two
  /// for each thread, at least 4 and at most 16, of them as many as half of the memory that is free has room
  /// for and as the audio can have, where its length is known; at least 2, so that the text does not depend
  /// on it.
  int batch_size = 1;
  /// Tried in turn until the gates below are passed; 0 is greedy or beam search, above it sampling.
  std::vector<double> temperatures = {0.0, 0.2, 0.4, 0.6, 0.8, 1.0};
  int beam_size = 0;                         ///< 0: greedy; otherwise beams at temperature 0
  int best_of = 5;                           ///< samples drawn at temperatures above 0
  double patience = 1.0;                     ///< beam search, arXiv:2204.05424
  std::optional<double> length_penalty{};    ///< none: divide by length; otherwise Google NMT's alpha, 0..1
  double compression_ratio_threshold = 2.4;  ///< a larger gzip ratio counts as a loop: next temperature
  double logprob_threshold = -1.0;           ///< a smaller mean log-probability: next temperature
  double no_speech_threshold = 0.6;          ///< a larger no-speech probability with a low mean: no text
  bool condition_on_previous_text = true;
  double prompt_reset_on_temperature = 0.5;  ///< the previous text is forgotten above it
  std::string initial_prompt{};
  bool without_timestamps = false;
  double max_initial_timestamp = 1.0;  ///< s
  bool suppress_blank = true;
  /// Token ids never produced; -1 stands for Whisper's list of symbols that are not speech.
  std::vector<int> suppress_tokens = {-1};
  int sample_len = 0;                 ///< most tokens in a window; 0: n_text_ctx / 2
  double repetition_penalty = 1.0;    ///< above 1: what was said in a window is less likely to be said again
  int no_repeat_ngram_size = 0;       ///< sequences of so many tokens are said once in a window; 0: any
  int max_loop = 0;                   ///< a sequence said more often in a row: next temperature; 0: any
  std::string hotwords{};             ///< words to expect, shown before every window unless there is a prefix
  bool suppress_numerals = false;     ///< no digits or %, $, £: numbers are written as words
  std::string suppress_regex{};       ///< tokens that it matches as a whole are never produced
  std::uint64_t seed = 0;             ///< of the sampling at temperatures above 0
  std::string prefix{};               ///< text that every window is taken to begin with
  bool carry_initial_prompt = false;  ///< initial_prompt before every window, not before the first only
  /// start, end, start, end, ... of the stretches to transcribe, s, ascending; the last end may be missing.
  std::vector<double> clip_timestamps{};
  bool word_timestamps = false;  ///< times of words too, from the attention of the decoder's alignment heads
  std::string prepend_punctuations = "\"'“¿([{-";  ///< marks that belong to the word behind them
  std::string append_punctuations =
      "\"'.。,，!！?？:：”)]}、";  ///< marks that belong to the word before them
  /// With word_timestamps: silence longer than this, s, around what is likely made up is skipped with it.
  std::optional<double> hallucination_silence_threshold{};
  /// With word_timestamps: the next window begins at the end of the last word, as openai-whisper's does; off:
  /// at the last timestamp, so that asking for words does not change what is heard.
  bool words_move_windows = true;
};

/// A word and when it is said; its white space and punctuation belong to it.
struct Word {
  std::string word{};
  double start_s = 0.0;
  double end_s = 0.0;
  double probability = 0.0;
};

/// A stretch of speech; the fields of openai/whisper's segments.
struct Segment {
  int id = 0;
  std::size_t seek_frames = 0;  ///< mel frame (10 ms) where its window began
  double start_s = 0.0;
  double end_s = 0.0;
  std::string text{};
  std::vector<std::int32_t> tokens{};
  double temperature = 0.0;
  double avg_logprob = 0.0;
  double compression_ratio = 0.0;
  double no_speech_prob = 0.0;
  std::vector<Word> words{};  ///< with word_timestamps
  /// start_s and end_s before words moved them: what the timestamp tokens say, s.
  double stamp_start_s = 0.0;
  double stamp_end_s = 0.0;
  std::string language{};  ///< code of what its window was decoded in, "en"
};

struct Transcription {
  std::string text;
  std::vector<Segment> segments;
  std::string language;               ///< code, "en"; with multilingual the one spoken longest
  double language_probability = 1.0;  ///< of what auto heard; 1 for a language that was given
  double duration_s = 0.0;            ///< of the audio
  std::size_t n_encoder_runs = 0;
  std::size_t n_decoder_runs = 0;
};

/// Where a transcription stands between two windows. With the segments heard until then it is all that
/// transcribe() needs to go on and to end as if it had never been interrupted.
struct Checkpoint {
  std::size_t clip = 0;               ///< stretch of clip_timestamps, counted from 0
  std::size_t seek_frames = 0;        ///< mel frame (10 ms) where the next window begins
  std::string language{};             ///< code of what was decoded last; empty if none was heard yet
  double language_probability = 1.0;  ///< as Transcription's
  /// Tokens of initial_prompt and all segments before it are not shown to the decoder again.
  std::size_t prompt_reset_since = 0;
  double last_speech_s = 0.0;  ///< end of the last word, with word_timestamps
};

/// A transcription that was broken off, of the same audio, model and options.
struct Unfinished {
  std::vector<Segment> segments;
  Checkpoint checkpoint{};
};

/// Who computes on a CPU. automatic: sotto's own loops for the decoder's steps and for INT8 encoders where
/// they can read the model and are faster, OpenVINO for others, as on every other device; openvino: OpenVINO
/// always.
enum class Engine { automatic, openvino };

/// Where and how models run.
struct SessionOptions {
  std::string device = "CPU";         ///< any OpenVINO device: CPU, GPU, AUTO, ...
  std::string inference_precision{};  ///< "f32", "bf16", "f16"; empty: the device's own choice
  int threads = 0;                    ///< 0: the device's own choice
  /// Make one part ready before the other is begun, so that neither waits in memory as it was stored and as
  /// the device keeps it: a lower peak, a slower start.
  bool low_memory = false;
  Engine engine = Engine::automatic;
};

enum class Stage { encoder, decoder };

/// Who is told what happens while a transcription runs, all from the calling thread.
struct Listeners {
  std::function<void(const Segment&)> on_segment{};
  /// After the segments of a window, or of windows that were decoded together.
  std::function<void(const Checkpoint&)> on_checkpoint{};
  /// After every inference; what calibration and timing listen to. `seconds` is the time it took. The request
  /// is empty where OpenVINO did not compute it; a Collector's model is always OpenVINO's.
  std::function<void(Stage, ov::InferRequest&, double seconds)> on_inference{};
};

/// One of several recordings. What it is told comes in its turn: after the end of the recording before it.
struct Recording {
  struct Audio {
    std::unique_ptr<audio::AudioSource> source{};  ///< at its beginning; null: there is nothing to hear
    std::optional<Unfinished> unfinished{};        ///< where to go on
  };
  /// Called once, maybe before the recording's turn. Throwing an Error fails this recording only.
  std::function<Audio()> open;
  bool is_slow_to_open = false;  ///< what was heard before is told first
  std::function<void()> on_begin{};
  Listeners listeners{};  ///< on_inference is not told
  std::function<void(Transcription)> on_finished;
  std::function<void(const Error&)> on_failed;
};

/// A compiled Whisper, ready to hear. Not for use from two threads at once.
class Transcriber {
 public:
  /// Compiles both graphs. Throws Error(not_found) listing the devices there are when `device` is absent.
  explicit Transcriber(const model::WhisperModel& model, const SessionOptions& options = {});
  ~Transcriber();
  Transcriber(Transcriber&&) noexcept;
  Transcriber& operator=(Transcriber&&) noexcept;

  /// Transcribes or translates a whole stream in constant memory, window by window.
  /// Throws Error(invalid_argument) for an unknown language, an option out of range, or translate asked of
  /// a model that cannot; (bad_format) where the audio breaks off. With `unfinished` it goes on at that
  /// checkpoint, of a `source` that is at its beginning; the listeners are not told of its segments again.
  Transcription transcribe(audio::AudioSource& source,
                           const TranscribeOptions& options = {},
                           const Listeners& listeners = {},
                           const Progress& progress = {},
                           const Unfinished* unfinished = nullptr);

  /// The same of one recording after the other, until next() is nullopt. With batches the last windows of one
  /// are decoded together with the first of the next ones, so that batches are full however short recordings
  /// are; each is heard as it is alone. While one is heard the next one is asked for, opened and, on another
  /// thread, read: media and spectrogram do not keep decoding waiting. At most batch_size + 2 are open at
  /// once. Throws what validate() does, Error(cancelled), and what on_begin, on_finished and on_failed throw.
  void transcribe_all(const std::function<std::optional<Recording>()>& next,
                      const TranscribeOptions& options = {},
                      const Progress& progress = {});

  /// Probability of each language in the first 30 s of `mel` ([n_mels, any]).
  std::map<std::string, double> detect_language(const audio::LogMel& mel);

  /// False for a decoder whose attention cannot be found, so that word_timestamps would throw.
  bool can_time_words() const;

  /// Precision the device really uses ("f32", "bf16", ...) and kernels executed, for reports.
  std::string inference_precision() const;
  /// Layer and kernel of the nodes that multiply matrices ("FullyConnected brgemm_avx512_amx_I8", ...) → how
  /// many there are, from the runtime model of a part.
  std::map<std::string, int> executed_kernels(Stage stage) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Throws Error(invalid_argument) naming the first option that is out of range.
void validate(const TranscribeOptions& options);

}  // namespace sotto::transcribe
