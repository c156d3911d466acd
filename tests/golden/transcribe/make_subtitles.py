#!/usr/bin/env python3
"""Writes subtitles.json: a transcription and the files openai-whisper's writers make of it.

Needs openai-whisper 20250625. Run: python make_subtitles.py   (a second; written 2026-11-23)
"""
import io
import json
import pathlib

import whisper
from whisper.utils import get_writer

TEXTS = [
    (0.0, 2.5, " Hello, world."),
    (2.5, 2.5005, " half a millisecond"),
    (2.5015, 61.0625, " Grüße aus Köln – 東京 🎧  "),
    (61.0625, 3599.9996, " an arrow --> inside, and ---> longer"),
    (3599.9996, 3600.0, "\ttabs\tand\nlines "),
    (360000.0, 363661.001, " a hundred hours"),
    (363661.001, 363662.0, ' "quotes" & <b>tags</b> \\ back'),
]


def result():
    segments = [
        {
            "id": i,
            "seek": 3000 * i,
            "start": start,
            "end": end,
            "text": text,
            "tokens": [50364, 11 + i, 50464],
            "temperature": 0.2 * i,
            "avg_logprob": -0.25 - i,
            "compression_ratio": 1.5,
            "no_speech_prob": 0.125,
        }
        for i, (start, end, text) in enumerate(TEXTS)
    ]
    return {"text": "".join(t for _, _, t in TEXTS), "segments": segments, "language": "en"}


def with_words():
    """Two segments whose words begin later and end earlier than they do."""
    whole = {**result(), "segments": result()["segments"][:2]}
    for segment in whole["segments"]:
        words = [" " + w for w in segment["text"].split()]
        length = (segment["end"] - segment["start"]) / (len(words) + 2)
        times = [segment["start"] + length * (i + 1) for i in range(len(words) + 1)]
        segment["text"] = "".join(words)
        segment["words"] = [
            {"word": w, "start": a, "end": b, "probability": 0.5} for w, a, b in zip(words, times, times[1:])
        ]
    return whole


def write(name, whole):
    out = io.StringIO()
    get_writer(name, ".").write_result(whole, file=out)
    return out.getvalue()


if __name__ == "__main__":
    formats = ("txt", "srt", "vtt", "tsv", "json")
    goldens = {
        "whisper": whisper.__version__,
        "files": {f: write(f, result()) for f in formats},
        "files_with_words": {f: write(f, with_words()) for f in formats},
    }
    path = pathlib.Path(__file__).with_name("subtitles.json")
    path.write_text(json.dumps(goldens, ensure_ascii=False, indent=1) + "\n")
    print(path.name, path.stat().st_size, "bytes")
