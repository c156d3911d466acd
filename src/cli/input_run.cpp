#include "cli/input_run.h"

#include <utility>

#include <fmt/format.h>

#include "cli/field_json.h"
#include "cli/video_copy.h"
#include "sotto/error.h"
#include "sotto/evaluate.h"

namespace sotto::cli {
namespace fs = std::filesystem;

InputRun::InputRun(Input input, const RunParts& parts) : input_(std::move(input)), parts_(parts) {}

transcribe::Recording::Audio InputRun::open() {
  const TranscribeArguments& arguments = parts_.arguments;
  media_.emplace(
      input_,
      FetchOptions{.allow_local_urls = arguments.allow_local_urls,
                   .wants_video = arguments.mux || arguments.burn},
      has_begun_ ? parts_.reporter.progress(parts_.stop) : Progress{.report = {}, .stop = parts_.stop});
  start_ = std::chrono::steady_clock::now();
  if (!arguments.to_stdout) {
    open_journal();
  }
  if (before_ && before_->finished) {
    return {};
  }
  return {media_->open(), before_ ? std::optional(before_->heard) : std::nullopt};
}

void InputRun::begin() {
  has_begun_ = true;
  if (parts_.options.batch_size == 1) {
    start_ = std::chrono::steady_clock::now();  // it may have been opened while another one was heard
  }
  parts_.reporter.begin(input_.name);
  tell_resumed();
}

void InputRun::tell_resumed() {
  if (has_begun_ && before_) {
    parts_.reporter.resumed(input_.name, before_->heard);
  }
}

transcribe::Listeners InputRun::listeners() {
  transcribe::Listeners listeners;
  listeners.on_segment = [this](const transcribe::Segment& segment) {
    heard_.segments.push_back(segment);
    heard_.text += segment.text;
    if (journal_) {
      journal_->add(segment);
    }
    parts_.reporter.segment(segment);
  };
  listeners.on_checkpoint = [this](const transcribe::Checkpoint& checkpoint) {
    expect_written(!journal_ || journal_->checkpoint(checkpoint));
  };
  return listeners;
}

void InputRun::expect_written(bool written) const {
  if (!written) {
    parts_.console.warn(
        fmt::format("{}: cannot be written any more; the run cannot be resumed", journal_->path().string()));
  }
}

void InputRun::finish(transcribe::Transcription heard) {
  if (before_ && before_->finished) {
    heard_ = std::move(*before_->finished);
  } else {
    heard_ = std::move(heard);
    expect_written(!journal_ || journal_->finish(heard_));
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  if (heard_.duration_s <= 0.0) {
    forget_journal();
    throw Error(ErrorCode::bad_format, input_.name,
                "expected sound, found an audio stream without a sample.");
  }
  parts_.reporter.finished({input_.name, heard_, seconds, write_outputs()});
}

void InputRun::fail(const Error& error) {
  std::vector<fs::path> kept;
  const bool can_resume = journal_ && journal_->holds_windows();
  if (!parts_.arguments.to_stdout) {
    kept = parts_.outputs.write_partial(input_.output_name, heard_);
  }
  if (can_resume) {
    kept.push_back(journal_->path());
  }
  parts_.reporter.failed(input_.name, media_ ? media_->named(error) : error, kept, can_resume);
}

std::optional<fs::path> InputRun::journal_path() const {
  return journal_ ? std::optional(journal_->path()) : std::nullopt;
}

void InputRun::forget_journal() {
  if (journal_) {
    journal_->remove();
    journal_.reset();
  }
}

nlohmann::ordered_json InputRun::binding() const {
  return {{"sotto_version", evaluate::environment().sotto_version},
          {"audio", media_->is_copy() ? content_identity(media_->path()) : file_identity(media_->path())},
          {"model", file_identity(parts_.model)},
          {"options", fields_json(parts_.options)},
          {"device", parts_.arguments.session.device},
          {"inference_precision", parts_.arguments.session.inference_precision}};
}

void InputRun::open_journal() {
  const auto bound = binding();
  if (parts_.arguments.resume) {
    read_left_before(bound);
  }
  try {
    journal_.emplace(parts_.outputs.journal_path(input_.output_name), bound, before_);
  } catch (const Error& e) {
    parts_.console.warn(fmt::format("{} The run cannot be resumed", e.what()));
  }
}

void InputRun::read_left_before(const nlohmann::ordered_json& binding) {
  try {
    before_ = read_journal(parts_.outputs.journal_path(input_.output_name), binding);
  } catch (const Error& e) {
    parts_.console.warn(fmt::format("{} {} is heard from its beginning", e.what(), input_.name));
  }
  if (before_) {
    heard_.segments = before_->heard.segments;
    heard_.text = text_of(heard_.segments);
    tell_resumed();
  }
}

std::vector<fs::path> InputRun::write_outputs() const {
  const TranscribeArguments& arguments = parts_.arguments;
  if (arguments.to_stdout) {
    parts_.console.write(subtitles::write(heard_, parts_.outputs.formats().front(), arguments.layout));
    return {};
  }
  std::vector<fs::path> written = parts_.outputs.write(input_.output_name, heard_);
  if (arguments.mux || arguments.burn) {
    const fs::path copy =
        video_copy_path(media_->original_name(), arguments.output_dir, input_.output_name, arguments.burn);
    write_video_copy(media_->path(), heard_, arguments, copy, parts_.stop);
    written.push_back(copy);
  }
  return written;
}

}  // namespace sotto::cli
