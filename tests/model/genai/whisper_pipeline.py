#!/usr/bin/env python3
"""openvino.genai's WhisperPipeline runs the directories that sotto writes and says what sotto says.

Usage: whisper_pipeline.py SOTTO DEMO_DIRECTORY   (Python of requirements-test.txt)

Both decode greedily, without temperature fallback and without the text before. Then windows whose 30 s are all audio
give the same tokens. Where the audio ends within a window they may not, and genai is the one that differs from
openai-whisper: it fills up with the log-mel of silence, openai-whisper (and sotto) with zeros. Silence appended to the
audio itself takes that away. docs/checkpoints.md says so to users.
"""
import difflib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import wave

import numpy as np
import openvino_genai

RATE = 16000
GREEDY = ["--temperature", "0", "--temperature-increment-on-fallback", "None",
          "--condition-on-previous-text", "False", "--no-speech-threshold", "None",
          "--logprob-threshold", "None", "--compression-ratio-threshold", "None", "--inference-precision", "f32"]


def run(*arguments):
    made = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    if made.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}: {made.stderr}")


def read_wav(path):
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2), path
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def plain(text):
    return re.sub(r"\s+", " ", text).strip()


def padded(samples, seconds=30):
    return np.concatenate([samples, np.zeros(max(0, seconds * RATE - len(samples)), np.int16)])


class Ours:
    """`sotto transcribe` of a directory."""

    def __init__(self, binary, directory, folder):
        self.binary, self.directory, self.folder = binary, directory, folder

    def hear(self, samples, language, words=False, beams=1):
        part = self.folder / "part.wav"
        with wave.open(str(part), "wb") as out:
            out.setnchannels(1), out.setsampwidth(2), out.setframerate(RATE)
            out.writeframes(samples.tobytes())
        options = GREEDY + ["--beam-size", str(beams)] + (["--language", language] if language else [])
        options += ["--word-timestamps"] if words else []
        run(self.binary, "transcribe", part, "--model", self.directory, "-o", self.folder, "-f", "json", "--quiet", *options)
        return json.loads((self.folder / "part.json").read_text())


class Theirs:
    """openvino.genai's pipeline of the same directory; word times need a pipeline made for them."""

    def __init__(self, directory, words=False):
        extra = {"word_timestamps": True} if words else {}
        self.words = words
        self.pipeline = openvino_genai.WhisperPipeline(str(directory), "CPU", INFERENCE_PRECISION_HINT="f32", **extra)

    def hear(self, samples, language, beams=1):
        config = self.pipeline.get_generation_config()
        config.num_beams = beams
        config.task, config.return_timestamps, config.word_timestamps = "transcribe", True, self.words
        if language:
            config.language = f"<|{language}|>"
        return self.pipeline.generate((samples.astype(np.float32) / 32768).tolist(), config)


def expect(is_true, what):
    if not is_true:
        sys.exit(f"failed: {what}")


def expect_same(ours, theirs, what):
    """The text and the segments with their times."""
    heard = [(round(s["start"], 2), round(s["end"], 2), plain(s["text"])) for s in ours["segments"]]
    expected = [(round(c.start_ts, 2), round(c.end_ts, 2), plain(c.text)) for c in theirs.chunks]
    expect(heard == expected and heard, f"{what}: sotto {heard}, openvino.genai {expected}")
    expect(plain(ours["text"]) == plain(theirs.texts[0]), f"{what}: {ours['text']!r} {theirs.texts[0]!r}")


def check_words(ours, theirs, what):
    """The same words. genai's median filter shrinks at the edges where openai-whisper's reflects, and its long words
    are not cut at sentence ends, so a few times differ."""
    words = [word for segment in ours["segments"] for word in segment["words"]]
    expect([plain(w["word"]) for w in words] == [plain(w.word) for w in theirs.words], f"{what}: other words")
    near = sum(abs(t.start_ts - o["start"]) <= 0.1 for t, o in zip(theirs.words, words)) / len(words)
    print(f"{what}: {len(words)} words, {100 * near:.0f} % begin within 0.1 s")
    expect(near >= 0.8, f"{what}: word times differ")


def check_tokenizer(directory):
    tokenizer = openvino_genai.Tokenizer(str(directory))
    for sample in (" Hello, world. It's 7 o'clock?", " Straße, niño, où 数 \U0001f600"):
        ids = tokenizer.encode(sample, add_special_tokens=False).input_ids.data[0].tolist()
        expect(plain(tokenizer.decode(ids)) == plain(sample), f"tokenizer: {ids} {tokenizer.decode(ids)!r}")


def check_windows(binary, directory, samples, folder):
    ours, theirs, timed = Ours(binary, directory, folder), Theirs(directory), Theirs(directory, words=True)
    n_seconds = len(samples) // RATE
    for start in [*range(0, n_seconds - 30, 30), n_seconds - 30]:
        window = samples[start * RATE : (start + 30) * RATE]
        heard = ours.hear(window, "en", words=True)
        with_times = timed.hear(window, "en")
        # Segments of word times end with their words in sotto, as in openai-whisper: the text is compared.
        expect(plain(heard["text"]) == plain(with_times.texts[0]), f"{start} s: text with word times")
        check_words(heard, with_times, f"{start} s")
        expect_same(ours.hear(window, "en"), theirs.hear(window, "en"), f"{start} s")
        heard, expected = ours.hear(window, None), theirs.hear(window, None)
        expect(heard["language"] == expected.language, f"{start} s: {heard['language']} {expected.language}")
        expect_same(heard, expected, f"{start} s, language detected")
        clip = padded(window[: 20 * RATE])
        expect_same(ours.hear(clip, "en"), theirs.hear(clip, "en"), f"{start} s, 20 s and silence")


def expect_alike(ours, theirs, what, least=0.97):
    """The same words but for a tie: both compute the log-mel in f32, each in its own order."""
    heard, expected = ours["text"].split(), theirs.texts[0].split()
    same = difflib.SequenceMatcher(None, heard, expected, autojunk=False).ratio()
    print(f"{what}: {len(heard)} words, {100 * same:.1f} % the same")
    expect(same >= least, f"{what}: {heard} {expected}")


def check_whole_file(binary, directory, samples, folder):
    """Windows one after the other: each begins where the last timestamp of the one before is. The last is not full.
    In the first, "lamp" and "window" are 0.0002 apart in their logits with a log-mel in f64."""
    expect_alike(Ours(binary, directory, folder).hear(samples, "en"), Theirs(directory).hear(samples, "en"), "whole file")


def check_beams(binary, directory, samples, folder):
    """genai runs the prompt with one row and then widens to all beams; their cross-attention cache must follow."""
    window = samples[30 * RATE : 60 * RATE]
    heard = Ours(binary, directory, folder).hear(window, "en", beams=3)
    expected = Theirs(directory).hear(window, "en", beams=3)
    expect(plain(heard["text"]) == plain(expected.texts[0]), f"beams: {heard['text']!r} {expected.texts[0]!r}")


def check_int8(binary, directory, calibration, samples, folder):
    """A step of INT8 makes more of a rounding of the log-mel than a float does: a word may differ, not many."""
    run(binary, "quantize", directory, "-o", folder / "int8", "--calibration", calibration, "--samples", 10)
    window = samples[60 * RATE : 90 * RATE]
    timed = Theirs(folder / "int8", words=True).hear(window, "en")
    heard = Ours(binary, folder / "int8", folder).hear(window, "en", words=True)
    expect_alike(heard, timed, "INT8", least=0.9)
    expect(len(timed.words) == len(timed.texts[0].split()), f"INT8: {len(timed.words)} words with times")


def check_lifted(binary, model, samples, folder):
    """The notebook's pair, lifted."""
    run(binary, "convert", model, "--layout", "notebook", "-o", folder / "pair")
    run(binary, "convert", folder / "pair", "--lift", "-o", folder / "lifted")
    window = samples[: 30 * RATE]
    heard = Ours(binary, folder / "lifted", folder).hear(window, "en")
    expect_same(heard, Theirs(folder / "lifted").hear(window, "en"), "lifted")


def main():
    binary, demo = sys.argv[1], pathlib.Path(sys.argv[2])
    model, samples = demo / "model", read_wav(demo / "media" / "demo.wav")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run(binary, "convert", model, "-o", folder / "ir")
        check_tokenizer(folder / "ir")
        check_windows(binary, folder / "ir", samples, folder)
        check_whole_file(binary, folder / "ir", samples, folder)
        check_beams(binary, folder / "ir", samples, folder)
        check_int8(binary, folder / "ir", demo / "data" / "calibration", samples, folder)
        check_lifted(binary, model, samples, folder)


if __name__ == "__main__":
    main()
