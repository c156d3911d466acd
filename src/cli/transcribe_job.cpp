#include "cli/transcribe_job.h"

#include <utility>

#include "cli/batch_check.h"
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
      outputs_(arguments.output_dir, std::move(formats), arguments.layout),
      reporter_(make_reporter(arguments, context.console)),
      model_(find_model(arguments.model, context, arguments.model_dir, arguments.local_files_only)),
      transcriber_(load(model_), arguments.session),
      options_(arguments.options),
      parts_{arguments, context.console, context.stop, outputs_, *reporter_, model_, options_} {
  options_.words_move_windows = options_.word_timestamps;
  options_.word_timestamps =
      options_.word_timestamps || (arguments.words_if_possible && transcriber_.can_time_words());
}

int TranscribeJob::run() {
  try {
    transcriber_.transcribe_all([this] { return next(); }, options_, reporter_->progress(stop_));
  } catch (const Error& e) {
    if (console_.is_broken() || e.code() != ErrorCode::cancelled || runs_.empty()) {
      throw;
    }
    fail(e);
    finished_journals_.clear();  // the next run will not hear these again
    finished_.clear();
  }
  for (const fs::path& path : finished_journals_) {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
  check_batches();
  reporter_->end(status_);
  return status_;
}

std::optional<transcribe::Recording> TranscribeJob::next() {
  if (n_begun_ == inputs_.size()) {
    return std::nullopt;
  }
  InputRun& run = runs_.emplace_back(inputs_[n_begun_++], parts_);
  return transcribe::Recording{.open = [&run] { return run.open(); },
                               .is_slow_to_open = !run.input().is_file(),
                               .on_begin = [&run] { run.begin(); },
                               .listeners = run.listeners(),
                               .on_finished = [this](auto heard) { finish(std::move(heard)); },
                               .on_failed = [this](const Error& e) { fail(e); }};
}

void TranscribeJob::finish(transcribe::Transcription heard) {
  InputRun& run = runs_.front();
  try {
    run.finish(std::move(heard));
  } catch (const Error& e) {
    if (e.code() == ErrorCode::cancelled) {
      throw;
    }
    fail(e);
    return;
  }
  if (inputs_.size() == 1) {
    run.forget_journal();
  } else if (const auto journal = run.journal_path()) {
    finished_journals_.push_back(*journal);
  }
  if (arguments_.check_batch) {
    run.close_journal();
    finished_.splice(finished_.end(), runs_, runs_.begin());
  } else {
    runs_.pop_front();
  }
}

void TranscribeJob::fail(const Error& error) {
  if (console_.is_broken()) {
    throw error;
  }
  runs_.front().fail(error);
  status_ = status_ == 0 || error.code() == ErrorCode::cancelled ? exit_code(error.code()) : status_;
  runs_.pop_front();
}

/// Hears every input once more, one window after the other, and tells what that changes.
void TranscribeJob::check_batches() {
  transcribe::TranscribeOptions options = options_;
  options.batch_size = 1;
  for (const InputRun& run : finished_) {
    const auto heard = transcriber_.transcribe(*run.open_again(), options, {}, reporter_->progress(stop_));
    reporter_->checked(run.input().name, check_batch(heard.segments, run.heard().segments));
  }
}

}  // namespace sotto::cli
