#!/usr/bin/env python3
"""Speed of transcribing: sotto and its peers on the same weights and audio, and words heard by the bundled model."""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import wave

import common
import peers

FIGURES = ("x_realtime", "encoder_ms", "decoder_ms_per_token", "first_segment_ms", "load_first_ms", "peak_mb")
# Who is named in the closing line → the forms it was run in, of which the fastest counts.
NAMED = {
    "sotto": ["sotto"],
    "sotto_batched": ["sotto_batched"],
    "openvino_genai": ["openvino_genai", "openvino_genai_fp"],
    "faster_whisper": ["faster_whisper", "faster_whisper_batched"],
    "whisper_cpp": ["whisper_cpp_q8_0", "whisper_cpp_q5_0"],
    "openai_whisper": ["openai_whisper"],
    "notebook": ["notebook"],
}
BATCH = 8


class Contender:
    """One form of one program: `times` makes the command's JSON from audio, threads and tokens."""

    def __init__(self, name, command):
        self.name, self.command = name, command
        self.runs, self.loads_ms, self.peak_mb, self.precision = [], [], [], ""

    def turn(self, audio, arguments, n_tokens):
        run = common.Run(self.command(audio, arguments.threads, 1, n_tokens))
        result = json.loads(run.stdout.strip().splitlines()[-1])
        self.runs += result["runs"]
        self.loads_ms.append(1e3 * result["load_seconds"])
        self.peak_mb.append(run.peak_mb)
        self.precision = result.get("precision", "")

    def figures(self):
        """Medians over the turns."""
        def median(values):
            return statistics.median(values) if values and None not in values else None

        speeds = [run["audio_seconds"] / run["seconds"] for run in self.runs]
        stages = {name: median([run[name] for run in self.runs]) for name in FIGURES[1:4]}
        firsts = [run["first_segment_ms"] for run in self.runs]  # one run a turn, each after a load of its own
        waits = [load + first for load, first in zip(self.loads_ms, firsts)] if None not in firsts else []
        return {"x_realtime": median(speeds), **stages, "load_first_ms": median(waits), "peak_mb": median(self.peak_mb)}


def sotto(model, batch_size):
    program = common.BUILD / "bench" / "sotto_transcribe_times"
    return lambda audio, threads, runs, tokens: [program, model, audio, threads, runs, tokens, batch_size]


def peer(who, model):
    script = common.ROOT / "bench" / "peer_transcribe.py"
    return lambda audio, threads, runs, tokens: [peers.python(), script, who, model, audio, threads, runs, tokens]


def makers(checkpoint, name, fp):
    """Every contender by name; its model is made when it is called."""
    int8 = lambda: common.quantized(name, fp, samples=4)
    weights = ("--decoder-format", "int8_weights")
    mixed = lambda: common.quantized(name, fp, samples=4, name="int8-weights", options=weights)
    return {
        "sotto": lambda: sotto(int8(), 1),
        "sotto_batched": lambda: sotto(int8(), BATCH),
        "sotto_fp": lambda: sotto(fp, 1),
        "sotto_fp_batched": lambda: sotto(fp, BATCH),
        "openvino_genai": lambda: peer("openvino_genai", peers.genai_directory(mixed())),
        "openvino_genai_fp": lambda: peer("openvino_genai", peers.genai_directory(fp)),
        "faster_whisper": lambda: peer("faster_whisper", peers.ctranslate2_directory(checkpoint, name)),
        "faster_whisper_batched": lambda: peer("faster_whisper_batched", peers.ctranslate2_directory(checkpoint, name)),
        "whisper_cpp_q8_0": lambda: peer("whisper_cpp", peers.ggml_file(checkpoint, name, "q8_0")),
        "whisper_cpp_q5_0": lambda: peer("whisper_cpp", peers.ggml_file(checkpoint, name, "q5_0")),
        "openai_whisper": lambda: peer("openai_whisper", checkpoint),
        "notebook": lambda: peer("notebook", peers.notebook_directory(checkpoint, name)),
    }


def attempt(name, work):
    """What `work` returns; None, and a line that says why, where it fails."""
    try:
        return work()
    except (SystemExit, OSError, ValueError, subprocess.CalledProcessError) as failure:
        print(f"  {name}: not measured: {' '.join(str(failure).split())[-300:]}", flush=True)
        return None


def run_turns(contenders, audio, arguments, n_tokens, turns):
    """Turns that all take one after the other, so that a busy minute hits all; who fails once is left out."""
    running = dict(contenders)
    for _ in range(turns):
        for name in list(running):
            if attempt(name, lambda name=name: running[name].turn(audio, arguments, n_tokens) or True) is None:
                del running[name]
    return running


def make_contenders(checkpoint, name, fp, wanted):
    made = {}
    for who, make in makers(checkpoint, name, fp).items():
        if not wanted or who in wanted:
            command = attempt(who, make)
            if command:
                made[who] = Contender(who, command)
    return made


def forced_audio(n_windows):
    """The bundled speech over and over, so many windows of 30 s."""
    path = common.WORK / f"speech-{n_windows}x30s.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(common.ROOT / "demo" / "media" / "demo.wav")) as source:
        parameters, frames = source.getparams(), source.readframes(source.getnframes())
    n_bytes = n_windows * 30 * parameters.framerate * parameters.sampwidth * parameters.nchannels
    with wave.open(str(path), "wb") as out:
        out.setparams(parameters)
        out.writeframes((frames * (n_bytes // len(frames) + 1))[:n_bytes])
    return path


def print_table(title, contenders):
    print(f"\n{title:26} {'x real time':>12} {'encoder ms':>11} {'ms a token':>11} {'first ms':>9} {'+ load ms':>10} {'peak MB':>8} {'tokens':>7}")
    for name, contender in contenders.items():
        cells = [contender.figures()[figure] for figure in FIGURES]
        widths = (12, 11, 11, 9, 10, 8)
        row = " ".join(f"{'-':>{w}}" if c is None else f"{c:{w}.1f}" for c, w in zip(cells, widths))
        print(f"  {name:24} {row} {contender.runs[-1]['tokens']:7}  {contender.precision}", flush=True)


def print_ratios(figures):
    """sotto against the best peer, end to end."""
    speeds = figures["x_realtime"]
    best = max((s for who, s in speeds.items() if not who.startswith("sotto") and s), default=None)
    if best and speeds["sotto"] and speeds["sotto_batched"]:
        print(f"  sotto / best peer {speeds['sotto'] / best:.2f} (to reach: 1.2), "
              f"batched {speeds['sotto_batched'] / best:.2f} (to reach: 2)")


def closing(contenders):
    """The figures of NAMED: {figure: {who: value or null}}."""
    every = {name: contender.figures() for name, contender in contenders.items()}
    result = {figure: {} for figure in FIGURES}
    for who, forms in NAMED.items():
        there = [every[form] for form in forms if form in every]
        best = max(there, key=lambda f: f["x_realtime"], default=dict.fromkeys(FIGURES))
        for figure in FIGURES:
            value = best[figure]
            result[figure][who] = value if value is None else round(value, 2)
    return result, {name: {k: v and round(v, 2) for k, v in f.items()} for name, f in every.items()}


def measure_size(size, arguments):
    audio = forced_audio(arguments.windows)
    made = make_contenders(common.random_whisper(size), size, common.converted(size), arguments.contenders)
    done = run_turns(made, audio, arguments, arguments.tokens, arguments.turns)
    print_table(f"{size}, {arguments.tokens} tokens a window", done)
    figures, every = closing(done)
    print_ratios(figures)
    return figures, every


# The bundled model, unforced

def test_speech(take):
    """The first test utterances in English as one file, half a second between them, and what is said."""
    directory = common.ROOT / "demo" / "data" / "test"
    files = sorted(directory.rglob("*.flac"))[:take]
    said = {}
    for path in sorted(directory.rglob("*.trans.txt")):
        said.update(line.split(" ", 1) for line in path.read_text().splitlines() if line.strip())
    path = common.WORK / f"test-{take}.wav"
    join = ("import sys, numpy as np, soundfile as s\n"
            "parts = [p for f in sys.argv[2:] for p in (s.read(f, dtype='int16')[0], np.zeros(8000, np.int16))]\n"
            "s.write(sys.argv[1], np.concatenate(parts), 16000)")
    common.Run([peers.python(), "-c", join, path, *files])
    return path, " ".join(said[file.stem] for file in files)


def words(text):
    return re.sub(r"[^\w' ]", " ", text.lower()).split()


def word_accuracy(said, heard):
    """Percent: 100 less the word error rate, the same plain comparison for all."""
    said, heard = words(said), words(heard)
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return 100 * (1 - row[-1] / len(said))


def measure_demo(arguments):
    """Word accuracy and speed of all that can run the bundled model, whose vocabulary is its own."""
    audio, said = test_speech(arguments.take)
    checkpoint = common.ROOT / "demo" / "model"
    made = make_contenders(checkpoint, "demo", common.converted_demo(), arguments.contenders)
    for name in [name for name in made if name.startswith("whisper_cpp")]:
        print(f"  {name}: not measured: whisper.cpp derives token ids from the size of Whisper's own vocabularies")
        del made[name]
    done = run_turns(made, audio, arguments, 0, 1)
    print_table(f"bundled model, {arguments.take} utterances", done)
    accuracy = {name: word_accuracy(said, contender.runs[-1]["text"]) for name, contender in done.items()}
    for name, percent in accuracy.items():
        print(f"  {name:24} {percent:6.2f} % of words right")
    return {"word_accuracy_percent": {name: round(p, 2) for name, p in accuracy.items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="base,small", help="sizes with random weights (tiny, base, small, turbo), a comma list")
    parser.add_argument("--windows", type=int, default=8, help="of 30 s")
    parser.add_argument("--tokens", type=int, default=48, help="forced in every window")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--turns", type=int, default=3, help="runs of each contender, all in turn; medians count")
    parser.add_argument("--contenders", default="", help=f"a comma list of some; all: {', '.join(makers(None, '', None))}")
    parser.add_argument("--take", type=int, default=30, help="test utterances that the bundled model hears; 0: none")
    arguments = parser.parse_args()
    arguments.contenders = arguments.contenders.split(",") if arguments.contenders else []
    common.print_machine()
    print(f"{arguments.threads} threads, {arguments.windows} windows, medians of {arguments.turns} turns; sotto batches {BATCH} windows")
    figures, every = {}, {}
    for size in filter(None, arguments.size.split(",")):
        figures[size], every[size] = measure_size(size, arguments)
    demo = {"demo": measure_demo(arguments)} if arguments.take else {}
    common.finish({**figures, **demo, "every": every, "threads": arguments.threads, "tokens": arguments.tokens,
                   "windows": arguments.windows})


if __name__ == "__main__":
    sys.exit(main())
