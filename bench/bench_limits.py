#!/usr/bin/env python3
"""What this machine can do at most, the times that follow for each size of Whisper, and who stands where."""

import argparse
import json
import os
import pathlib
import sys

import common
import peers

N_FRAMES = 1500
FIGURES = ("encoder_ms", "decoder_ms_per_token", "first_step_ms")


def machine_limits(threads):
    """Products a second per instruction set and bytes read a second: {"gops": {...}, "read_gb_per_s": {...}}."""
    limits = json.loads(common.Run([common.BUILD / "bench" / "sotto_machine_limits", threads]).stdout)
    return limits if "gops" in limits else sys.exit("bench: this processor's instruction sets are not known here")


def peak(limits, *types):
    """The fastest instruction set for any of these element types, operations a second."""
    return 1e9 * max(rate for name, rate in limits["gops"].items() if name.split("_")[0] in types)


def encoder_work(config):
    """Operations of one window."""
    d, n_layer = config["d_model"], config["encoder_layers"]
    convolutions = 2 * 3 * (2 * N_FRAMES * config["num_mel_bins"] * d + N_FRAMES * d * d)
    linear = n_layer * 2 * N_FRAMES * (4 * d * d + 2 * d * config["encoder_ffn_dim"])
    attention = n_layer * 2 * 2 * N_FRAMES * N_FRAMES * d
    return convolutions + linear + attention


def step_bytes(config):
    """Bytes that a step must read: weights in INT8, once, and the window's K and V in 16 bits."""
    d, n_layer = config["d_model"], config["decoder_layers"]
    weights = n_layer * (6 * d * d + 2 * d * config["decoder_ffn_dim"]) + config["vocab_size"] * d
    return weights + n_layer * 2 * N_FRAMES * d * 2


def ideal(config, limits):
    """The least time for a window and a token: all products in INT8, those of attention too, memory read once.
    Everything else is taken to cost nothing."""
    int8 = peak(limits, "int8", "f32")
    step_ms = 1e3 * step_bytes(config) / (1e9 * limits["read_gb_per_s"]["512"])
    projections = config["decoder_layers"] * 2 * 2 * N_FRAMES * config["d_model"] ** 2
    return {
        "encoder_ms": 1e3 * encoder_work(config) / int8,
        "decoder_ms_per_token": step_ms,
        "first_step_ms": step_ms + 1e3 * projections / int8,
    }


def sotto_times(model, threads, rounds, engine="auto"):
    run = common.Run([common.BUILD / "bench" / "sotto_step_times", model, threads, rounds, "", engine])
    return json.loads(run.stdout)


def openvino_times(model, threads, rounds):
    """The graphs as they are, --engine openvino."""
    return sotto_times(model, threads, rounds, "openvino")


def contenders(wanted):
    every = {"sotto": sotto_times, "sotto_openvino": openvino_times, "openvino_genai": peers.genai_times}
    return {name: every[name] for name in wanted.split(",")}


def measure(model, arguments):
    """Minima over turns that the contenders take one after the other, so that a busy minute hits all of them."""
    best = {}
    for turn in range(arguments.turns):
        for name, times in contenders(arguments.contenders).items():
            figures = times(model, arguments.threads, arguments.rounds)
            if turn == 0 and "encoder_kernels" in figures:
                print_kernels(name, figures)
            for figure in FIGURES:
                before = best.setdefault(name, {}).get(figure, figures[figure])
                best[name][figure] = min(before, figures[figure])
    return best


def print_kernels(name, figures):
    parts = (f"{part} " + ", ".join(f"{kernel} x {n}" for kernel, n in figures[f"{part}_kernels"].items())
             for part in ("encoder", "decoder"))
    print(f"{name}: {figures['inference_precision']}, " + "; ".join(parts))


def print_limits(limits):
    for name, rate in limits["gops"].items():
        print(f"  {name:18} {rate / 1e3:8.2f} T operations/s")
    for mib, rate in limits["read_gb_per_s"].items():
        print(f"  read {mib:>4} MiB      {rate:8.1f} GB/s")


def report(size, ideal_times, best):
    print(f"\n{size:24} {'encoder ms':>18} {'ms per token':>18} {'first step ms':>18}")
    print(f"  {'limit':22}" + "".join(f"{ideal_times[figure]:19.2f}" for figure in FIGURES))
    for name, times in best.items():
        cells = (f"{times[f]:10.2f} ({times[f] / ideal_times[f]:4.1f} x)" for f in FIGURES)
        print(f"  {name:22}" + "".join(f"{cell:>19}" for cell in cells))


def with_limits(times, ideal_times):
    return {
        "encoder_ms": round(times["encoder_ms"], 2),
        "encoder_limit_ms": round(ideal_times["encoder_ms"], 2),
        "decoder_ms_per_token": round(times["decoder_ms_per_token"], 3),
        "decoder_limit_ms": round(ideal_times["decoder_ms_per_token"], 3),
        "first_step_ms": round(times["first_step_ms"], 2),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="base,small", help="sizes with random weights, a comma list")
    parser.add_argument("--contenders", default="sotto,openvino_genai",
                        help="a comma list of sotto, sotto_openvino (--engine openvino) and openvino_genai")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5, help="windows a turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--model", default="", help="an INT8 model to measure instead of making one; needs one --size")
    arguments = parser.parse_args()
    common.print_machine()
    print(f"{arguments.threads} threads, INT8, the same weights for all")
    limits = machine_limits(arguments.threads)
    print_limits(limits)
    figures = {}
    for size in arguments.size.split(","):
        model = pathlib.Path(arguments.model) if arguments.model else common.quantized(size, common.converted(size))
        ideal_times = ideal(json.loads((model / "config.json").read_text()), limits)
        best = measure(model, arguments)
        report(size, ideal_times, best)
        figures[size] = {name: with_limits(times, ideal_times) for name, times in best.items()}
    common.finish({**figures, "limits": limits})


if __name__ == "__main__":
    sys.exit(main())
