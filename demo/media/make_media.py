"""Make the bundled media and speech sets from held-out sentences spoken by held-out voices.

Writes beside itself demo.mp4, the same speech as demo.wav, .flac, .mp3 and .ogg, one FLAC a language, and
demo.spoken.json with what is said when; and under ../data the calibration and test sets in the LibriSpeech layout.
Needs the recipe's environment (../train), espeak-ng, flite, festival and ffmpeg. The same versions of those give
the same files.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import soundfile

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "train"))

import data
import grammar
import synth
import testset
from features import RATE

MEDIA_SEED = 71
TEST_SEED = 20
CALIBRATION_SEED = 35
# Whisper takes one language a window, and begins the next where the last segment ended or after 30 s. So each language
# starts just behind a multiple of 30 s and ends at most WINDOW seconds after the end of the one before it.
START, SPACING, WINDOW = 0.4, 30.0, 29.4
LENGTH = 118
# The pause after this language, and the language itself, have hum behind them; the other pauses are digital silence.
HUMMING = "de"


def pcm(audio: np.ndarray) -> np.ndarray:
    """Float to 16-bit."""
    return (np.clip(audio, -1, 1) * 32767).round().astype(np.int16)


def programme() -> tuple[np.ndarray, list[dict]]:
    """The demo's audio and what is said in it."""
    r = random.Random(MEDIA_SEED)
    audio = np.zeros(LENGTH * RATE, np.float32)
    spoken = []
    limit = 25.0
    for language, name in enumerate(grammar.LANGUAGES):
        at = int((START + SPACING * language) * RATE)
        for u in testset.utterances(language, 24, MEDIA_SEED, festival_share=0.2):
            if at + len(u.audio) > limit * RATE:
                break
            audio[at : at + len(u.audio)] += 0.8 * u.audio
            spoken.append(
                {
                    "start": round(at / RATE, 2),
                    "end": round((at + len(u.audio)) / RATE, 2),
                    "language": name,
                    "text": u.text,
                    "english": u.sentence[0],
                    "voice": u.voice,
                }
            )
            at += len(u.audio) + int(r.uniform(0.3, 0.9) * RATE) // 320 * 320
        limit = spoken[-1]["end"] + WINDOW
    part = [s for s in spoken if s["language"] == HUMMING]
    begin, end = part[0]["start"] - 2, part[-1]["end"] + 3
    fade = np.interp(np.arange(len(audio)) / RATE, [begin - 0.5, begin + 0.5, end - 1, end], [0, 1, 1, 0])
    audio += (data.noise_sources(5, LENGTH)[7] * fade * 0.006).astype(np.float32)
    return audio, spoken


def ffmpeg(*arguments: str) -> None:
    """Run ffmpeg so that it writes nothing that depends on time or place."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True)


def video(wav: Path, spoken: list[dict], out: Path) -> None:
    """Cards with the spoken text; H.264 and AAC, 640x360 at 5 frames a second."""
    with tempfile.TemporaryDirectory() as folder:
        filters = []
        for i, s in enumerate(spoken):
            card = Path(folder) / f"{i}.txt"
            card.write_text("\n".join(textwrap.wrap(s["text"], 32)), encoding="utf-8")
            show = f"enable='between(t,{s['start']},{s['end']})'"
            filters.append(f"drawtext=font=Sans:fontsize=30:fontcolor=white:line_spacing=8:x=(w-tw)/2:y=(h-th)/2:textfile={card}:{show}")
            filters.append(f"drawtext=font=Sans:fontsize=18:fontcolor=gray:x=20:y=20:text={s['language']}:{show}")
        script = Path(folder) / "filters"
        script.write_text(",\n".join(filters), encoding="utf-8")
        ffmpeg(
            *("-f", "lavfi", "-i", f"color=c=0x18242c:s=640x360:r=5:d={LENGTH}", "-i", str(wav)),
            *("-filter_script:v", str(script), "-map", "0:v", "-map", "1:a"),
            *("-c:v", "libx264", "-preset", "veryslow", "-crf", "32", "-pix_fmt", "yuv420p", "-threads", "1"),
            *("-c:a", "aac", "-b:a", "64k", "-movflags", "+faststart", "-map_metadata", "-1"),
            *("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", str(out)),
        )


def media(out: Path) -> None:
    """demo.* and one file a language."""
    audio, spoken = programme()
    (out / "demo.spoken.json").write_text(json.dumps(spoken, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    wav = out / "demo.wav"
    soundfile.write(wav, pcm(audio), RATE, subtype="PCM_16")
    soundfile.write(out / "demo.flac", pcm(audio), RATE, subtype="PCM_16")
    exact = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact")
    ffmpeg("-i", str(wav), "-c:a", "libmp3lame", "-b:a", "32k", *exact, str(out / "demo.mp3"))
    ffmpeg("-i", str(wav), "-c:a", "libvorbis", "-q:a", "0", *exact, str(out / "demo.ogg"))
    video(wav, spoken, out / "demo.mp4")
    for name in grammar.LANGUAGES:
        part = [s for s in spoken if s["language"] == name]
        a, b = int((part[0]["start"] - 0.4) * RATE), int((part[-1]["end"] + 0.4) * RATE)
        soundfile.write(out / f"{name}.flac", pcm(audio[a:b]), RATE, subtype="PCM_16")


def speaker_of(voice: str) -> str:
    """The person behind a voice name: the espeak-ng variant, or the flite or festival voice."""
    return voice.split("+")[-1]


def speech_set(folder: Path, items: list[tuple[np.ndarray, list[testset.Utterance]]], language: int) -> None:
    """speaker/chapter/speaker-chapter-0000.flac with speaker-chapter.trans.txt (and .translation.txt)."""
    shutil.rmtree(folder, ignore_errors=True)
    held_out = [
        *synth.HELD_OUT_VARIANTS,
        *(f"flite-{v}" for v in synth.HELD_OUT_FLITE),
        f"festival-{synth.HELD_OUT_FESTIVAL[0]}",
    ]
    lines: dict[str, list[tuple[str, str, str]]] = {}
    for audio, said in items:
        speaker = f"{101 + held_out.index(speaker_of(said[0].voice))}"
        chapter = f"{language + 1}"
        rows = lines.setdefault(f"{speaker}-{chapter}", [])
        name = f"{speaker}-{chapter}-{len(rows):04d}"
        rows.append((name, " ".join(u.text for u in said), " ".join(u.sentence[0] for u in said)))
        path = folder / speaker / chapter / f"{name}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, pcm(audio), RATE, subtype="PCM_16")
    for key, rows in lines.items():
        place = folder / key.split("-")[0] / key.split("-")[1]
        (place / f"{key}.trans.txt").write_text("".join(f"{n} {t}\n" for n, t, _ in rows), encoding="utf-8")
        if language:
            (place / f"{key}.translation.txt").write_text("".join(f"{n} {e}\n" for n, _, e in rows), encoding="utf-8")
    used = sorted({int(key.split("-")[0]) for key in lines})
    (folder / "SPEAKERS.TXT").write_text("".join(f"{n} | {held_out[n - 101]}\n" for n in used), encoding="utf-8")


def sets(out: Path, others: int) -> None:
    """The calibration set of one to three sentences an utterance, and the test sets."""
    tests = testset.utterances(0, 240, TEST_SEED)
    speech_set(out / "test", [(u.audio, [u]) for u in tests[:200]], 0)
    known = {u.sentence[0] for u in tests}
    spare = [u for u in testset.utterances(0, 180, CALIBRATION_SEED) if u.sentence[0] not in known]
    r = random.Random(CALIBRATION_SEED)
    items = []
    while len(items) < 60:
        said = [spare.pop(0) for _ in range(r.choice((1, 1, 2, 3)))]
        pause = np.zeros(int(0.4 * RATE), np.float32)
        parts = [x for u in said for x in (u.audio, pause)]
        items.append((np.concatenate(parts[:-1]), said))
    speech_set(out / "calibration", items, 0)
    for language, name in enumerate(grammar.LANGUAGES):
        if language:
            spoken = testset.utterances(language, 240, TEST_SEED)[:others]
            speech_set(out / f"test-{name}", [(u.audio, [u]) for u in spoken], language)


def main() -> None:
    """Make everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", type=Path, default=HERE)
    parser.add_argument("--data", type=Path, default=HERE.parent / "data")
    parser.add_argument("--others", type=int, default=100, help="test utterances of each other language")
    args = parser.parse_args()
    for folder in (args.media, args.data):
        folder.mkdir(parents=True, exist_ok=True)
    media(args.media)
    sets(args.data, args.others)


if __name__ == "__main__":
    main()
