"""What the benchmarks share: running a command with its time and peak memory, and saying what machine this is."""

import json
import os
import pathlib
import platform
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("SOTTO_BUILD", ROOT / "build" / "release"))
SOTTO = BUILD / "src" / "cli" / "sotto"
RANDOM_WHISPER = BUILD / "bench" / "sotto_random_whisper"
LOG_MEL = BUILD / "bench" / "sotto_log_mel"
WORK = ROOT / "out" / "bench"


def cpu_name():
    """The processor as the kernel names it."""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def cpu_flags():
    """Those flags that decide INT8 and bf16 speed."""
    wanted = ["avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16"]
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            flags = set(line.split())
            return [flag for flag in wanted if flag in flags]
    return []


def machine():
    """One dict for the closing JSON line."""
    return {"cpu": cpu_name(), "cores": len(os.sched_getaffinity(0)), "features": cpu_flags(), "load": os.getloadavg()[0]}


def print_machine():
    """Prints the machine before any figure."""
    m = machine()
    print(f"machine: {m['cpu']}, {m['cores']} cores, {' '.join(m['features'])}; load {m['load']:.1f}")


def _peak_mb(pid, stop, out):
    """Highest resident size of a process and its children together, sampled every 20 ms."""
    peak = 0
    while not stop.is_set():
        total = 0
        for p in _family(pid):
            try:
                for line in pathlib.Path(f"/proc/{p}/status").read_text().splitlines():
                    if line.startswith("VmRSS"):
                        total += int(line.split()[1])
            except OSError:
                pass
        peak = max(peak, total)
        stop.wait(0.02)
    out.append(peak / 1024)


def _family(pid):
    pids = [pid]
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return pids
    for child in children:
        pids += _family(int(child))
    return pids


class Run:
    """A finished command: seconds, peak_mb (sampled resident size), stdout."""

    def __init__(self, command, env=None):
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
        )
        stop, peak = threading.Event(), []
        sampler = threading.Thread(target=_peak_mb, args=(process.pid, stop, peak))
        sampler.start()
        self.stdout, self.stderr = process.communicate()
        self.seconds = time.perf_counter() - started
        stop.set()
        sampler.join()
        self.peak_mb = max(peak[0], 0)
        if process.returncode != 0:
            sys.exit(f"bench: {' '.join(str(c) for c in command)} failed: {self.stderr.strip()[-400:]}")


def random_whisper(size):
    """A checkpoint with random weights of a true size (tiny, base, small, ...), made once."""
    directory = WORK / "models" / f"{size}-hf"
    if not (directory / "config.json").exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        Run([RANDOM_WHISPER, size, directory])
    return directory


def converted(size):
    """The OpenVINO IR of random_whisper(size), made once."""
    directory = WORK / "models" / f"{size}-fp16"
    if not directory.exists():
        Run([SOTTO, "convert", random_whisper(size), "-o", directory])
    return directory


def is_older_than_demo(directory):
    """Whether what was made of the bundled model is missing or of an earlier one."""
    weights = ROOT / "demo" / "model" / "model.safetensors"
    return not directory.exists() or directory.stat().st_mtime < weights.stat().st_mtime


def converted_demo():
    """The OpenVINO IR of the bundled model, made anew where the model is newer."""
    directory = WORK / "models" / "demo-fp16"
    if is_older_than_demo(directory):
        directory.parent.mkdir(parents=True, exist_ok=True)
        Run([SOTTO, "convert", ROOT / "demo" / "model", "-o", directory])
    return directory


def quantized(size, model, samples=10, name="int8", options=()):
    """An INT8 model of `model`, made once and anew where the FP one is newer. Random weights say as many tokens as they
    may, at every temperature: calibration hears the first ones only."""
    directory = WORK / "models" / f"{size}-{name}"
    if not directory.exists() or directory.stat().st_mtime < model.stat().st_mtime:
        config = WORK / "quantize.json"
        config.write_text(json.dumps({"transcribe": {"language": "en", "temperatures": [0], "sample_len": 24}}))
        speech = ROOT / "demo" / "data" / "calibration"
        Run([SOTTO, "quantize", model, "-o", directory, "--calibration", speech, "--samples", samples, "--config", config]
            + list(options))
    return directory


def bin_bytes(directory, part):
    """Bytes of a part's weights."""
    return (directory / f"openvino_{part}_model.bin").stat().st_size


def finish(figures):
    """The closing line: one line of JSON with the figures and the machine."""
    print(json.dumps({**figures, "machine": machine()}))
