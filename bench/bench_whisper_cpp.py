#!/usr/bin/env python3
"""What whisper.cpp hears with the encoders of --layout whisper.cpp, FP16 and INT8, beside its own; and how fast."""

import argparse
import difflib
import os
import pathlib
import re
import shutil
import sys
import tarfile

import checkpoint_forms
import common
import peers

SOURCE = common.ROOT / ".deps" / "whisper.cpp"
WORK = common.WORK / "whisper-cpp"


def whisper_cli():
    """whisper.cpp's program with OpenVINO: $SOTTO_WHISPER_CLI, or built once from the sources in pywhispercpp's package."""
    if os.environ.get("SOTTO_WHISPER_CLI"):
        return pathlib.Path(os.environ["SOTTO_WHISPER_CLI"])
    program = SOURCE / "build" / "bin" / "whisper-cli"
    if not program.exists():
        print("building whisper.cpp with OpenVINO in .deps/whisper.cpp", file=sys.stderr)
        SOURCE.mkdir(parents=True, exist_ok=True)
        requirement = next(r for r in peers.REQUIREMENTS.read_text().splitlines() if r.startswith("pywhispercpp"))
        download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "pywhispercpp"]
        common.Run([*download, "-d", SOURCE, requirement])
        with tarfile.open(next(SOURCE.glob("pywhispercpp-*.tar.gz"))) as archive:
            archive.extractall(SOURCE, filter="data")
        sources = next(SOURCE.glob("pywhispercpp-*/whisper.cpp"))
        options = ["-DWHISPER_OPENVINO=1", "-DBUILD_SHARED_LIBS=OFF", "-DGGML_OPENMP=OFF", "-DWHISPER_BUILD_TESTS=OFF"]
        common.Run(["cmake", "-G", "Ninja", "-S", sources, "-B", SOURCE / "build", *options])
        common.Run(["cmake", "--build", SOURCE / "build", "--target", "whisper-cli"])
    return program


def encoder(model, name):
    """The folder with the encoder of a model for whisper.cpp, and the ggml file beside it under its name."""
    folder = WORK / name
    common.Run([common.SOTTO, "convert", model, "--layout", "whisper.cpp", "-o", folder])
    xml = next(folder.glob("*-encoder-openvino.xml"))
    return folder / xml.name.replace("-encoder-openvino.xml", ".bin")


def heard(program, ggml, audio, threads):
    """Words, and the encoder's time for a window."""
    run = common.Run([program, "-m", ggml, "-l", "en", "-t", threads, "-nf", "-mc", 0, "-oved", "CPU", *audio])
    has_encoder = ggml.with_name(ggml.stem + "-encoder-openvino.xml").exists()
    if has_encoder != ("OpenVINO model loaded" in run.stderr):
        sys.exit(f"bench: expected whisper.cpp to run with {'' if has_encoder else 'no '}OpenVINO: {run.stderr[-400:]}")
    milliseconds = re.search(r"encode time = .*\(\s*([\d.]+) ms per run", run.stderr)
    lines = re.findall(r"^\[.* --> .*?\](.*)$", run.stdout, re.MULTILINE)
    return re.findall(r"[\w']+", " ".join(lines).lower()), float(milliseconds[1])


def n_different(words, expected):
    matcher = difflib.SequenceMatcher(None, words, expected, autojunk=False)
    return sum(max(b - a, d - c) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--take", type=int, default=20, help="test utterances beside 24 s of the bundled recording")
    arguments = parser.parse_args()
    common.print_machine()
    program = whisper_cli()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    demo, fp = common.ROOT / "demo" / "model", common.converted_demo()
    own = WORK / "ggml" / "ggml-demo.bin"
    own.parent.mkdir()
    checkpoint_forms.write_ggml(demo, own)
    forms = {"ggml": own, "fp16": encoder(demo, "fp16"), "int8": encoder(common.quantized("demo", fp), "int8")}
    audio = [demo.parent / "media" / "en.flac", *sorted((demo.parent / "data" / "test").glob("*/*/*.flac"))[: arguments.take]]
    figures, expected = {}, []
    for name, ggml in forms.items():
        if ggml != own:
            ggml.symlink_to(own)
        words, milliseconds = heard(program, ggml, audio, arguments.threads)
        expected = expected or words
        n = n_different(words, expected)
        figures[name] = {"words": len(words), "different": n, "encoder_ms": milliseconds}
        print(f"{name:5} {len(words)} words, {n} not as with ggml's encoder; encoder {milliseconds:.0f} ms a window")
    most = {"fp16": len(expected) // 100, "int8": len(expected) // 20}
    if len(expected) < 50 or any(figures[name]["different"] > n for name, n in most.items()):
        sys.exit(f"bench: expected at most {most} other words")
    common.finish({"bench": "whisper_cpp", **figures})


if __name__ == "__main__":
    main()
