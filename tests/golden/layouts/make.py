#!/usr/bin/env python3
"""Writes notebook/: the IR pair of notebook 227-whisper for tests/golden/transcribe/tiny, as torch and OpenVINO
convert it (f16 weights, TorchScript's names), its INT8 form from NNCF, and what the pair answers (pair.json). And
heads_of_64/: such an INT8 pair of a random model whose heads are as large as every Whisper's.

Run: python make.py   (needs openai-whisper 20250625, torch, openvino, nncf; a minute)
"""
import json
import pathlib
import sys

import numpy as np
import openvino as ov
import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "transcribe"))
import notebook_loader  # noqa: E402
import openai_reference  # noqa: E402
import whisper.model  # noqa: E402

TINY = HERE.parent / "transcribe" / "tiny"
OUT = HERE / "notebook"
OUT_64 = HERE / "heads_of_64"
NAME = "whisper_tiny"


def export(model, out):
    out.mkdir(exist_ok=True)
    dims = model.dims
    mel = torch.zeros(1, dims.n_mels, 2 * dims.n_audio_ctx)
    encoder = ov.convert_model(model.encoder, example_input=mel)
    ov.save_model(encoder, out / f"{NAME}_encoder.xml")
    xa = torch.zeros(1, dims.n_audio_ctx, dims.n_audio_state)
    caches = tuple(torch.zeros(1, 2, dims.n_text_state) for _ in range(2 * dims.n_text_layer))
    x = torch.zeros(1, 1, dtype=torch.int64)  # with three the causal mask would not fit the caches
    decoder = ov.convert_model(notebook_loader.TracedDecoder(model.decoder), example_input=(x, xa, caches))
    for node in decoder.inputs[2:]:
        node.get_node().set_partial_shape(ov.PartialShape([-1, -1, dims.n_text_state]))
    decoder.inputs[0].get_node().set_partial_shape(ov.PartialShape([-1, -1]))
    decoder.inputs[1].get_node().set_partial_shape(ov.PartialShape([-1, -1, -1]))
    decoder.validate_nodes_and_infer_types()
    ov.save_model(decoder, out / f"{NAME}_decoder.xml")


def answers(core, suffix=""):
    """The pair's encoder output and the logits of a prompt and of two further tokens."""
    encoder = notebook_loader.OpenVINOAudioEncoder(core, OUT / f"{NAME}_encoder{suffix}.xml")
    decoder = notebook_loader.OpenVINOTextDecoder(core, OUT / f"{NAME}_decoder{suffix}.xml")
    mel = torch.from_numpy(np.sin(np.arange(80 * 3000, dtype=np.float64) * 0.37).astype(np.float32))
    xa = encoder(mel.reshape(1, 80, 3000))
    prompt = torch.tensor([[267, 268, 273, 12]])
    steps, cache = [], None
    for tokens in (prompt, torch.tensor([[40]]), torch.tensor([[300]])):
        logits, cache = decoder(tokens, xa, cache)
        steps.append([float(v) for v in logits[0, -1, ::16]])
    return {"encoder": [float(v) for v in xa[0, ::50].flatten()], "logits_every_16th": steps}


def quantize(core, out):
    """The notebook's job on a few samples."""
    import nncf

    rng = np.random.default_rng(0)
    mels = [rng.standard_normal((1, 80, 3000), np.float32) for _ in range(3)]
    encoder = core.read_model(out / f"{NAME}_encoder.xml")
    run = core.compile_model(encoder, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    features = [run(mel)[0] for mel in mels]
    decoder = core.read_model(out / f"{NAME}_decoder.xml")
    step = core.compile_model(decoder, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names = [inp.any_name for inp in decoder.inputs]
    samples = []
    for xa in features:
        caches = [np.zeros((1, 0, xa.shape[2]), np.float32) for _ in names[2:]]
        for x in ([[267, 268, 273, 12]], [[40]], [[300]], [[65]]):
            feed = dict(zip(names, [np.array(x, np.int64), xa, *caches]))
            samples.append(feed)
            caches = [np.array(v) for v in list(step(feed).values())[1:]]
    for part, model, data, alpha in (("encoder", encoder, mels, 0.5), ("decoder", decoder, samples, 0.95)):
        made = nncf.quantize(model, nncf.Dataset(data), subset_size=len(data), model_type=nncf.ModelType.TRANSFORMER,
                             advanced_parameters=nncf.AdvancedQuantizationParameters(smooth_quant_alpha=alpha))
        ov.save_model(made, out / f"{NAME}_{part}_int8.xml")


def heads_of_64(dims):
    """A random model of these dimensions, but for its width."""
    dims = whisper.model.ModelDimensions(**(vars(dims) | {
        "n_audio_state": 128, "n_audio_head": 2, "n_text_state": 128, "n_text_head": 2}))
    torch.manual_seed(64)
    model = whisper.model.Whisper(dims).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "ln" in name:
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
            elif name.endswith("bias"):
                parameter.normal_(std=0.1)
            elif "embedding" not in name:
                parameter.normal_(std=2.0 / parameter[0].numel() ** 0.5)
            else:
                parameter.normal_(std=0.1)
    return model


def main():
    core = ov.Core()
    model = openai_reference.load(TINY)
    export(model, OUT)
    quantize(core, OUT)
    export(heads_of_64(model.dims), OUT_64)
    quantize(core, OUT_64)
    for part in ("encoder", "decoder"):
        for suffix in ("xml", "bin"):
            (OUT_64 / f"{NAME}_{part}.{suffix}").unlink()
    golden = {"fp": answers(core), "int8": answers(core, "_int8")}
    (OUT / "pair.json").write_text(json.dumps(golden) + "\n")
    for path in sorted([*OUT.iterdir(), *OUT_64.iterdir()]):
        print(path.relative_to(HERE), path.stat().st_size)


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
