#!/usr/bin/env python3
"""Times one of sotto's peers on a file, in the peers' venv:

    peer_transcribe.py WHO MODEL AUDIO THREADS RUNS N_TOKENS

N_TOKENS above 0 are forced in every window of 30 s; with 0 the model ends where it likes. Prints one line of JSON as
sotto_transcribe_times does. Stage times: the encoder's a window, all of the decoder's a token. What a peer does not
tell is null."""

import json
import os
import pathlib
import re
import sys
import tempfile
import time

import numpy as np
import soundfile

RATE = 16000
WINDOW = 30 * RATE
ROOT = pathlib.Path(__file__).resolve().parent.parent


class Clock:
    """What a run did: when windows were done, calls and seconds of the two parts, tokens and text."""

    def __init__(self):
        self.begin = time.perf_counter()
        self.marks, self.n_tokens, self.text = [], 0, []
        self.encoder, self.decoder = [0, 0.0], [0, 0.0]

    def mark(self):
        self.marks.append(time.perf_counter() - self.begin)

    def timed(self, part, work):
        """`work` with its time added to a part's."""

        def run(*args, **kwargs):
            begin = time.perf_counter()
            result = work(*args, **kwargs)
            part[0] += 1
            part[1] += time.perf_counter() - begin
            return result

        return run

    def figures(self, n_samples):
        seconds = time.perf_counter() - self.begin
        n_windows, encoder_s = self.encoder
        return {
            "seconds": seconds,
            "audio_seconds": n_samples / RATE,
            "first_segment_ms": 1e3 * self.marks[0] if self.marks else None,
            "encoder_ms": 1e3 * encoder_s / n_windows if n_windows else None,
            "decoder_ms_per_token": 1e3 * self.decoder[1] / self.n_tokens if self.n_tokens and self.decoder[1] else None,
            "tokens": self.n_tokens,
            "text": " ".join(self.text).strip(),
        }


def chunks(audio):
    """Windows of 30 s."""
    return [audio[begin : begin + WINDOW] for begin in range(0, len(audio), WINDOW)]


def eot_of(model):
    """The token that ends a window, of a directory with generation_config.json."""
    return json.loads((pathlib.Path(model) / "generation_config.json").read_text())["eos_token_id"]


def openvino_genai(model, threads, n_tokens):
    """A call for each 30 s where tokens are forced: over longer audio it forces timestamps, and windows move with them."""
    import openvino_genai

    pipeline = openvino_genai.WhisperPipeline(model, "CPU", INFERENCE_NUM_THREADS=threads)
    config = pipeline.get_generation_config()
    config.language, config.task = "<|en|>", "transcribe"
    if n_tokens:
        eot = eot_of(model)
        config.max_new_tokens, config.suppress_tokens = n_tokens, [*config.suppress_tokens, eot]
        config.begin_suppress_tokens = [*config.begin_suppress_tokens, eot]
    config.return_timestamps = not n_tokens

    def run(audio):
        clock = Clock()
        for part in chunks(audio) if n_tokens else [audio]:
            result = pipeline.generate(part, config)
            raw = result.perf_metrics.whisper_raw_metrics
            clock.encoder[0] += len(raw.encode_inference_durations)
            clock.encoder[1] += sum(raw.encode_inference_durations) / 1e6
            clock.decoder[1] += sum(raw.decode_inference_durations) / 1e6
            clock.n_tokens += result.perf_metrics.get_num_generated_tokens()
            clock.text.append(result.texts[0])
            clock.mark()
        return clock

    return run


def faster_whisper(model, threads, n_tokens, batch_size=1):
    """CTranslate2 halves max_length for Whisper, hence the doubling (the tokens are counted)."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    whisper = WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=threads)
    engine, whisper.model = whisper.model, type("Timed", (), {})()
    generate, encode = engine.generate, engine.encode
    for name in dir(engine):
        if not name.startswith("__"):
            setattr(whisper.model, name, getattr(engine, name))
    options = dict(language="en", beam_size=1, temperature=0.0, condition_on_previous_text=False)
    options |= dict(no_speech_threshold=None, log_prob_threshold=None, compression_ratio_threshold=None)
    if n_tokens:
        options |= dict(suppress_tokens=[-1, eot_of(model)], max_new_tokens=2 * n_tokens - 2, without_timestamps=True)

    def run(audio):
        clock = Clock()
        whisper.model.generate = clock.timed(clock.decoder, generate)
        whisper.model.encode = clock.timed(clock.encoder, encode)
        more = {}
        if batch_size > 1:
            ends = [(begin, min(begin + WINDOW, len(audio))) for begin in range(0, len(audio), WINDOW)]
            clips = [{"start": begin / RATE, "end": end / RATE} for begin, end in ends]
            more = dict(batch_size=batch_size, vad_filter=False, clip_timestamps=clips)
        pipeline = BatchedInferencePipeline(whisper) if batch_size > 1 else whisper
        for segment in pipeline.transcribe(audio, **options, **more)[0]:
            clock.n_tokens += len(segment.tokens)
            clock.text.append(segment.text)
            clock.mark()
        clock.encoder[0] = len(chunks(audio))  # calls may be of several windows
        return clock

    return run


def captured_stderr(work):
    """What `work` writes to standard error below Python."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        keep = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            work()
        finally:
            os.dup2(keep, 2)
            os.close(keep)
        file.seek(0)
        return file.read().decode(errors="replace")


def whisper_cpp(model, threads, n_tokens):
    """`model` is a ggml file. Its own clock goes on from run to run; so do the calls it is divided by."""
    import _pywhispercpp as pw
    from pywhispercpp.model import Model

    options = dict(language="en", n_threads=threads, temperature_inc=0.0, no_context=True, greedy={"best_of": 1})
    if n_tokens:  # one more is sampled, and dropped
        options |= dict(no_timestamps=True, max_tokens=n_tokens - 1, single_segment=True)
    whisper = Model(model, redirect_whispercpp_logs_to=None, print_progress=False, print_realtime=False, **options)

    def run(audio):
        clock = Clock()
        whisper.transcribe(audio, new_segment_callback=lambda segment: (clock.mark(), clock.text.append(segment.text)))
        context = whisper._ctx
        clock.n_tokens = sum(pw.whisper_full_n_tokens(context, i) for i in range(pw.whisper_full_n_segments(context)))
        lines = captured_stderr(lambda: pw.whisper_print_timings(context))
        times = {name: (float(ms), int(n)) for name, ms, n in re.findall(r"(\w+) time = +([\d.]+) ms / +(\d+) runs", lines)}
        clock.encoder = [times["encode"][1], times["encode"][0] / 1e3]
        spent_ms = sum(times[name][0] for name in ("decode", "batchd", "prompt"))
        n_tokens_ever = times["decode"][1] + times["encode"][1]  # the first of a window comes from the prompt
        clock.decoder[1] = clock.n_tokens * spent_ms / n_tokens_ever / 1e3
        return clock

    return run


def openai_reference():
    """openai-whisper with checkpoints that have a vocabulary of their own, as the tests' goldens are made."""
    sys.path.insert(0, str(ROOT / "tests" / "golden" / "transcribe"))
    import openai_reference

    return openai_reference


def openai_whisper(model, threads, n_tokens, exchange=lambda model: None):
    """openai-whisper itself; `exchange` may put other parts in its place."""
    import torch
    import whisper

    torch.set_num_threads(threads)
    eot, loaded = eot_of(model), openai_reference().load(model)
    exchange(loaded)
    options = dict(language="en", temperature=0.0, condition_on_previous_text=False, fp16=False, no_speech_threshold=None)
    options |= dict(logprob_threshold=None, compression_ratio_threshold=None)
    if n_tokens:
        options |= dict(suppress_tokens=f"-1,{eot}", sample_len=n_tokens, without_timestamps=True)
    encoder, decoder, decode = loaded.encoder.forward, loaded.decoder.forward, loaded.decode

    def run(audio):
        clock = Clock()
        loaded.encoder.forward = clock.timed(clock.encoder, encoder)
        loaded.decoder.forward = clock.timed(clock.decoder, decoder)

        def marked(*args, **kwargs):
            result = decode(*args, **kwargs)
            clock.n_tokens += len(result.tokens)
            clock.mark()
            return result

        loaded.decode = marked
        with torch.inference_mode():
            clock.text.append(whisper.transcribe(loaded, audio, **options)["text"])
        return clock

    return run


def notebook(model, threads, n_tokens):
    """The OpenVINO notebook's flow: openai-whisper around a pair of IRs whose decoder has its caches as inputs and
    projects the window's K and V in every step. `model` holds the pair and the checkpoint's other files."""
    import openvino as ov
    import torch
    import whisper.decoding

    core = ov.Core()
    core.set_property("CPU", {"INFERENCE_NUM_THREADS": threads})
    directory = pathlib.Path(model)

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.compiled = core.compile_model(next(directory.glob("*encoder*.xml")), "CPU")

        def forward(self, mel):
            return torch.from_numpy(self.compiled(mel.numpy())[0])

    class Decoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.compiled = core.compile_model(next(directory.glob("*decoder*.xml")), "CPU")
            self.width = self.compiled.input(2).get_partial_shape()[2].get_length()

        def forward(self, x, xa, caches=None):
            n = len(self.compiled.inputs) - 2
            caches = caches or [np.zeros((x.shape[0], 0, self.width), np.float32)] * n
            outputs = self.compiled([x.numpy().astype(np.int64), xa.numpy(), *caches])
            return torch.from_numpy(outputs[0]), [outputs[i + 1] for i in range(n)]

    class Inference(whisper.decoding.Inference):
        def __init__(self, model, initial_token_length):
            self.model, self.initial_token_length, self.caches = model, initial_token_length, None

        def logits(self, tokens, audio_features):
            if tokens.shape[-1] > self.initial_token_length:
                tokens = tokens[:, -1:]
            result, self.caches = self.model.decoder(tokens, audio_features, self.caches)
            return result

        def cleanup_caching(self):
            self.caches = None

    def exchange(loaded):
        whisper.decoding.PyTorchInference = Inference
        loaded.encoder, loaded.decoder = Encoder(), Decoder()
        loaded.register_parameter("place", torch.nn.Parameter(torch.zeros(1)))  # tells the device

    return openai_whisper(model, threads, n_tokens, exchange)


PEERS = {
    "openvino_genai": openvino_genai,
    "faster_whisper": faster_whisper,
    "faster_whisper_batched": lambda *args: faster_whisper(*args, batch_size=8),
    "whisper_cpp": whisper_cpp,
    "openai_whisper": openai_whisper,
    "notebook": notebook,
}


def main():
    who, model, path = sys.argv[1:4]
    threads, n_runs, n_tokens = (int(argument) for argument in sys.argv[4:7])
    audio = soundfile.read(path, dtype="int16")[0].astype(np.float32) / 32768
    begin = time.perf_counter()
    run = PEERS[who](model, threads, n_tokens)
    load_s = time.perf_counter() - begin
    runs = [run(audio).figures(len(audio)) for _ in range(n_runs)]
    print(json.dumps({"load_seconds": load_s, "runs": runs}))


if __name__ == "__main__":
    sys.exit(main())
