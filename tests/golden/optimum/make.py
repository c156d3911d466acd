#!/usr/bin/env python3
"""Writes stateful/, with_past/, int8/ and with_past_int8/: tests/golden/transcribe/tiny as optimum-intel exports it, with
state, with --disable-stateful and both with INT8 weights (nncf.compress_weights), and answers.json: what those with state
answer. The JSON files are tiny's own; the tokenizer's are left out.

And quantized/: a random model with heads of 64 as its OVQuantizer with OVQuantizationConfig(bits=8) makes it of the export
with state, activations in INT8 and those of attention too.

Run: python make.py   (needs optimum-intel 2.2.0, transformers 5.5.4, torch, openvino 2026.4.1, nncf; a minute)
"""
import json
import pathlib
import shutil
import tempfile

import nncf
import numpy as np
import openvino as ov
import torch
from optimum.exporters.openvino import main_export
from optimum.intel import OVConfig, OVModelForSpeechSeq2Seq, OVQuantizationConfig, OVQuantizer
from optimum.intel.openvino.quantization import InferRequestWrapper, OVCalibrationDataset
from transformers import WhisperConfig, WhisperForConditionalGeneration

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


def checkpoint_with_heads_of_64(directory):
    """tiny, four times as wide, with other weights."""
    checkpoint(directory)
    config = json.loads((directory / "config.json").read_text())
    config["d_model"] = 128
    torch.manual_seed(128)
    model = WhisperForConditionalGeneration(WhisperConfig(**config))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.1)
            elif "norm" in name:
                parameter.normal_(mean=1.0, std=0.1)
            elif parameter.dim() > 1 and "embed" not in name:
                parameter.normal_(std=2.0 / parameter[0].numel() ** 0.5)
    model.save_pretrained(directory)
    (directory / "config.json").write_text(json.dumps(config))


def quantize(source, made):
    """As OVModelForSpeechSeq2Seq.from_pretrained(..., quantization_config) does, with windows of noise for a dataset."""
    model = OVModelForSpeechSeq2Seq.from_pretrained(source, export=True, stateful=True, load_in_8bit=False, compile=False)
    inputs = {name: [] for name in model.components}
    for name, part in model.components.items():
        part.compile()
        part.request = InferRequestWrapper(part.request, inputs[name], apply_caching=True)
    generator = torch.Generator().manual_seed(8)
    for _ in range(3):
        model.generate(torch.randn(1, 80, 3000, generator=generator), max_new_tokens=12)
    for part in model.components.values():
        part.request = part.request.request
    target = HERE / made
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        OVQuantizer(model).quantize(
            calibration_dataset=OVCalibrationDataset({name: nncf.Dataset(fed) for name, fed in inputs.items()}),
            ov_config=OVConfig(quantization_config=OVQuantizationConfig(bits=8)), save_directory=folder)
        target.mkdir()
        for path in pathlib.Path(folder).glob("openvino_*coder_*"):
            shutil.copyfile(path, target / path.name)
    shutil.copyfile(source / "config.json", target / "config.json")


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
        checkpoint_with_heads_of_64(source.with_name("heads_of_64"))
        quantize(source.with_name("heads_of_64"), "quantized")
    core = ov.Core()
    compress(core, "stateful", "int8")
    compress(core, "with_past", "with_past_int8")
    golden = {name: answers(core, HERE / name) for name in ("stateful", "int8")}
    (HERE / "answers.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
