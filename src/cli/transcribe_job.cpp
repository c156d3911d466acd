#include "cli/transcribe_job.h"

#include <chrono>

#include "cli/video_copy.h"
#include "sotto/audio.h"
#include "sotto/error.h"
#include "sotto/model.h"

namespace sotto::cli {
namespace fs = std::filesystem;
namespace {

model::WhisperModel load(const fs::path& model) {
  return model::is_ir_directory(model) ? model::load(model) : model::build(model);
}

}  // namespace

TranscribeJob::TranscribeJob(const TranscribeArguments& arguments,
                             const Context& context,
                             std::vector<Input> inputs,
                             std::vector<subtitles::Format> formats)
    : arguments_(arguments),
      console_(context.console),
      stop_(context.stop),
      inputs_(std::move(inputs)),
      formats_(std::move(formats)),
      outputs_(arguments.output_dir, formats_, arguments.layout),
      reporter_(make_reporter(arguments, context.console)),
      transcriber_(
          load(find_model(arguments.model, context, arguments.model_dir, arguments.local_files_only)),
          arguments.session),
      options_(arguments.options) {
  options_.words_move_windows = options_.word_timestamps;
  options_.word_timestamps =
      options_.word_timestamps || (arguments.words_if_possible && transcriber_.can_time_words());
}

int TranscribeJob::run() {
  int status = 0;
  for (const Input& input : inputs_) {
    partial_ = {};
    try {
      transcribe_input(input);
    } catch (const Error& e) {
      if (console_.is_broken()) {
        throw;
      }
      const auto kept = arguments_.to_stdout ? std::vector<fs::path>()
                                             : outputs_.write_partial(input.output_name, partial_);
      reporter_->failed(input.name, e, kept);
      status = status == 0 || e.code() == ErrorCode::cancelled ? exit_code(e.code()) : status;
      if (e.code() == ErrorCode::cancelled) {
        break;
      }
    }
  }
  reporter_->end(status);
  return status;
}

void TranscribeJob::transcribe_input(const Input& input) {
  reporter_->begin(input.name);
  const LocalMedia media(
      input,
      {.allow_local_urls = arguments_.allow_local_urls, .wants_video = arguments_.mux || arguments_.burn},
      reporter_->progress(stop_));
  const auto start = std::chrono::steady_clock::now();
  const auto heard = hear(media);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (heard.duration_s <= 0.0) {
    throw Error(ErrorCode::bad_format, input.name, "expected sound, found an audio stream without a sample.");
  }
  reporter_->finished({input.name, heard, seconds, write_outputs(input, media, heard)});
}

transcribe::Transcription TranscribeJob::hear(const LocalMedia& media) {
  const auto source = media.open();
  transcribe::Listeners listeners;
  listeners.on_segment = [this](const transcribe::Segment& segment) {
    partial_.segments.push_back(segment);
    partial_.text += segment.text;
    reporter_->segment(segment);
  };
  try {
    return transcriber_.transcribe(*source, options_, listeners, reporter_->progress(stop_));
  } catch (const Error& e) {
    throw media.named(e);
  }
}

std::vector<fs::path> TranscribeJob::write_outputs(const Input& input,
                                                   const LocalMedia& media,
                                                   const transcribe::Transcription& heard) {
  if (arguments_.to_stdout) {
    console_.write(subtitles::write(heard, formats_.front(), arguments_.layout));
    return {};
  }
  std::vector<fs::path> written = outputs_.write(input.output_name, heard);
  if (arguments_.mux || arguments_.burn) {
    const fs::path copy =
        video_copy_path(media.original_name(), arguments_.output_dir, input.output_name, arguments_.burn);
    write_video_copy(media.path(), heard, arguments_, copy, stop_);
    written.push_back(copy);
  }
  return written;
}

}  // namespace sotto::cli
