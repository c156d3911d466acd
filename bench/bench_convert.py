#!/usr/bin/env python3
"""Seconds and peak memory of converting checkpoints, beside a copy of the file and optimum-intel."""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import time

import checkpoint_forms
import common

OPTIMUM = common.ROOT / ".deps" / "optimum"
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
    """An environment of its own with optimum-intel, made on request: it needs torch."""
    python = OPTIMUM / "bin" / "python"
    if not python.exists() and wanted:
        subprocess.run([sys.executable, "-m", "venv", OPTIMUM], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "optimum-intel[openvino]==2.2.0"], check=True)
    return python if python.exists() else None


def sources(size, kinds):
    """The same random weights in every form asked for: name, path."""
    directory = common.random_whisper(size)
    made = {"safetensors": (directory, directory / "model.safetensors")}
    for kind in kinds:
        if kind != "safetensors":
            suffix = ".bin" if kind == "ggml" else "-torch"
            made[kind] = checkpoint_forms.make(kind, directory, common.WORK / "models" / f"{size}{suffix}")
    return {kind: made[kind] for kind in kinds}


def measure(size, kind, checkpoint, weights, python):
    out = common.WORK / "convert"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    copied = copy_seconds(weights, out / "copy")
    run = common.Run([common.SOTTO, "convert", checkpoint, "-o", out / "ir"])
    written = sum(path.stat().st_size for path in (out / "ir").glob("openvino_*coder_model.bin")) / 1e6
    figures = {"size": size, "source": kind, "weights_mb": round(weights.stat().st_size / 1e6, 1),
               "ir_mb": round(written, 1), "copy_s": round(copied, 2), "seconds": round(run.seconds, 2),
               "peak_mb": round(run.peak_mb, 1)}
    if python and kind == "safetensors":
        theirs = common.Run([python, "-c", EXPORT, checkpoint, out / "optimum"])
        figures |= {"optimum_s": round(theirs.seconds, 1), "optimum_peak_mb": round(theirs.peak_mb, 1)}
    shutil.rmtree(out)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="base,small,large-v3", help="a comma list")
    parser.add_argument("--sources", default="safetensors,torch,ggml", help="some of safetensors, torch, ggml")
    parser.add_argument("--optimum", action="store_true", help="install optimum-intel and run it beside (2 GB)")
    arguments = parser.parse_args()
    common.print_machine()
    python = optimum_python(arguments.optimum)
    figures = []
    for size in arguments.sizes.split(","):
        for kind, (checkpoint, weights) in sources(size, arguments.sources.split(",")).items():
            row = measure(size, kind, pathlib.Path(checkpoint), weights, python)
            limit_s, limit_mb = 1.5 * row["copy_s"] + 10, row["ir_mb"] + 1000
            beside = f"  optimum {row['optimum_s']} s, {row['optimum_peak_mb']} MB" if "optimum_s" in row else ""
            print(f"{size:9} {kind:12} {row['weights_mb']:7.1f} MB -> {row['ir_mb']:7.1f} MB  {row['seconds']:6.2f} s "
                  f"(goal {limit_s:5.1f}; copy {row['copy_s']:.2f})  peak {row['peak_mb']:7.1f} MB (goal {limit_mb:.0f})"
                  + beside)
            figures.append(row)
    common.finish({"conversions": figures})


if __name__ == "__main__":
    sys.exit(main())
