#!/usr/bin/env python3
"""Writes subtitles.json: a transcription and the files openai-whisper's writers make of it.

Needs openai-whisper 20250625. Run: python make_subtitles.py   (a second; written 2026-11-23)
"""
import io
import json
import pathlib
import re

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


SPEECH = (
    " The quick, brown fox - it was a Monday - jumped over the lazy dog. \"Naïve,\" said 東京 the old, old man;"
    " extraordinarily-long-compound-words-are-rarely-broken. Yes. No? Perhaps! And so on and on it goes"
)
LAYOUTS = (
    {"max_line_width": 20},
    {"max_line_count": 2},
    {"max_line_width": 20, "max_line_count": 1},
    {"max_line_width": 42, "max_line_count": 2},
    {"max_line_width": 1, "max_line_count": 3},
    {"max_words_per_line": 3},
    {"max_words_per_line": 4, "max_line_width": 12},
    {"max_words_per_line": 2, "max_line_width": 12, "max_line_count": 2},
    {"highlight_words": True},
    {"highlight_words": True, "max_line_width": 24, "max_line_count": 2},
    {"highlight_words": True, "max_words_per_line": 5},
)


def with_many_words():
    """Segments of a few words each, with pauses within and between them and one that has no word."""
    words = re.findall(r"\s*\S+", SPEECH)
    segments = []
    time = 0.5
    for begin in range(0, len(words), 9):
        timed = []
        for i, word in enumerate(words[begin : begin + 9], begin):
            time += 3.5 if i % 11 == 10 else 0.12 if i % 5 == 4 else 0.0
            timed.append({"word": word, "start": time, "end": time + 0.31, "probability": 0.5})
            time += 0.31
        text = "".join(w["word"] for w in timed)
        segments.append({**result()["segments"][0], "id": len(segments), "start": timed[0]["start"],
                         "end": timed[-1]["end"], "text": text, "words": timed})
    segments.insert(2, {**segments[1], "text": "", "words": []})
    return {"text": SPEECH, "segments": segments, "language": "en"}


def write(name, whole, options=None):
    out = io.StringIO()
    get_writer(name, ".").write_result(whole, out, options)
    return out.getvalue()


if __name__ == "__main__":
    formats = ("txt", "srt", "vtt", "tsv", "json")
    goldens = {
        "whisper": whisper.__version__,
        "files": {f: write(f, result()) for f in formats},
        "files_with_words": {f: write(f, with_words()) for f in formats},
        "layouts": {
            "json": write("json", with_many_words()),
            "files": [
                {"options": o, **{f: write(f, with_many_words(), o) for f in ("srt", "vtt")}} for o in LAYOUTS
            ],
        },
    }
    path = pathlib.Path(__file__).with_name("subtitles.json")
    path.write_text(json.dumps(goldens, ensure_ascii=False, indent=1) + "\n")
    print(path.name, path.stat().st_size, "bytes")
