#!/usr/bin/env python3
"""Writes rules.json: what openai-whisper decodes from a model that is a hash function.

The logits of the fake model depend on the window's first mel frame and on the tokens before, through
SplitMix64, so that Python and C++ (tests/transcribe/hash_inference.h) compute them bit for bit. Sampling
draws from sotto's random numbers (src/transcribe/random.h) in place of torch's. Everything but the network and
these numbers is the reference's own code: decoding.DecodingTask and transcribe.transcribe.

Needs openai-whisper 20250625 and torch. Run: python make_rules.py   (one minute; written 2026-11-23)
"""
import json
import pathlib
import struct
import sys
from types import SimpleNamespace

import numpy as np
import torch
import whisper
from whisper import decoding, timing

transcribe_module = sys.modules["whisper.transcribe"]  # the package hides it behind its function

N_TEXT = 40
EOT, SOT, EN, DE, TRANSLATE, TRANSCRIBE, SOT_LM, SOT_PREV, NO_SPEECH, NO_TIMESTAMPS, TIMESTAMP_BEGIN = range(40, 51)
N_VOCAB = TIMESTAMP_BEGIN + 1501
N_TEXT_CTX = 64
BLANK = 3
MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def logits_after(seek, tokens):
    """The fake model: float32 [N_VOCAB] behind a token sequence."""
    state = mix((seek + GAMMA) & MASK)
    for token in tokens:
        state = mix((state + GAMMA + token) & MASK)
    ids = np.arange(N_VOCAB, dtype=np.uint64)
    z = np.uint64(state) + (ids + np.uint64(1)) * np.uint64(GAMMA)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    logits = 8.0 * (z >> np.uint64(40)).astype(np.float64) / 2.0**24
    logits[TIMESTAMP_BEGIN:] -= 4.5
    n_sampled = len(tokens) - 1 - max(i for i, t in enumerate(tokens) if t == SOT)
    logits[EOT] += 0.25 * n_sampled - 5.0
    logits[[EN, DE]] = -50.0
    logits[NO_SPEECH] += 4.0 if seek % 7 < 2 else -6.0
    return logits.astype(np.float32)


class Random:
    """src/transcribe/random.h."""

    def __init__(self, *keys):
        self.state = 0
        for key in keys:
            self.state = mix((self.state + GAMMA) & MASK) ^ key

    def next(self):
        self.state = (self.state + GAMMA) & MASK
        return mix(self.state)

    def uniform(self):
        return (self.next() >> 11) * 2.0**-53


class Draws:
    """The random numbers of one decoding of a window, a stream for each of best_of samples."""

    seek, temperature, streams = 0, 0.0, []

    @classmethod
    def begin(cls, temperature):
        cls.temperature, cls.streams = temperature, []

    @classmethod
    def uniform(cls, n_samples):
        if not cls.streams:
            seed = Random(0, cls.seek).next()
            bits = struct.unpack("<Q", struct.pack("<d", cls.temperature))[0]
            cls.streams = [Random(seed, bits, sample) for sample in range(n_samples)]
        return [stream.uniform() for stream in cls.streams]


class FakeCategorical:
    """torch.distributions.Categorical that draws by inverting the cumulative sum, with Draws."""

    def __init__(self, logits):
        self.logits = logits

    def sample(self):
        weights = np.exp((self.logits - self.logits.max(dim=-1, keepdim=True).values).double().numpy())
        sums = weights.cumsum(axis=-1)
        return torch.tensor(
            [int(np.searchsorted(row, u * row[-1], side="right")) for row, u in zip(sums, Draws.uniform(len(sums)))]
        )


class FakeGreedyDecoder(decoding.GreedyDecoder):
    def __init__(self, temperature, eot):
        super().__init__(temperature, eot)
        Draws.begin(temperature)


class FakeTokenizer:
    eot, sot, transcribe, translate = EOT, SOT, TRANSCRIBE, TRANSLATE
    sot_lm, sot_prev, no_speech = SOT_LM, SOT_PREV, NO_SPEECH
    no_timestamps, timestamp_begin = NO_TIMESTAMPS, TIMESTAMP_BEGIN
    non_speech_tokens = (5, 6)
    language = "en"

    def __init__(self, task):
        self.sot_sequence = (SOT, EN, TRANSLATE if task == "translate" else TRANSCRIBE)
        self.sot_sequence_including_notimestamps = self.sot_sequence + (NO_TIMESTAMPS,)

    def encode(self, text):
        return [BLANK if c == " " else ord(c) % N_TEXT for c in text]

    def decode(self, tokens):
        return "".join(" " if t == BLANK else chr(97 + t % 26) for t in tokens if t < EOT)


class FakeInference(decoding.Inference):
    def __init__(self, model, initial_token_length):
        pass

    def logits(self, tokens, audio_features):
        seek = Draws.seek = int(audio_features[0, 0, 0].item())
        out = torch.full((tokens.shape[0], tokens.shape[1], N_VOCAB), float("nan"))
        for k, row in enumerate(tokens.tolist()):
            sot = row.index(SOT)
            out[k, sot] = torch.from_numpy(logits_after(seek, row[: sot + 1]))
            out[k, -1] = torch.from_numpy(logits_after(seek, row))
        return out

    def rearrange_kv_cache(self, source_indices):
        pass


class FakeModel:
    dims = SimpleNamespace(n_mels=80, n_audio_ctx=1500, n_audio_state=8, n_text_ctx=N_TEXT_CTX, n_vocab=N_VOCAB)
    is_multilingual, num_languages, device = True, 2, torch.device("cpu")

    def encoder(self, mel):
        return mel[:, :1, :1]

    def decode(self, mel, options):
        return decoding.DecodingTask(self, options).run(mel.unsqueeze(0))[0]


def fake_alignment(model, tokenizer, text_tokens, mel, num_frames, **_):
    """Words of one to three tokens whose times and probabilities are a hash of the text."""
    state = mix((num_frames + GAMMA) & MASK)
    words, at, i = [], 0, 0
    while i < len(text_tokens):
        state = mix((state + GAMMA + text_tokens[i]) & MASK)
        tokens = text_tokens[i : i + 1 + state % 3]
        i += len(tokens)
        start = at + (state >> 8) % 8
        end = start + (state >> 16) % 40 * (8 if (state >> 24) % 9 == 0 else 1)
        at = end
        mark = {0: ".", 1: " (", 2: ","}.get((state >> 32) % 12)
        word = mark or " " + "".join(chr(97 + t % 26) for t in tokens)
        probability = (state >> 40) % 1000 / 1000 * (0.1 if (state >> 52) % 4 == 0 else 1)
        words.append(timing.WordTiming(word, tokens, np.float64(start / 50), np.float64(end / 50), probability))
    return words


def fake_mel(content_frames):
    """Frame f holds f: the window that the loop cuts tells where it cut."""
    mel = torch.zeros(80, content_frames + 3000)
    mel[0, :content_frames] = torch.arange(content_frames)
    return mel


def plain(result):
    return {
        "tokens": result.tokens,
        "text": result.text,
        "avg_logprob": result.avg_logprob,
        "no_speech_prob": result.no_speech_prob,
        "compression_ratio": result.compression_ratio,
    }


def decode_cases():
    for options in [
        {},
        {"without_timestamps": True},
        {"task": "translate"},
        {"suppress_blank": False},
        {"suppress_tokens": [-1, 7, 8, 9]},
        {"suppress_tokens": [], "suppress_blank": False},
        {"max_initial_timestamp": 0.1},
        {"max_initial_timestamp": 0.0},
        {"sample_len": 5},
        {"sample_len": 500},
        {"prefix": "well then"},
        {"prefix": "well then", "sample_len": 28},
        {"prefix": "well then", "sample_len": 40},
        {"beam_size": 1},
        {"beam_size": 2},
        {"beam_size": 5},
        {"beam_size": 5, "patience": 2.0},
        {"beam_size": 5, "patience": 0.3},
        {"beam_size": 5, "length_penalty": 0.0},
        {"beam_size": 5, "length_penalty": 1.0},
        {"beam_size": 4, "length_penalty": 0.6, "without_timestamps": True},
        {"beam_size": 3, "sample_len": 4},
        {"beam_size": 3, "sample_len": 500, "suppress_tokens": [EOT]},
    ]:
        for seek in (1, 3, 200):
            prompt = [] if seek == 1 else [(7 * i) % N_TEXT for i in range(seek % 100 + 10)]
            yield options, seek, prompt


def run_decoding():
    model, cases = FakeModel(), []
    for options, seek, prompt in decode_cases():
        mel = torch.full((80, 3000), float(seek))
        result = model.decode(mel, decoding.DecodingOptions(language="en", fp16=False, prompt=prompt, **options))
        cases.append({"options": options, "seek": seek, "prompt": prompt, "result": plain(result)})
    return cases


LOOP_CASES = [
    (7000, {}),
    (7000, {"condition_on_previous_text": False}),
    (7000, {"without_timestamps": True}),
    (9500, {"initial_prompt": "once upon"}),
    (9500, {"initial_prompt": "once upon", "carry_initial_prompt": True}),
    (9500, {"initial_prompt": "once upon a time in a land far", "carry_initial_prompt": True}),
    (7000, {"beam_size": 3}),
    (7000, {"no_speech_threshold": 0.05}),
    (20000, {"no_speech_threshold": 0.05, "logprob_threshold": -1.0}),
    (7000, {"no_speech_threshold": 0.05, "logprob_threshold": None}),
    (7000, {"logprob_threshold": None, "no_speech_threshold": None}),
    (12000, {"clip_timestamps": [3.5, 21.0, 40.0, 44.4, 90.0]}),
    (12000, {"clip_timestamps": [0.0, 35.25]}),
    (1, {}),
    (100, {}),
    (2999, {}),
    (3000, {}),
    (3001, {}),
    (0, {}),
    (12000, {"temperature": [0.0, 0.2, 0.4, 0.6, 0.8, 1.0], "best_of": 5, "compression_ratio_threshold": 0.7}),
    (12000, {"temperature": [0.0, 0.4], "best_of": 3, "compression_ratio_threshold": 0.68}),
    (12000, {"temperature": [0.0, 0.8], "best_of": 1, "logprob_threshold": -2.1, "initial_prompt": "once upon"}),
    (12000, {"temperature": [0.0, 0.8], "best_of": 2, "compression_ratio_threshold": 0.7, "initial_prompt": "once",
             "carry_initial_prompt": True}),
    (12000, {"temperature": [0.0, 0.6, 1.0], "beam_size": 3, "best_of": 4, "compression_ratio_threshold": 0.73}),
    (7000, {"temperature": [0.5], "best_of": 2}),
]
WORDS = {"word_timestamps": True}
LOOP_CASES += [
    (7000, WORDS),
    (20000, WORDS),
    (20000, {**WORDS, "condition_on_previous_text": False, "append_punctuations": ".", "prepend_punctuations": ""}),
    (20000, {**WORDS, "hallucination_silence_threshold": 0.5}),
    (20000, {**WORDS, "hallucination_silence_threshold": 2.0, "beam_size": 2}),
    (20000, {**WORDS, "hallucination_silence_threshold": 8.0, "initial_prompt": "well"}),
    (12345, {**WORDS, "hallucination_silence_threshold": 1.0, "without_timestamps": True}),
    (3100, {**WORDS, "hallucination_silence_threshold": 1.0}),
    (250, WORDS),
]


def run_loop():
    model, cases = FakeModel(), []
    for content_frames, options in LOOP_CASES:
        transcribe_module.log_mel_spectrogram = lambda *_, n=content_frames, **__: fake_mel(n)
        result = transcribe_module.transcribe(
            model, "", language="en", fp16=False, **{"temperature": 0.0, "logprob_threshold": -10.0, **options}
        )
        segments = [s for s in result["segments"] if s["text"]]  # blank ones are dropped by sotto
        for s in segments:
            words = s.get("words", [])
            s["words"] = [{**w, "start": float(w["start"]), "end": float(w["end"])} for w in words]
        cases.append(
            {"content_frames": content_frames, "options": options, "text": result["text"], "segments": segments}
        )
    return cases


if __name__ == "__main__":
    fake = lambda *_, task=None, **__: FakeTokenizer(task)
    decoding.get_tokenizer = transcribe_module.get_tokenizer = fake
    decoding.PyTorchInference = FakeInference
    decoding.GreedyDecoder = FakeGreedyDecoder
    decoding.Categorical = FakeCategorical
    timing.find_alignment = fake_alignment
    goldens = {"whisper": whisper.__version__, "decoding": run_decoding(), "loop": run_loop()}
    path = pathlib.Path(__file__).with_name("rules.json")
    path.write_text(json.dumps(goldens, separators=(",", ":")) + "\n")
    print(path.name, path.stat().st_size, "bytes;", len(goldens["decoding"]), "decodings,", len(goldens["loop"]), "loops")
