#!/usr/bin/env python3
"""Cost of quantizing: time against one FP transcription of the calibration speech, and peak memory."""

import argparse
import json
import sys

import common


def f32_bytes(directory):
    """Size of both parts' weights in f32: the .bin files of the FP16 model hold two bytes a weight."""
    return 2 * sum((directory / f"openvino_{part}_model.bin").stat().st_size for part in ("encoder", "decoder"))


def transcription_seconds(model, speech, samples):
    """Transcribing the utterances with the FP model in f32, as calibration runs it, without loading."""
    out = common.WORK / "fp.json"
    common.Run(
        [common.SOTTO, "compare", model, "--test", speech, "--take", samples, "--inference-precision", "f32"]
        + ["--json", out]
    )
    return json.loads(out.read_text())["models"][0]["speed"]


def quantize(model, speech, samples, output):
    """One `sotto quantize`; its phases from the report, seconds and peak from outside."""
    report = common.WORK / "quantize.json"
    run = common.Run(
        [common.SOTTO, "quantize", model, "-o", output, "--calibration", speech, "--samples", samples]
        + ["--report", report]
    )
    return run, json.loads(report.read_text())


def measure(size, speech, samples):
    """All figures of one model size."""
    model = common.converted(size) if size != "demo" else common.converted_demo()
    output = common.WORK / "models" / f"{size}-int8"
    fp = transcription_seconds(model, speech, samples)
    run, report = quantize(model, speech, samples, output)
    calibration = report["calibration"]["seconds"]
    own = report["encoder"]["seconds"] + report["decoder"]["seconds"] + report["save_seconds"]
    figures = {
        "size": size,
        "samples": samples,
        "encoder_inferences": report["calibration"]["n_encoder_samples"],
        "decoder_inferences": report["calibration"]["n_decoder_samples"],
        "fp_transcription_s": round(fp["transcription_total_s"], 2),
        "calibrate_s": round(calibration, 2),
        "quantize_and_save_s": round(own, 2),
        "seconds_sotto": round(run.seconds, 2),
        "ratio_to_fp_transcription": round((calibration + own) / fp["transcription_total_s"], 2),
        "peak_mb_sotto": round(run.peak_mb),
        "fp_f32_mb": round(f32_bytes(model) / 1e6),
        "size_ratio_encoder": round(common.bin_bytes(model, "encoder") / common.bin_bytes(output, "encoder"), 3),
        "size_ratio_decoder": round(common.bin_bytes(model, "decoder") / common.bin_bytes(output, "decoder"), 3),
    }
    print(f"\n{size}: {samples} utterances, {figures['encoder_inferences']} encoder and "
          f"{figures['decoder_inferences']} decoder inferences")
    print(f"  one FP transcription, f32   {figures['fp_transcription_s']:8.1f} s")
    print(f"  calibrate                   {figures['calibrate_s']:8.1f} s")
    print(f"  quantize and save           {figures['quantize_and_save_s']:8.1f} s")
    print(f"  together / transcription    {figures['ratio_to_fp_transcription']:8.2f}   (to hold: 1.5)")
    print(f"  peak memory                 {figures['peak_mb_sotto']:8} MB (to hold: {figures['fp_f32_mb'] + 1000})")
    print(f"  size FP16 / INT8            {figures['size_ratio_encoder']:8.2f} encoder, "
          f"{figures['size_ratio_decoder']:.2f} decoder")
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="demo,base", help="demo or a size with random weights; a comma list")
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--speech", default=common.ROOT / "demo" / "data" / "calibration")
    arguments = parser.parse_args()
    common.print_machine()
    sizes = [measure(size, arguments.speech, arguments.samples) for size in arguments.size.split(",")]
    common.finish({"sizes": sizes})


if __name__ == "__main__":
    sys.exit(main())
