#include "cli/transcribe_job.h"

#include <chrono>

#include "cli/field_json.h"
#include "cli/video_copy.h"
#include "sotto/audio.h"
#include "sotto/error.h"
#include "sotto/evaluate.h"
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
      model_(find_model(arguments.model, context, arguments.model_dir, arguments.local_files_only)),
      transcriber_(load(model_), arguments.session),
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
      failed(input, e);
      status = status == 0 || e.code() == ErrorCode::cancelled ? exit_code(e.code()) : status;
      if (e.code() == ErrorCode::cancelled) {
        finished_journals_.clear();  // the next run will not hear these again
        break;
      }
    }
    journal_.reset();
  }
  for (const fs::path& path : finished_journals_) {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
  reporter_->end(status);
  return status;
}

void TranscribeJob::failed(const Input& input, const Error& error) {
  std::vector<fs::path> kept;
  const bool can_resume = journal_ && journal_->holds_windows();
  if (!arguments_.to_stdout) {
    kept = outputs_.write_partial(input.output_name, partial_);
  }
  if (can_resume) {
    kept.push_back(journal_->path());
  }
  reporter_->failed(input.name, error, kept, can_resume);
}

void TranscribeJob::transcribe_input(const Input& input) {
  reporter_->begin(input.name);
  const LocalMedia media(
      input,
      {.allow_local_urls = arguments_.allow_local_urls, .wants_video = arguments_.mux || arguments_.burn},
      reporter_->progress(stop_));
  const auto start = std::chrono::steady_clock::now();
  const auto heard = hear(input, media);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (heard.duration_s <= 0.0) {
    forget_journal();
    throw Error(ErrorCode::bad_format, input.name, "expected sound, found an audio stream without a sample.");
  }
  reporter_->finished({input.name, heard, seconds, write_outputs(input, media, heard)});
  if (journal_ && inputs_.size() > 1) {
    finished_journals_.push_back(journal_->path());
  } else {
    forget_journal();
  }
}

void TranscribeJob::forget_journal() {
  if (journal_) {
    journal_->remove();
    journal_.reset();
  }
}

transcribe::Transcription TranscribeJob::hear(const Input& input, const LocalMedia& media) {
  std::optional<JournalContent> before;
  if (!arguments_.to_stdout) {
    open_journal(input, media, before);
  }
  if (before && before->finished) {
    return std::move(*before->finished);
  }
  const auto source = media.open();
  transcribe::Listeners listeners;
  listeners.on_segment = [this](const transcribe::Segment& segment) {
    partial_.segments.push_back(segment);
    partial_.text += segment.text;
    if (journal_) {
      journal_->add(segment);
    }
    reporter_->segment(segment);
  };
  const auto expect_written = [this](bool written) {
    if (!written) {
      console_.warn(fmt::format("{}: cannot be written any more; the run cannot be resumed",
                                journal_->path().string()));
    }
  };
  listeners.on_checkpoint = [&](const transcribe::Checkpoint& checkpoint) {
    expect_written(!journal_ || journal_->checkpoint(checkpoint));
  };
  try {
    auto heard = transcriber_.transcribe(*source, options_, listeners, reporter_->progress(stop_),
                                         before ? &before->heard : nullptr);
    expect_written(!journal_ || journal_->finish(heard));
    return heard;
  } catch (const Error& e) {
    throw media.named(e);
  }
}

nlohmann::ordered_json TranscribeJob::binding_of(const LocalMedia& media) const {
  return {{"sotto_version", evaluate::environment().sotto_version},
          {"audio", media.is_copy() ? content_identity(media.path()) : file_identity(media.path())},
          {"model", file_identity(model_)},
          {"options", fields_json(options_)},
          {"device", arguments_.session.device},
          {"inference_precision", arguments_.session.inference_precision}};
}

void TranscribeJob::open_journal(const Input& input,
                                 const LocalMedia& media,
                                 std::optional<JournalContent>& before) {
  const auto binding = binding_of(media);
  if (arguments_.resume) {
    before = left_before(input, binding);
  }
  try {
    journal_.emplace(outputs_.journal_path(input.output_name), binding, before);
  } catch (const Error& e) {
    console_.warn(fmt::format("{} The run cannot be resumed", e.what()));
  }
}

std::optional<JournalContent> TranscribeJob::left_before(const Input& input,
                                                         const nlohmann::ordered_json& binding) {
  try {
    auto before = read_journal(outputs_.journal_path(input.output_name), binding);
    if (before) {
      partial_.segments = before->heard.segments;
      partial_.text = text_of(partial_.segments);
      reporter_->resumed(input.name, before->heard);
    }
    return before;
  } catch (const Error& e) {
    console_.warn(fmt::format("{} {} is heard from its beginning", e.what(), input.name));
    return std::nullopt;
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
