#!/usr/bin/env python3
"""Peak memory of transcribing with the bundled model, INT8, against the length of the audio: it must not grow."""

import argparse
import sys
import wave

import common


def repeated_speech(minutes):
    """A .wav of `minutes`, the bundled speech over and over, written piece by piece."""
    path = common.WORK / f"speech-{minutes:g}min.wav"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(common.ROOT / "demo" / "media" / "demo.wav")) as source:
        rate, speech = source.getframerate(), source.readframes(source.getnframes())
        parameters = source.getparams()
    wanted = round(minutes * 60 * rate) * parameters.sampwidth * parameters.nchannels
    with wave.open(str(path), "wb") as out:
        out.setparams(parameters)
        while wanted > 0:
            out.writeframesraw(speech[:wanted])
            wanted -= len(speech)
    return path


def transcribe(model, minutes):
    """One run: every output format with word times, as the readable layout has them, greedy and without fallback. The
    bundled model knows short sentences only: shown what was said before, it would say less and less."""
    out = common.WORK / "memory"
    return common.Run(
        [common.SOTTO, "transcribe", repeated_speech(minutes), "--model", model, "--language", "en", "--quiet"]
        + ["--output-dir", out, "--output-format", "all", "--beam-size", "0"]
        + ["--temperature-increment-on-fallback", "None", "--no-condition-on-previous-text"]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", default="10,60", help="lengths to try, a comma list; ten hours are 600")
    parser.add_argument("--limit-mb", type=float, default=500.0, help="growth over half a minute that fails the run")
    arguments = parser.parse_args()
    common.print_machine()
    model = common.quantized("demo", common.converted_demo())
    base = transcribe(model, 0.5)
    print(f"  0.5 min  peak {base.peak_mb:7.1f} MB, the model and one window")
    figures = []
    for minutes in (float(m) for m in arguments.minutes.split(",")):
        run = transcribe(model, minutes)
        growth = run.peak_mb - base.peak_mb
        print(f"{minutes:5g} min  peak {run.peak_mb:7.1f} MB, {growth:+7.1f}  {minutes * 60 / run.seconds:7.1f} x real time")
        figures.append({"minutes": minutes, "peak_mb": round(run.peak_mb, 1), "growth_mb": round(growth, 1), "seconds": round(run.seconds, 2)})
    largest = max(f["growth_mb"] for f in figures)
    common.finish({"model_mb": round(base.peak_mb, 1), "lengths": figures, "largest_growth_mb": largest, "limit_mb": arguments.limit_mb})
    return 1 if largest > arguments.limit_mb else 0


if __name__ == "__main__":
    sys.exit(main())
