#!/usr/bin/env python3
"""Writes model.json: what openai-whisper makes of the demo's media with the demo model's weights.

Needs openai-whisper 20250625, torch, safetensors, soundfile (demo.flac and the others are 16 kHz mono).
Run after every change of demo/model: python make_model.py [MODEL]   (half a minute on four cores)
The golden holds the CRC-32 of model.safetensors; tests/transcribe/parity_test.cpp fails when it differs.
"""
import json
import pathlib
import sys

import torch

import openai_reference

HERE = pathlib.Path(__file__).resolve().parent
DEMO = HERE.parents[2] / "demo"

CASES = [
    ("demo.flac", {"condition_on_previous_text": False}),
    ("demo.flac", {"language": "en", "beam_size": 5}),
    ("demo.flac", {"language": "de", "task": "translate"}),
    ("en.flac", {"language": None}),
    ("en.flac", {"language": "en", "beam_size": 5}),
    ("en.flac", {"language": "en", "without_timestamps": True}),
    ("en.flac", {"language": "en", "initial_prompt": "Good morning. It is seven o'clock."}),
    ("en.flac", {"language": "en", "word_timestamps": True}),
    ("fr.flac", {"language": "fr", "word_timestamps": True, "hallucination_silence_threshold": 2.0}),
    ("de.flac", {"language": None}),
    ("de.flac", {"language": "de", "beam_size": 5}),
    ("de.flac", {"language": "de", "task": "translate"}),
    ("es.flac", {"language": None, "beam_size": 2}),
    ("fr.flac", {"language": None, "beam_size": 2}),
    ("en.flac", {"language": "en", "clip_timestamps": [2.0, 9.5, 12.0]}),
    ("en.flac", {"language": "en", "prefix": "Good morning"}),
    ("en.flac", {"language": "en", "beam_size": 3, "patience": 2.0, "length_penalty": 0.6}),
]
# The end of the audio, s, at which the last window is cut.
CUT_CASES = [
    ("demo.flac", 30.4, {"language": "en"}),
    ("demo.flac", 59.98, {"language": "en", "condition_on_previous_text": False}),
    ("demo.flac", 40.0, {"language": "en", "initial_prompt": "Good morning.", "carry_initial_prompt": True}),
    ("demo.flac", 45.0, {"language": "en", "word_timestamps": True, "hallucination_silence_threshold": 1.0}),
]


def main():
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else DEMO / "model"
    model = openai_reference.load(directory)
    cases = [
        {"media": media, "end_s": end_s, "options": {k: v for k, v in options.items() if v is not None},
         "result": openai_reference.run(model, DEMO / "media" / media, options, end_s)}
        for media, end_s, options in [(media, None, options) for media, options in CASES] + CUT_CASES
    ]
    golden = {"whisper": "20250625", "crc32": openai_reference.crc32(directory / "model.safetensors"), "cases": cases}
    path = HERE / "model.json"
    path.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")
    for case in cases:
        result = case["result"]
        print(case["media"], case["options"], result["language"], len(result["segments"]), repr(result["text"][:70]))
    print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    torch.set_num_threads(1)  # the model is small: two threads mostly wait for each other
    main()
