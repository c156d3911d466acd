#!/usr/bin/env python3
"""Which kernels OpenVINO runs for FP16 and INT8 models, and what encoder and decoder steps take."""

import argparse
import json
import sys

import common


def print_part(name, part, kernels, speed):
    executed = kernels[part]
    types = ", ".join(f"{n} {kind}" for kind, n in sorted(executed["types"].items(), key=lambda kv: -kv[1])[:6])
    print(f"  {name:5} {part:8} {speed[f'{part}_median_ms']:8.2f} ms  {executed['int8']:4} of {executed['executed']} "
          f"INT8: {types}")


def measure(size, precision, take):
    model = common.converted(size) if size != "demo" else common.converted_demo()
    int8 = common.quantized(size, model)
    out = common.WORK / "kernels.json"
    command = [common.SOTTO, "compare", model, int8, "--test", common.ROOT / "demo" / "data" / "test", "--take", take]
    command += ["--json", out]
    if precision:
        command += ["--inference-precision", precision]
    common.Run(command)
    models = json.loads(out.read_text())["models"]
    print(f"\n{size}, inference precision {models[0]['inference_precision']}")
    for name, entry in zip(("FP16", "INT8"), models):
        for part in ("encoder", "decoder"):
            print_part(name, part, entry["kernels"], entry["speed"])
    speeds = [m["speed"] for m in models]
    return {
        "size": size,
        "inference_precision": models[0]["inference_precision"],
        "encoder_ms": [round(s["encoder_median_ms"], 2) for s in speeds],
        "decoder_ms_per_step": [round(s["decoder_median_ms"], 2) for s in speeds],
        "int8_kernels": [m["kernels"]["encoder"]["int8"] for m in models],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="demo,base,small", help="demo or a size with random weights; a comma list")
    parser.add_argument("--inference-precision", default="")
    parser.add_argument("--take", type=int, default=5)
    arguments = parser.parse_args()
    common.print_machine()
    figures = [measure(size, arguments.inference_precision, arguments.take) for size in arguments.size.split(",")]
    common.finish({"sizes": figures})


if __name__ == "__main__":
    sys.exit(main())
