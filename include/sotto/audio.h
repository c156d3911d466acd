#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sotto::audio {

// Whisper's constants (openai/whisper 20250625, audio.py).
inline constexpr int kSampleRateHz = 16000;
inline constexpr int kNFft = 400;                                     // 25 ms
inline constexpr int kHopSamples = 160;                               // 10 ms
inline constexpr int kWindowS = 30;                                   // what the encoder sees at once
inline constexpr int kWindowSamples = kWindowS * kSampleRateHz;       // 480000
inline constexpr int kWindowFrames = kWindowSamples / kHopSamples;    // 3000 mel frames
inline constexpr int kFramesPerSecond = kSampleRateHz / kHopSamples;  // 100
static_assert(kWindowSamples % kHopSamples == 0);

/// A stream of 16 kHz mono samples in [-1, 1].
class AudioSource {
 public:
  virtual ~AudioSource() = default;
  /// Fills `out` from the front and returns how many samples came; fewer than out.size() only where the
  /// stream stops. The call after that tells why: it returns 0 at the end, or throws Error(bad_format) where
  /// the stream breaks off, so that all that can be decoded is delivered first. Read until 0.
  virtual std::size_t read(std::span<float> out) = 0;
  /// Length in seconds if the container tells it; an estimate, read() decides.
  virtual std::optional<double> duration_s() const = 0;
  /// Sample rate of the recording before it was resampled; nullopt where there was none.
  virtual std::optional<int> source_rate_hz() const { return std::nullopt; }
  /// Starts again at the first sample, or returns false for a stream that cannot (a pipe).
  virtual bool rewind() = 0;
};

/// Opens the first audio stream of any file FFmpeg reads, resampled to 16 kHz and mixed down to mono in
/// constant memory. Samples are rounded to 16 bits, as openai/whisper's load_audio does.
///
/// Only local files and what they contain: a playlist that names other hosts or files is refused.
/// Throws Error(not_found) for a missing file, (bad_format) for what is not media, for a directory, an empty
/// file, a playlist and a file without an audio stream, (unsupported) for a codec this FFmpeg lacks, (io) for
/// a file that may not be read. No samples in a good container is not an error.
/// read() throws Error(bad_format) for samples that are not finite, and for a cut file: one whose reading
/// fails before its end, or that is shorter than its header states (flac, mp4, mov, aiff, au; of other
/// formats FFmpeg does not tell an exact length). Damaged packets elsewhere are skipped with a logged
/// warning.
std::unique_ptr<AudioSource> open_media(const std::filesystem::path& path);

/// The same interface over samples in memory: 16 kHz mono in [-1, 1]. Throws Error(bad_format) for a sample
/// that is not finite.
std::unique_ptr<AudioSource> from_samples(std::vector<float> samples);

/// All samples a source still has.
std::vector<float> read_all(AudioSource& source);

/// All samples of a file: 16 kHz mono (openai/whisper audio.py, load_audio).
std::vector<float> load_audio(const std::filesystem::path& path);

/// A sound file in memory.
struct EncodedAudio {
  std::string bytes = {};
  std::string media_type = {};  ///< "audio/mpeg"
};
/// 16 kHz mono samples as a small file any browser plays: MP3 of 24 kbit/s where this FFmpeg can write it,
/// else 16-bit WAV.
EncodedAudio encode_small(std::span<const float> samples);

/// A log-mel spectrogram, row-major [n_mels, n_frames], Whisper's normalised log10 power in about [-1, 1.5].
struct LogMel {
  int n_mels = 80;
  std::size_t n_frames = 0;
  std::vector<float> values;
};

/// Whisper's log-mel spectrogram of 16 kHz samples: 25 ms Hann windows every 10 ms, Slaney mel filters of
/// 0–8 kHz, log10, floor at the maximum less 8, then (x + 4) / 4.
///
/// n_mels is 80 or 128; n_frames is (samples.size() + padding_samples) / 160, padding being zeros at the
/// end. Throws Error(invalid_argument) for another n_mels, (bad_format) for samples that are not finite.
/// Source: openai/whisper 20250625, audio.py, log_mel_spectrogram.
LogMel log_mel_spectrogram(std::span<const float> samples, int n_mels, std::size_t padding_samples = 0);

/// Cuts or fills with `value` (in the mel domain, as Whisper does) to exactly n_frames.
LogMel pad_or_trim(const LogMel& mel, std::size_t n_frames = kWindowFrames, float value = 0.0F);

}  // namespace sotto::audio
