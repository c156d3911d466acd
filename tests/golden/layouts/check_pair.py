#!/usr/bin/env python3
"""Transcribes demo.wav with openai-whisper and with IR pairs that sotto wrote, in the notebook's patched loader.

`sotto convert --layout notebook`: the texts must be the same, greedy and with beams. Quantized by `sotto quantize`, the
pair must run there too; one word in twenty may differ.
Usage: check_pair.py SOTTO DEMO_DIRECTORY   (needs openai-whisper 20250625, torch, soundfile, openvino; else exit status 77)
"""
import difflib
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "transcribe"))
try:
    import notebook_loader
    import openai_reference
    import openvino as ov
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

ENGLISH = {"language": "en", "clip_timestamps": [0, 28]}  # what follows is in other languages
CASES = [{"language": "en"}, {"language": "en", "beam_size": 3}, ENGLISH]


def run(*arguments):
    made = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    if made.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}: {made.stderr}")


def heard_by(model, media, cases, pair=None):
    """What openai-whisper says, with the pair in the place of its encoder and decoder if there is one."""
    if pair:
        encoder, = pair.glob("whisper_*_encoder*.xml")
        decoder, = pair.glob("whisper_*_decoder*.xml")
        notebook_loader.patch(model, ov.Core(), encoder, decoder)
    return [openai_reference.run(model, media, case)["text"] for case in cases]


def n_different(text, expected):
    matcher = difflib.SequenceMatcher(None, text.split(), expected.split(), autojunk=False)
    return sum(max(b - a, d - c) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal")


def main():
    sotto, demo = sys.argv[1], pathlib.Path(sys.argv[2])
    media = demo / "media" / "demo.wav"
    model = openai_reference.load(demo / "model")
    expected = heard_by(model, media, CASES)
    with tempfile.TemporaryDirectory() as folder:
        fp, int8 = pathlib.Path(folder) / "fp", pathlib.Path(folder) / "int8"
        run(sotto, "convert", demo / "model", "--layout", "notebook", "-o", fp)
        # f32: the same INT8 pair on every processor.
        run(sotto, "quantize", fp, "-o", int8, "--calibration", demo / "data" / "calibration", "--samples", 5,
            "--inference-precision", "f32")
        for pair, cases, share in ((fp, CASES, 0), (int8, [ENGLISH], 0.05)):
            for case, got in zip(cases, heard_by(model, media, cases, pair)):
                text = expected[CASES.index(case)]
                n = n_different(got, text)
                print(f"{pair.name} {case}: {n} of {len(text.split())} words differ")
                if n > share * len(text.split()):
                    sys.exit(f"found {got!r}, expected {text!r}")


if __name__ == "__main__":
    main()
