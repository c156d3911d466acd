#!/usr/bin/env python3
"""Seconds and peak memory of converting checkpoints, beside a file copy and optimum-intel; what lifting a pair gains."""

import argparse
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import time

import checkpoint_forms
import common

OPTIMUM = common.ROOT / ".deps" / "optimum"
STEP_TIMES = common.BUILD / "bench" / "sotto_step_times"
SOURCES = ["safetensors", "shards", "torch", "openai", "ggml-f16", "ggml-q8_0", "openvino"]
EXPORT = """
import sys
from optimum.exporters.openvino import main_export
main_export(sys.argv[1], sys.argv[2], task="automatic-speech-recognition-with-past", library_name="transformers")
"""


def copy_seconds(path, target):
    """Copying the file to the same disk and flushing it, as a conversion has to."""
    started = time.perf_counter()
    shutil.copyfile(path, target)
    with open(target, "rb") as copy:
        os.fsync(copy.fileno())
    seconds = time.perf_counter() - started
    target.unlink()
    return seconds


def optimum_python(wanted):
    """$SOTTO_OPTIMUM_PYTHON, or an environment of its own with optimum-intel, made on request: it needs torch."""
    if os.environ.get("SOTTO_OPTIMUM_PYTHON"):
        return pathlib.Path(os.environ["SOTTO_OPTIMUM_PYTHON"]) if wanted else None
    python = OPTIMUM / "bin" / "python"
    if not python.exists() and wanted:
        subprocess.run([sys.executable, "-m", "venv", OPTIMUM], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "optimum-intel[openvino]==2.2.0"], check=True)
    return python if wanted else None


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class Source:
    """The checkpoint in one form, written for the time of the measurement: `checkpoint`, and `weights`, a file of as
    many bytes as are read."""

    def __init__(self, kind, directory, made):
        self.target = None if kind == "safetensors" else made
        if kind == "safetensors":
            self.checkpoint, self.weights = directory, directory / "model.safetensors"
            return
        remove(made)
        remove(made.with_suffix(".bin"))
        if kind == "openvino":
            common.Run([common.SOTTO, "convert", directory, "-o", made])
            self.checkpoint, self.weights = made, directory / "model.safetensors"
        else:
            self.checkpoint, self.weights = checkpoint_forms.make(kind, directory, made)

    def remove(self):
        if self.target:
            remove(self.target)
            remove(self.target.with_suffix(".bin"))


def measure(size, kind, source, python, rounds):
    """The fastest of `rounds` copies and conversions, in turn, each of a file that was read before."""
    out = common.WORK / "convert"
    remove(out)
    out.mkdir(parents=True)
    copies, runs = [], []
    for _ in range(rounds):
        copies.append(copy_seconds(source.weights, out / "copy"))
        runs.append(common.Run([common.SOTTO, "convert", source.checkpoint, "-o", out / "ir"]))
        written = sum(path.stat().st_size for path in (out / "ir").glob("openvino_*coder_model.bin")) / 1e6
        remove(out / "ir")
    figures = {"size": size, "source": kind, "weights_mb": round(source.weights.stat().st_size / 1e6, 1),
               "ir_mb": round(written, 1), "copy_s": round(min(copies), 2), "seconds": round(min(r.seconds for r in runs), 2),
               "peak_mb": round(max(r.peak_mb for r in runs), 1)}
    figures["goal_mb"] = round(written + 1000)
    if kind in ("safetensors", "shards"):
        figures["goal_s"] = round(1.5 * figures["copy_s"] + 10, 1)
    if python and kind == "safetensors":
        theirs = common.Run([python, "-c", EXPORT, source.checkpoint, out / "optimum"])
        figures |= {"optimum_s": round(theirs.seconds, 1), "optimum_peak_mb": round(theirs.peak_mb, 1)}
    remove(out)
    return figures


def shown(row):
    """A line of the table."""
    met = row["seconds"] < row.get("goal_s", math.inf) and row["peak_mb"] < row["goal_mb"]
    goal = f" (goal {row['goal_s']:4.1f})" if "goal_s" in row else " " * 12
    beside = f"  optimum-intel {row['optimum_s']} s, {row['optimum_peak_mb']:.0f} MB" if "optimum_s" in row else ""
    return (f"{row['size']:9} {row['source']:12} {row['weights_mb']:7.1f} MB -> {row['ir_mb']:7.1f} MB"
            f"  copy {row['copy_s']:5.2f} s  convert {row['seconds']:6.2f} s{goal}"
            f"  peak {row['peak_mb']:7.1f} MB (goal {row['goal_mb']})  {'met' if met else 'MISSED'}{beside}")


def conversions(sizes, kinds, python, rounds):
    rows = []
    for size in sizes:
        directory = common.random_whisper(size)
        for kind in kinds:
            source = Source(kind, directory, common.WORK / "models" / f"{size}-convert-{kind}")
            rows.append(measure(size, kind, source, python, rounds))
            source.remove()
            print(shown(rows[-1]), flush=True)
    return rows


def lifted(pair):
    """A notebook's pair with a decoder that keeps state, made anew."""
    directory = pair.parent / f"{pair.name}-lifted"
    remove(directory)
    common.Run([common.SOTTO, "convert", pair, "--lift", "-o", directory])
    return directory


def lift_speed_up(size, threads, rounds=3):
    """OpenVINO's decoder times of the notebook's pair as it is and lifted, FP and INT8; runs in turn, minima. In loops of
    its own sotto lifts a pair by itself."""
    fp = common.WORK / "models" / f"{size}-notebook"
    if not fp.exists():
        common.Run([common.SOTTO, "convert", common.random_whisper(size), "--layout", "notebook", "-o", fp])
    rows = []
    for form, pair in (("FP", fp), ("INT8", common.quantized(f"{size}-notebook", fp, samples=4))):
        row = {"size": size, "form": form}
        for name, model in (("pair", pair), ("lifted", lifted(pair))):
            run = common.Run([STEP_TIMES, model, threads, rounds, "", "openvino"])
            row[f"{name}_ms_per_token"] = round(json.loads(run.stdout.splitlines()[-1])["decoder_ms_per_token"], 2)
        row["speed_up"] = round(row["pair_ms_per_token"] / row["lifted_ms_per_token"], 2)
        print(f"{size:9} {form:5} decoder step: the notebook's pair {row['pair_ms_per_token']:.2f} ms, lifted "
              f"{row['lifted_ms_per_token']:.2f} ms: {row['speed_up']:.1f} times as fast ({threads} threads)", flush=True)
        rows.append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="base,small,large-v3", help="a comma list")
    parser.add_argument("--sources", default=",".join(SOURCES), help=f"some of {', '.join(SOURCES)}")
    parser.add_argument("--optimum", action="store_true", help="run optimum-intel beside ($SOTTO_OPTIMUM_PYTHON, else 2 GB)")
    parser.add_argument("--rounds", type=int, default=2, help="conversions of each; the fastest counts")
    parser.add_argument("--lift", default="base", help="sizes of which the notebook's pair is lifted and timed; may be empty")
    parser.add_argument("--threads", type=int, default=1, help="of the decoder that is timed")
    arguments = parser.parse_args()
    common.print_machine()
    python = optimum_python(arguments.optimum)
    rows = conversions([s for s in arguments.sizes.split(",") if s], arguments.sources.split(","), python, arguments.rounds)
    lifts = [row for size in arguments.lift.split(",") if size for row in lift_speed_up(size, arguments.threads)]
    common.finish({"conversions": rows, "lifts": lifts})


if __name__ == "__main__":
    sys.exit(main())
