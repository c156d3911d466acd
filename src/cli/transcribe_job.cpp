#include "cli/transcribe_job.h"

#include <chrono>

#include "sotto/audio.h"
#include "sotto/error.h"
#include "sotto/model.h"

namespace sotto::cli {
namespace fs = std::filesystem;
namespace {

model::WhisperModel load(const fs::path& model) {
  return model::is_ir_directory(model) ? model::load(model) : model::build(model);
}

std::string output_name(const fs::path& input) {
  return input.stem().string();
}

}  // namespace

TranscribeJob::TranscribeJob(const TranscribeArguments& arguments,
                             const Context& context,
                             std::vector<subtitles::Format> formats)
    : arguments_(arguments),
      console_(context.console),
      stop_(context.stop),
      formats_(std::move(formats)),
      outputs_(arguments.output_dir, formats_, arguments.layout),
      reporter_(make_reporter(arguments, context.console)),
      transcriber_(load(find_model(arguments.model, context)), arguments.session),
      options_(arguments.options) {
  options_.word_timestamps =
      options_.word_timestamps || (arguments.words_if_possible && transcriber_.can_time_words());
}

int TranscribeJob::run() {
  int status = 0;
  for (const std::string& input : arguments_.inputs) {
    try {
      transcribe_input(input);
    } catch (const Error& e) {
      if (console_.is_broken()) {
        throw;
      }
      const auto kept = arguments_.to_stdout ? std::vector<fs::path>()
                                             : outputs_.write_partial(output_name(input), partial_);
      reporter_->failed(input, e, kept);
      status = status == 0 || e.code() == ErrorCode::cancelled ? exit_code(e.code()) : status;
      if (e.code() == ErrorCode::cancelled) {
        break;
      }
    }
  }
  reporter_->end(status);
  return status;
}

void TranscribeJob::transcribe_input(const std::string& input) {
  partial_ = {};
  reporter_->begin(input);
  const auto source = audio::open_media(input);
  transcribe::Listeners listeners;
  listeners.on_segment = [this](const transcribe::Segment& segment) {
    partial_.segments.push_back(segment);
    partial_.text += segment.text;
    reporter_->segment(segment);
  };
  const auto start = std::chrono::steady_clock::now();
  const auto heard = transcriber_.transcribe(*source, options_, listeners, reporter_->progress(stop_));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  deliver(input, heard, seconds);
}

void TranscribeJob::deliver(const std::string& input,
                            const transcribe::Transcription& heard,
                            double seconds) {
  if (heard.duration_s <= 0.0) {
    throw Error(ErrorCode::bad_format, input, "expected sound, found an audio stream without a sample.");
  }
  if (arguments_.to_stdout) {
    console_.write(subtitles::write(heard, formats_.front(), arguments_.layout));
    reporter_->finished({input, heard, seconds, {}});
    return;
  }
  reporter_->finished({input, heard, seconds, outputs_.write(output_name(input), heard)});
}

}  // namespace sotto::cli
