#pragma once

#include "model/ir_files.h"
#include "sotto/model.h"

namespace sotto::model {

/// The pair of the OpenVINO notebook 227-whisper as it is: ports are bound by position and get the names
/// WhisperModel says beside their own. Dimensions come from the graphs' shapes, the JSON files and the
/// tokenizer from beside the pair or from the tables docs/checkpoints.md names. Throws Error(bad_format)
/// naming the file and the port that does not fit.
WhisperModel load_notebook(const IrFiles& files);

/// Adds to the ports of a pair the names that WhisperModel says; those they have stay.
void name_notebook_ports(WhisperModel& model);

/// Takes these names away again, for the notebook feeds the decoder by name.
void restore_notebook_names(WhisperModel& model);

}  // namespace sotto::model
