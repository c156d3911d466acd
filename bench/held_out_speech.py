#!/usr/bin/env python3
"""English test speech as demo/train makes it: sentences and voices the bundled model was not trained on.

Usage: held_out_speech.py OUTPUT COUNT. The sentences of the bundled sets, calibration too, are left out. The layout is
LibriSpeech's with .wav files. Needs numpy, scipy, espeak-ng, flite and festival with festvox-kallpc16k; the same versions
of these make the same speech.
"""

import pathlib
import shutil
import sys

import scipy.io.wavfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "demo" / "train"))

import features
import testset

SEED = 50  # of sentences and voices; the bundled sets have 20, 35 and 71


def bundled_sentences():
    """What is said in the bundled English sets, an utterance each."""
    return [line.split(" ", 1)[1] for name in ("test", "calibration")
            for path in (ROOT / "demo" / "data" / name).glob("*/*/*.trans.txt")
            for line in path.read_text(encoding="utf-8").splitlines()]


def held_out(count):
    """Utterances of sentences that no bundled set has."""
    bundled = bundled_sentences()
    drawn = testset.utterances(0, count + count // 4 + 10, SEED)
    kept = [u for u in drawn if not any(u.text in said for said in bundled)]
    if len(kept) < count:
        sys.exit(f"held_out_speech: expected {count} new sentences, found {len(kept)}.")
    return kept[:count]


def write(directory, spoken):
    """101-1-NNNN.wav with their words, complete or not at all."""
    partial = directory.with_name(directory.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    chapter = partial / "101" / "1"
    chapter.mkdir(parents=True)
    lines = []
    for i, u in enumerate(spoken):
        name = f"101-1-{i:04}"
        scipy.io.wavfile.write(chapter / f"{name}.wav", features.RATE, (u.audio.clip(-1, 1) * 32767).round().astype("int16"))
        lines.append(f"{name} {u.text}\n")
    (chapter / "101-1.trans.txt").write_text("".join(lines), encoding="utf-8")
    shutil.rmtree(directory, ignore_errors=True)
    partial.rename(directory)


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]), held_out(int(sys.argv[2])))
