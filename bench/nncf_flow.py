#!/usr/bin/env python3
"""The notebook's flow with NNCF: transcribe speech with the FP model while every input is kept, then
nncf.quantize() for the encoder with SmoothQuant 0.5 and for the decoder with 0.95, then save.

Usage: nncf_flow.py MODEL MELS OUTPUT REPORT N_TOKENS, where MELS is a folder of .npy windows and N_TOKENS the most
tokens decoded of each. Runs in a process of its own, so that its peak memory can be measured.
"""

import json
import pathlib
import shutil
import sys
import time

import nncf
import numpy as np
import openvino as ov
from nncf.quantization.advanced_parameters import AdvancedSmoothQuantParameters


PAST = "past_key_values"


def with_cache_inputs(model):
    """The decoder in the notebook's form: self-attention K and V as inputs and outputs, cross-attention K and V
    projected at every step. NNCF 3.4 cannot run a decoder whose states have initial values."""
    parameters = []
    for sink in model.get_sinks():
        model.remove_sink(sink)
        read = next(n for n in model.get_ops() if n.get_type_name() == "ReadValue" and
                    n.get_attributes()["variable_id"] == sink.get_attributes()["variable_id"])
        name = read.get_attributes()["variable_id"].split("present")[0]
        if ".encoder." in name:
            read.output(0).replace(read.input_value(0))
            continue
        past = ov.opset13.parameter(ov.PartialShape(read.get_attributes()["variable_shape"]), np.float32, name)
        past.output(0).set_names({name})
        read.output(0).replace(past.output(0))
        parameters.append(past)
        present = ov.opset13.result(sink.input_value(0), name=name.replace(PAST, "present"))
        present.output(0).set_names({name.replace(PAST, "present")})
        model.add_results([present])
    model.add_parameters(parameters)
    return ov.Model(model.get_results(), model.get_parameters(), "decoder")


def with_state(model):
    """The caches as states again, empty at first."""
    inputs = {p.output(0).get_any_name(): p for p in model.get_parameters()}
    batch = ov.opset13.shape_of(inputs["beam_idx"], "i64")
    sinks, results = [], []
    for result in model.get_results():
        name = result.get_friendly_name()
        if not name.startswith("present"):
            results.append(result)
            continue
        past = inputs.pop(name.replace("present", PAST))
        shape = past.get_partial_shape()
        dims = np.array([shape[1].get_length(), 0, shape[3].get_length()], np.int64)
        empty = ov.opset13.broadcast(np.float32(0), ov.opset13.concat([batch, dims], 0))
        variable = name.replace("present", PAST) + name
        read = ov.opset13.read_value(empty, variable, ov.Type.f32, shape)
        past.output(0).replace(read.output(0))
        sinks.append(ov.opset13.assign(result.input_value(0).get_node(), variable))
    return ov.Model(results, sinks, list(inputs.values()), "decoder")


class Recorder:
    """Greedy decoding with a copy kept of all that both models are given, as the notebook does."""

    def __init__(self, directory, decoder, n_tokens):
        core = ov.Core()
        self.encoder = core.compile_model(core.read_model(directory / "openvino_encoder_model.xml"), "CPU")
        self.decoder = core.compile_model(decoder, "CPU")
        self.caches = {i.get_any_name(): i.get_partial_shape() for i in self.decoder.inputs if PAST in i.get_any_name()}
        self.generation = json.loads((directory / "generation_config.json").read_text())
        self.n_tokens = n_tokens
        self.encoder_inputs, self.decoder_inputs = [], []

    def step(self, tokens, xa, past):
        feed = {"input_ids": np.array([tokens], np.int64), "encoder_hidden_states": xa, "beam_idx": np.zeros(1, np.int32)}
        feed.update(past or {n: np.zeros((1, s[1].get_length(), 0, s[3].get_length()), np.float32)
                             for n, s in self.caches.items()})
        self.decoder_inputs.append(feed)
        outputs = {o.get_any_name(): v.copy() for o, v in self.decoder(feed).items()}
        return outputs["logits"][0, -1], {n: outputs[n.replace(PAST, "present")] for n in self.caches}

    def transcribe(self, mel):
        """The tokens heard in English, the prompt's among them."""
        self.encoder_inputs.append({"input_features": mel})
        xa = self.encoder({"input_features": mel})[0].copy()
        g = self.generation
        sot, end = g["decoder_start_token_id"], g["eos_token_id"]
        tokens = [sot, g["lang_to_id"]["<|en|>"], g["task_to_id"]["transcribe"]]
        logits, past = self.step(tokens, xa, None)
        suppressed = [t for t in g["suppress_tokens"] if t >= 0] + [g["no_timestamps_token_id"]]
        for _ in range(self.n_tokens - 1):
            logits[suppressed] = -np.inf
            token = int(np.argmax(logits))
            tokens.append(token)
            if token == end:
                break
            logits, past = self.step([token], xa, past)
        return tokens


def quantize(model, inputs, alpha):
    return nncf.quantize(
        model, nncf.Dataset(inputs), subset_size=len(inputs), model_type=nncf.ModelType.TRANSFORMER,
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            smooth_quant_alphas=AdvancedSmoothQuantParameters(matmul=alpha)))


def main():
    directory, mels, output, report, n_tokens = sys.argv[1:]
    directory, output = pathlib.Path(directory), pathlib.Path(output)
    shutil.copytree(directory, output, ignore=shutil.ignore_patterns("*.bin", "*.xml"), dirs_exist_ok=True)
    phases, started = {}, time.perf_counter()

    def phase(name):
        nonlocal started
        now = time.perf_counter()
        phases[name], started = now - started, now

    encoder = ov.Core().read_model(directory / "openvino_encoder_model.xml")
    decoder = with_cache_inputs(ov.Core().read_model(directory / "openvino_decoder_model.xml"))
    recorder = Recorder(directory, decoder, int(n_tokens))
    for mel in sorted(pathlib.Path(mels).glob("*.npy")):
        recorder.transcribe(np.load(mel))
    encoder_inputs, decoder_inputs = recorder.encoder_inputs, recorder.decoder_inputs
    del recorder
    phase("record")
    encoder = quantize(encoder, encoder_inputs, 0.5)
    phase("encoder")
    ov.save_model(encoder, output / "openvino_encoder_model.xml", compress_to_fp16=True)
    del encoder
    phase("save_encoder")
    decoder = quantize(decoder, decoder_inputs, 0.95)
    phase("decoder")
    ov.save_model(with_state(decoder), output / "openvino_decoder_model.xml", compress_to_fp16=True)
    phase("save_decoder")
    counts = {"encoder_inferences": len(encoder_inputs), "decoder_inferences": len(decoder_inputs)}
    pathlib.Path(report).write_text(json.dumps({"phases": phases, **counts}))


if __name__ == "__main__":
    main()
