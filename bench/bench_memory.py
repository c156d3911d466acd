#!/usr/bin/env python3
"""Peak memory of transcribing against the length of the audio: it must not grow."""

import argparse
import sys
import wave

import common


def repeated_speech(minutes):
    """A .wav of `minutes`, the bundled speech over and over, written piece by piece."""
    path = common.WORK / f"speech-{minutes}min.wav"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(common.ROOT / "demo" / "media" / "demo.wav")) as source:
        rate, speech = source.getframerate(), source.readframes(source.getnframes())
        parameters = source.getparams()
    wanted = minutes * 60 * rate * parameters.sampwidth * parameters.nchannels
    with wave.open(str(path), "wb") as out:
        out.setparams(parameters)
        while wanted > 0:
            out.writeframesraw(speech[:wanted])
            wanted -= len(speech)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", default="2,10,60", help="lengths to try, a comma list")
    arguments = parser.parse_args()
    common.print_machine()
    model = common.converted_demo()
    figures = []
    for minutes in (int(m) for m in arguments.minutes.split(",")):
        run = common.Run(
            [common.SOTTO, "transcribe", repeated_speech(minutes), "--model", model, "--language", "en", "--quiet"]
            + ["--output-dir", common.WORK / "memory", "--output-format", "srt", "--temperature-increment-on-fallback"]
            + ["None"]
        )
        print(f"{minutes:5} min  peak {run.peak_mb:7.1f} MB  {minutes * 60 / run.seconds:7.1f} x real time")
        figures.append({"minutes": minutes, "peak_mb": round(run.peak_mb, 1), "seconds": round(run.seconds, 2)})
    common.finish({"lengths": figures})


if __name__ == "__main__":
    sys.exit(main())
