#!/usr/bin/env python3
"""Transcribes the demo's media with openai-whisper and with an IR pair that `sotto convert --layout notebook` wrote.

The pair runs in the notebook's patched loader (notebook_loader.py). The texts must be the same.
Usage: check_pair.py HF_DIRECTORY PAIR_DIRECTORY   (needs openai-whisper 20250625, torch, soundfile, openvino)
"""
import pathlib
import sys

import openvino as ov

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "transcribe"))
import notebook_loader  # noqa: E402
import openai_reference  # noqa: E402


def main():
    directory, pair = map(pathlib.Path, sys.argv[1:3])
    encoder, = pair.glob("whisper_*_encoder*.xml")
    decoder, = pair.glob("whisper_*_decoder*.xml")
    media = HERE.parents[2] / "demo" / "media" / "demo.wav"
    cases = [{"language": "en"}, {"language": "en", "beam_size": 3}]
    model = openai_reference.load(directory)
    expected = [openai_reference.run(model, media, case)["text"] for case in cases]
    notebook_loader.patch(model, ov.Core(), encoder, decoder)
    for case, text in zip(cases, expected):
        got = openai_reference.run(model, media, case)["text"]
        print(case, repr(got[:70]), "same" if got == text else f"expected {text[:200]!r}")
        if got != text:
            sys.exit(1)


if __name__ == "__main__":
    main()
