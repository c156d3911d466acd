#include <algorithm>
#include <string>
#include <utility>

#include "audio/speech_detector.h"
#include "sotto/audio.h"
#include "sotto/error.h"
#include "sotto/listen.h"
#include "transcribe/frames.h"
#include "transcribe/language.h"
#include "transcribe/quiet_cut.h"
#include "transcribe/speech_spans.h"

namespace sotto::transcribe {
namespace {

constexpr int kPauseMs = 600;
constexpr double kUtteranceS = 15.0;
constexpr double kSureOfLanguageS = 10.0;
constexpr std::size_t kContextFrames = 60;  // before what is new, for the detector to see it in its place
constexpr int kMelsOfDetector = 80;
constexpr std::size_t kShownBytes = 500;  // of the text before, as a prompt

std::size_t to_samples(std::size_t n_frames) {
  return n_frames * audio::kHopSamples;
}

double sample_s(std::size_t n_samples) {
  return static_cast<double>(n_samples) / audio::kSampleRateHz;
}

/// The last words of `text`, whole.
std::string tail_of(const std::string& text) {
  if (text.size() <= kShownBytes) {
    return text;
  }
  const std::size_t space = text.find(' ', text.size() - kShownBytes);
  return space == std::string::npos ? "" : text.substr(space);
}

}  // namespace

TranscribeOptions live_options() {
  TranscribeOptions options;
  options.vad_filter = true;
  options.vad_min_silence_duration_ms = kPauseMs;
  options.vad_max_speech_duration_s = kUtteranceS;
  options.condition_on_previous_text = false;
  return options;
}

/// What the samples that are not final hold, in frames from the first of them.
struct Listener::Extent {
  std::size_t silence = 0;   ///< before the first word; all of it where there is none
  std::size_t complete = 0;  ///< to be heard for good, 0 if nothing is
  bool speaks = false;
};

Listener::Listener(Transcriber& transcriber,
                   const TranscribeOptions& options,
                   const ListenOptions& listen,
                   LiveEvents events)
    : transcriber_(transcriber), options_(options), listen_(listen), events_(std::move(events)) {
  validate(options);
}

void Listener::add(std::span<const float> samples, bool is_behind, const std::stop_token& stop) {
  samples_.insert(samples_.end(), samples.begin(), samples.end());
  n_since_partial_ += samples.size();
  for (;;) {
    const Extent extent = find_utterance();
    drop(to_samples(extent.silence));
    if (!extent.speaks) {
      return;
    }
    if (extent.complete == 0) {
      break;
    }
    hear_final(to_samples(extent.complete - extent.silence));
  }
  const bool is_due = listen_.partial_interval_s > 0.0 && events_.on_partial &&
                      sample_s(n_since_partial_) >= listen_.partial_interval_s;
  if (is_due && !is_behind && !stop.stop_requested()) {
    hear_partial(stop);
  }
}

Listener::Extent Listener::find_utterance() const {
  const audio::LogMel mel = audio::log_mel_spectrogram(samples_, kMelsOfDetector);
  const std::size_t n_frames = mel.n_frames;
  const std::size_t longest = to_frames(options_.vad_max_speech_duration_s);
  std::vector<SpeechSpan> spans = {{0, n_frames}};
  if (options_.vad_filter) {
    spans = find_speech(audio::speech_probabilities(mel, n_frames), n_frames, options_);
  }
  Extent extent;
  if (spans.empty() || n_frames == 0) {
    extent.silence = n_frames - std::min(n_frames, kContextFrames);
    return extent;
  }
  extent.speaks = true;
  const SpeechSpan& first = spans.front();
  extent.silence = first.begin_frame > kContextFrames ? first.begin_frame : 0;
  const auto pause = static_cast<std::size_t>(options_.vad_min_silence_duration_ms / 10);
  // The span is padded into the silence behind it, of which there must be enough.
  const std::size_t pad = std::min(static_cast<std::size_t>(options_.vad_speech_pad_ms / 10), pause / 2);
  const std::size_t spoken = first.end_frame - extent.silence;
  if (spoken >= longest) {
    const audio::LogMel part = audio::log_mel_spectrogram(
        std::span(samples_).subspan(to_samples(extent.silence), to_samples(longest)), kMelsOfDetector);
    extent.complete = extent.silence + quiet_cut(part, part.n_frames);
  } else if (spans.size() > 1 || (options_.vad_filter && first.end_frame + (pause - pad) <= n_frames)) {
    extent.complete = first.end_frame;
  }
  return extent;
}

void Listener::drop(std::size_t n_samples) {
  n_samples = std::min(n_samples, samples_.size());
  samples_.erase(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(n_samples));
  n_before_ += n_samples;
}

TranscribeOptions Listener::options_for_utterance() const {
  TranscribeOptions options = options_;
  options.vad_filter = false;
  options.batch_size = 1;
  if (options.language == kAutoLanguage && !options.multilingual) {
    const std::string longest = main_language(heard_.segments);
    const bool is_sure = spoken_s_ >= kSureOfLanguageS && !longest.empty();
    options.multilingual = !is_sure;  // hears it in the window that is decoded
    options.language = is_sure ? longest : options.language;
  }
  if (options.condition_on_previous_text) {
    options.initial_prompt += tail_of(heard_.text);
  }
  return options;
}

void Listener::hear_final(std::size_t n_samples) {
  n_samples = std::min(n_samples, samples_.size());
  const auto end = samples_.begin() + static_cast<std::ptrdiff_t>(n_samples);
  const auto source = audio::from_samples({samples_.begin(), end});
  const double offset_s = sample_s(n_before_);
  Listeners listeners;
  listeners.on_segment = [&](Segment segment) {
    segment.id = static_cast<int>(heard_.segments.size());
    segment.seek_frames += to_frames(offset_s);
    for (double* const time_s :
         {&segment.start_s, &segment.end_s, &segment.stamp_start_s, &segment.stamp_end_s}) {
      *time_s += offset_s;
    }
    for (Word& word : segment.words) {
      word.start_s += offset_s;
      word.end_s += offset_s;
    }
    spoken_s_ += segment.end_s - segment.start_s;
    heard_.text += segment.text;
    heard_.segments.push_back(segment);
    if (events_.on_final) {
      events_.on_final(segment);
    }
  };
  const Transcription result = transcriber_.transcribe(*source, options_for_utterance(), listeners);
  heard_.n_encoder_runs += result.n_encoder_runs;
  heard_.n_decoder_runs += result.n_decoder_runs;
  drop(n_samples);
  n_since_partial_ = 0;
}

void Listener::hear_partial(const std::stop_token& stop) {
  TranscribeOptions options = options_for_utterance();
  options.temperatures.resize(1);
  options.beam_size = 0;
  options.word_timestamps = false;
  options.hallucination_silence_threshold.reset();
  const auto source = audio::from_samples(samples_);
  n_since_partial_ = 0;
  try {
    Transcription seems = transcriber_.transcribe(*source, options, {}, {.report = {}, .stop = stop});
    for (Segment& segment : seems.segments) {
      segment.start_s += sample_s(n_before_);
      segment.end_s += sample_s(n_before_);
    }
    events_.on_partial(seems.segments);
  } catch (const Error& e) {
    if (e.code() != ErrorCode::cancelled) {
      throw;
    }
  }
}

Transcription Listener::finish() {
  const Extent extent = find_utterance();
  if (extent.speaks) {
    drop(to_samples(extent.silence));
    hear_final(samples_.size());
  }
  drop(samples_.size());
  heard_.duration_s = sample_s(n_before_);
  heard_.language = options_.language == kAutoLanguage ? main_language(heard_.segments) : options_.language;
  return std::move(heard_);
}

}  // namespace sotto::transcribe
