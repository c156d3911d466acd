#!/usr/bin/env python3
"""openvino.genai's WhisperPipeline runs the directories that sotto writes and says what sotto says.

Usage: whisper_pipeline.py SOTTO MODEL MEDIA...   (exit status 77, a skip, without openvino_genai)

Run by hand (openvino-genai and openvino-tokenizers 2026.4.1.0), not by ctest: with the demo model of step 4644 the
texts of demo.wav differ in two groups of digits, with f16 and f32 caches alike, and the cause is not known.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import wave

import numpy as np

try:
    import openvino_genai
    import openvino_tokenizers  # noqa: F401 (its extension reads the tokenizer's graphs)
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)


def sotto(*arguments):
    made = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    if made.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}: {made.stderr}")
    return made.stdout


def samples(path):
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2), path
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


def plain(text):
    return re.sub(r"\s+", " ", text).strip()


def check(binary, model, media, folder):
    ir = folder / "ir"
    sotto(binary, "convert", model, "-o", ir)
    for name in ("tokenizer", "detokenizer"):
        assert (ir / f"openvino_{name}.xml").exists(), f"no {name}"
    tokenizer = openvino_genai.Tokenizer(str(ir))
    sample = " Hello, world. It's 7 o'clock?"
    ids = tokenizer.encode(sample, add_special_tokens=False).input_ids.data[0].tolist()
    assert plain(tokenizer.decode(ids)) == plain(sample), (ids, tokenizer.decode(ids))
    pipeline = openvino_genai.WhisperPipeline(str(ir), "CPU", word_timestamps=True, INFERENCE_PRECISION_HINT="f32")
    for path in media:
        audio = samples(path)[: 28 * 16000]
        part = folder / "part.wav"
        with wave.open(str(part), "wb") as out:
            out.setnchannels(1), out.setsampwidth(2), out.setframerate(16000)
            out.writeframes((audio * 32768).astype(np.int16).tobytes())
        sotto(binary, "transcribe", part, "--model", ir, "-o", folder, "-f", "json", "--language", "en", "--quiet",
              "--word-timestamps", "--inference-precision", "f32", "--temperature-increment-on-fallback", "None",
              "--no-speech-threshold", "None", "--logprob-threshold", "None", "--compression-ratio-threshold", "None")
        ours = json.loads((folder / "part.json").read_text())
        config = pipeline.get_generation_config()
        config.language, config.task = "<|en|>", "transcribe"
        config.return_timestamps, config.word_timestamps = True, True
        theirs = pipeline.generate(audio.tolist(), config)
        assert plain(theirs.texts[0]) == plain(ours["text"]), f"{path}:\n{theirs.texts[0]!r}\n{ours['text']!r}"
        words = [word for segment in ours["segments"] for word in segment["words"]]
        assert [plain(w.word) for w in theirs.words] == [plain(w["word"]) for w in words], path
        off = [abs(t.start_ts - o["start"]) for t, o in zip(theirs.words, words)]
        # genai's filter treats the edges of the audio otherwise, so a few words differ (docs/checkpoints.md).
        near = sum(d <= 0.1 for d in off) / max(len(off), 1)
        print(f"{pathlib.Path(path).name}: {len(words)} words, {100 * near:.0f} % begin within 0.1 s")
        assert near >= 0.8, off


def main():
    binary, model, *media = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        check(binary, model, media, pathlib.Path(folder))


if __name__ == "__main__":
    main()
