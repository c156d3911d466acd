"""sotto's peers: their venv, their forms of a model, openvino.genai's times."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import checkpoint_forms
import common

VENV = common.ROOT / ".deps" / "peers"
REQUIREMENTS = common.ROOT / "bench" / "requirements-peers.txt"


def python():
    """The peers' Python with everything installed: $SOTTO_PEERS_PYTHON, or the one of .deps/peers, made once."""
    if os.environ.get("SOTTO_PEERS_PYTHON"):
        return pathlib.Path(os.environ["SOTTO_PEERS_PYTHON"])
    stamp = VENV / ".installed"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        print("installing sotto's peers into .deps/peers (several gigabytes: torch)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin" / "pip", "install", "-q", "-r", REQUIREMENTS], check=True)
        build_whisper_cpp()
        stamp.write_text(REQUIREMENTS.read_text())
    return VENV / "bin" / "python"


def build_whisper_cpp():
    """whisper.cpp for this processor, as its users build it: the wheel has AVX2 only. The wheel stays where it fails."""
    package = next(line for line in REQUIREMENTS.read_text().splitlines() if line.startswith("pywhispercpp"))
    command = [VENV / "bin" / "pip", "install", "-q", "--no-cache-dir", "--no-deps", "--force-reinstall"]
    command += ["--no-binary", "pywhispercpp", package]
    static = "-DBUILD_SHARED_LIBS=OFF -DCMAKE_POSITION_INDEPENDENT_CODE=ON"
    if subprocess.run(command, env={**os.environ, "CMAKE_ARGS": static}).returncode != 0:
        print("whisper.cpp could not be built here; PyPI's build is measured", file=sys.stderr)


def genai_directory(model):
    """`model` by links, with the tokenizer graphs that openvino.genai wants beside it."""
    directory = model.parent / f"{model.name}-genai"
    newest = (model / "openvino_decoder_model.bin").stat().st_mtime
    if directory.exists() and directory.stat().st_mtime > newest:
        return directory
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for file in model.iterdir():
        (directory / file.name).symlink_to(file.resolve())
    convert = python().parent / "convert_tokenizer"
    common.Run([convert, directory, "--with-detokenizer", "-o", directory])
    return directory


def genai_times(model, threads, rounds):
    """encoder_ms, first_step_ms and decoder_ms_per_token of openvino.genai, minima of its own clock."""
    script = common.ROOT / "bench" / "genai_times.py"
    run = common.Run([python(), script, genai_directory(model), threads, rounds])
    return json.loads(run.stdout.splitlines()[-1])


def ctranslate2_directory(checkpoint, name):
    """A checkpoint as faster-whisper reads it, int8, made once."""
    directory = common.WORK / "models" / f"{name}-ct2"
    if not (directory / "model.bin").exists():
        convert = [python().parent / "ct2-transformers-converter", "--model", checkpoint, "--output_dir", directory]
        copied = ["--copy_files", "tokenizer.json", "preprocessor_config.json", "generation_config.json"]
        common.Run([*convert, "--quantization", "int8", "--force", *copied])
    return directory


def ggml_file(checkpoint, name, form):
    """A checkpoint as whisper.cpp reads it, made once."""
    path = common.WORK / "models" / f"{name}-{form}.bin"
    if not path.exists():
        checkpoint_forms.write_ggml(checkpoint, path, form)
    return path


def notebook_directory(checkpoint, name):
    """The OpenVINO notebook's INT8 pair with the checkpoint's other files, made once."""
    pair = common.WORK / "models" / f"{name}-notebook"
    if not pair.exists():
        common.Run([common.SOTTO, "convert", checkpoint, "--layout", "notebook", "-o", pair])
    directory = common.quantized(f"{name}-notebook", pair, samples=4)
    for file in ("model.safetensors", "tokenizer_config.json", "generation_config.json"):
        if (checkpoint / file).exists() and not (directory / file).exists():
            (directory / file).symlink_to((checkpoint / file).resolve())
    return directory
