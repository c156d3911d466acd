#!/usr/bin/env python3
"""openai-whisper and sotto hear the demo's media, plain and made hard, side by side and say the same.

Usage: openai_whisper.py SOTTO DEMO_DIRECTORY   (Python with openai-whisper, soundfile, safetensors; and ffmpeg)

Both run the demo's weights in f32 at temperature 0: what is drawn at random has no counterpart. Compared are the
language, the text and the times of every segment, and for one call of both command lines the files they write.
Exits with 77, which CTest takes as skipped, where openai-whisper cannot be imported.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "golden" / "transcribe"))
try:
    import numpy as np
    import soundfile
    import torch
    import whisper
    from whisper.transcribe import cli as whisper_cli

    import openai_reference
except ImportError as error:
    print(f"skipped: {sys.executable} cannot import openai-whisper and what it needs ({error}); "
          "set SOTTO_WHISPER_PYTHON to a Python that can, see bench/requirements-peers.txt")
    sys.exit(SKIPPED)
if shutil.which("ffmpeg") is None:
    print("skipped: openai-whisper reads media with the program ffmpeg, which is not there")
    sys.exit(SKIPPED)

RATE = 16000
TOLERANCE_S = 0.02


def read(path):
    pcm, rate = soundfile.read(path, dtype="float32")
    assert rate == RATE and pcm.ndim == 1, path
    return pcm


def with_noise(speech, decibels, noise):
    scale = np.sqrt(np.mean(speech**2) / np.mean(noise**2)) * 10 ** (-decibels / 20)
    return speech + scale * noise


def hard_clips(media):
    """Names and samples of what is hard to hear, made from the plain clips."""
    random = np.random.default_rng(1)
    en, de, es, fr = (read(media / f"{name}.flac") for name in ("en", "de", "es", "fr"))
    seconds = np.arange(len(de)) / RATE
    shorter = min(len(en), len(es))
    return {
        "noise": with_noise(en, 10, random.standard_normal(len(en))),
        "hum": with_noise(de, 6, np.sin(2 * np.pi * 50 * seconds) + np.sin(2 * np.pi * 150 * seconds) / 3),
        "pause": np.concatenate([en[: 11 * RATE], np.zeros(25 * RATE), fr[: 12 * RATE]]),
        "quiet": en / 50,
        "clipped": np.clip(8 * en, -1, 1),
        "two_voices": en[:shorter] + es[:shorter] / 2,
        "fast": np.interp(np.arange(0, len(en), 1.2), np.arange(len(en)), en),
        "cut_in_a_word": en[: int(7.31 * RATE)],
        "silence": np.zeros(5 * RATE),
    }


def write_clips(media, folder):
    paths = {path.name: path for path in sorted(media.iterdir()) if path.suffix in (".flac", ".mp3", ".ogg", ".mp4")}
    for name, samples in hard_clips(media).items():
        paths[name] = folder / f"{name}.wav"
        soundfile.write(paths[name], np.clip(samples, -1, 1 - 2**-15), RATE, subtype="PCM_16")
    return paths


def cases(clips):
    """(clip, options under openai-whisper's names) of what is heard."""
    for clip in clips:
        yield clip, {}
        if not clip.startswith("demo."):  # the same sound in five formats, and long
            yield clip, {"beam_size": 5}
    for clip in ("en.flac", "noise"):
        yield clip, {"without_timestamps": True}
        yield clip, {"language": "en", "initial_prompt": "Good morning. It is seven o'clock."}
        yield clip, {"language": "en", "beam_size": 5, "patience": 2.0, "length_penalty": 0.6}
        yield clip, {"language": "en", "word_timestamps": True, "hallucination_silence_threshold": 2.0}
        yield clip, {"language": "en", "clip_timestamps": "2,9.5,12"}
    yield "pause", {"condition_on_previous_text": False}
    yield "pause", {"language": "en", "initial_prompt": "Good morning.", "carry_initial_prompt": True}
    yield "hum", {"task": "translate", "language": "de"}


def our_arguments(options):
    return [part for name, value in options.items() for part in (f"--{name}", str(value))]


class Ours:
    def __init__(self, binary, directory, folder):
        self.call = [binary, "transcribe", "--model", directory, "--fp16", "False", "--verbose", "False"]
        self.folder = folder

    def run(self, *arguments):
        call = [str(part) for part in (*self.call, *arguments)]
        made = subprocess.run(call, capture_output=True, text=True)
        if made.returncode != 0:
            sys.exit(f"{' '.join(call)}: {made.stderr}")

    def hear(self, path, options):
        # The command line searches five beams unless told otherwise; openai-whisper's Python API does not.
        options = {"beam_size": None, "temperature_increment_on_fallback": None, **options}
        self.run(path, "-o", self.folder, "-f", "json", "--layout", "segments", *our_arguments(options))
        return json.loads((self.folder / f"{path.stem}.json").read_text())


def differences(theirs, ours):
    """What differs, in words; nothing if nothing does."""
    said = [s for s in theirs["segments"] if s["text"]]  # blank ones sotto leaves out
    heard = ours["segments"]
    if theirs["language"] != ours["language"]:
        yield f"language {theirs['language']} {ours['language']}"
    if theirs["text"] != ours["text"]:
        yield f"text {theirs['text']!r} {ours['text']!r}"
    if len(said) != len(heard):
        yield f"{len(said)} {len(heard)} segments"
    for a, b in zip(said, heard):
        # Where a segment does not begin with a timestamp the reference may count from below its window.
        start = max(a["start"], a["seek"] / 100)
        if abs(start - b["start"]) > TOLERANCE_S or abs(a["end"] - b["end"]) > TOLERANCE_S:
            yield f"{a['text']!r}: {a['start']}-{a['end']} {b['start']}-{b['end']}"


def compare_results(model, ours, clips):
    n_failed = n = n_segments = 0
    for clip, options in cases(clips):
        theirs = whisper.transcribe(model, str(clips[clip]), fp16=False, temperature=0.0, **options)
        found = list(differences(theirs, ours.hear(clips[clip], options)))
        n += 1
        n_segments += len(theirs["segments"])
        n_failed += bool(found)
        for difference in found:
            print(f"{clip} {options}: {difference}")
    print(f"{n - n_failed} of {n} transcriptions are the same, {n_segments} segments")
    return n_failed


def compare_files(model, demo, ours, folder):
    """Both command lines with the same arguments: the same files, byte for byte but for json."""
    arguments = [str(demo / "media" / "en.flac"), "--language", "English", "--temperature_increment_on_fallback", "None",
                 "--word_timestamps", "True", "--max_line_width", "30", "--max_line_count", "2", "--verbose", "False"]
    whisper.load_model = lambda *_, **__: model
    sys.argv = ["whisper", *arguments, "--model", str(demo / "model"), "--device", "cpu", "--fp16", "False",
                "-o", str(folder / "theirs"), "-f", "all"]
    whisper_cli()  # draws a progress bar
    ours.run(*arguments, "-o", folder / "ours", "-f", "all")
    n_failed = 0
    for path in sorted((folder / "theirs").iterdir()):
        if path.suffix != ".json" and path.read_bytes() != (folder / "ours" / path.name).read_bytes():
            n_failed += 1
            print(f"{path.name} differs")
    print(f"{len(list((folder / 'theirs').iterdir())) - 1} kinds of files compared")
    return n_failed


def main(binary, demo):
    torch.set_num_threads(1)  # the model is small: two threads mostly wait for each other
    demo = pathlib.Path(demo)
    model = openai_reference.load(demo / "model")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ours = Ours(binary, demo / "model", folder)
        clips = write_clips(demo / "media", folder)
        failed = compare_results(model, ours, clips) + compare_files(model, demo, ours, folder)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
