#!/usr/bin/env python3
"""Writes stateful/, with_past/, int8/ and with_past_int8/: tests/golden/transcribe/tiny as optimum-intel exports it, with
state, with --disable-stateful and both with INT8 weights (nncf.compress_weights), and answers.json: what those with state
answer. The JSON files are tiny's own; the tokenizer's are left out.

Run: python make.py   (needs optimum-intel 2.2.0, transformers 5.5.4, torch, openvino 2026.4.1, nncf; a minute)
"""
import json
import pathlib
import shutil
import tempfile

import nncf
import numpy as np
import openvino as ov
from optimum.exporters.openvino import main_export

HERE = pathlib.Path(__file__).resolve().parent
TINY = HERE.parent / "transcribe" / "tiny"
EXACT = {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32"}


def checkpoint(directory):
    """tiny with the ids torch would otherwise take from large Whispers."""
    shutil.copytree(TINY, directory)
    config = json.loads((directory / "config.json").read_text())
    config["pad_token_id"] = config["bos_token_id"] = config["eos_token_id"]
    (directory / "config.json").write_text(json.dumps(config))


def export(source, name, stateful):
    with tempfile.TemporaryDirectory() as made:
        main_export(str(source), made, task="automatic-speech-recognition-with-past", library_name="transformers",
                    stateful=stateful)
        target = HERE / name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for path in pathlib.Path(made).glob("openvino_*coder_*"):
            shutil.copyfile(path, target / path.name)


def compress(core, name, made):
    target = HERE / made
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for path in (HERE / name).glob("*.xml"):
        ov.save_model(nncf.compress_weights(core.read_model(path)), target / path.name)


def answers(core, directory):
    encoder = core.compile_model(directory / "openvino_encoder_model.xml", "CPU", EXACT)
    request = core.compile_model(directory / "openvino_decoder_model.xml", "CPU", EXACT).create_infer_request()
    mel = np.sin(np.arange(80 * 3000, dtype=np.float64) * 0.37).astype(np.float32).reshape(1, 80, 3000)
    hidden = encoder(mel)[0]
    steps = []
    for tokens in ([[267, 268, 273, 12]], [[40]], [[300]]):
        logits = request.infer({"input_ids": np.array(tokens, np.int64), "encoder_hidden_states": hidden,
                                "beam_idx": np.zeros(1, np.int32)})["logits"]
        steps.append([float(v) for v in logits[0, -1, ::16]])
    return {"encoder": [float(v) for v in hidden[0, ::50].flatten()], "logits_every_16th": steps}


def main():
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "tiny"
        checkpoint(source)
        export(source, "stateful", True)
        export(source, "with_past", False)
    core = ov.Core()
    compress(core, "stateful", "int8")
    compress(core, "with_past", "with_past_int8")
    golden = {name: answers(core, HERE / name) for name in ("stateful", "int8")}
    (HERE / "answers.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
