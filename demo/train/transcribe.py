"""What the float model says to recordings: greedy, timestamps, windows that move on by them, as openai-whisper does."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile
import torch

import evaluate
import features
import grammar


def transcribe(net, v, audio: np.ndarray, language: int | None, translate: bool) -> tuple[str, list[tuple[float, float, str]]]:
    """Language name and (start, end, text) segments of 16 kHz audio of any length."""
    mel = features.log_mel(np.concatenate([audio, np.zeros(30 * features.RATE, np.float32)]))
    content = len(audio) // features.HOP
    seek, out = 0, []
    while seek < content:
        window = mel[seek : min(seek + features.WINDOW_FRAMES, content)]
        padded = np.zeros((features.WINDOW_FRAMES, features.MELS), np.float32)
        padded[: len(window)] = window
        memory = evaluate.encode(net, [np.ascontiguousarray(padded.T)])
        languages, nospeech = evaluate.at_start(net, v, memory)
        if language is None:
            language = languages[0]
        tokens = evaluate.decode(net, v, memory, language, translate)[0]
        step = len(window)
        if not v.decode(tokens) or nospeech[0] > 0.6:
            seek += step
            continue
        start, text = 0, []
        ended = 0
        for i, t in enumerate(tokens):
            if t < v.time0:
                text.append(t)
            elif text:
                out.append(((seek + start) / 100, (seek + 2 * (t - v.time0)) / 100, v.decode(text)))
                text, ended = [], 2 * (t - v.time0)
            else:
                start = 2 * (t - v.time0)
                if i == len(tokens) - 1 and ended:
                    step = min(step, start)
        if text:
            if ended:
                step = min(step, start)
            else:
                out.append(((seek + start) / 100, (seek + step) / 100, v.decode(text)))
        elif len(tokens) > 1 and tokens[-1] >= v.time0 and tokens[-2] >= v.time0 and ended:
            step = min(step, ended)
        seek += max(step, 100)
    return grammar.LANGUAGES[language or 0], out


def main() -> None:
    """Print segments of each file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("audio", type=Path, nargs="+", help="16 kHz mono files")
    parser.add_argument("--language", choices=grammar.LANGUAGES)
    parser.add_argument("--translate", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    net, v = evaluate.load(args.model)
    language = grammar.LANGUAGES.index(args.language) if args.language else None
    for path in args.audio:
        audio, rate = soundfile.read(path, dtype="float32")
        assert rate == features.RATE, f"{path}: expected {features.RATE} Hz, found {rate}"
        with torch.no_grad():
            name, segments = transcribe(net, v, audio, language, args.translate)
        print(f"{path.name} ({name})")
        for start, end, text in segments:
            print(f"{start:6.2f} {end:6.2f} {text}")


if __name__ == "__main__":
    main()
