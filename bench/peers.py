"""openvino.genai beside sotto: its venv, its form of a model directory, its times."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import common

VENV = common.ROOT / ".deps" / "peers"
REQUIREMENTS = common.ROOT / "bench" / "requirements-peers.txt"


def python():
    """The peers' Python with everything installed: $SOTTO_PEERS_PYTHON, or the one of .deps/peers, made once."""
    if os.environ.get("SOTTO_PEERS_PYTHON"):
        return pathlib.Path(os.environ["SOTTO_PEERS_PYTHON"])
    stamp = VENV / ".installed"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        print("installing openvino.genai into .deps/peers", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin" / "pip", "install", "-q", "-r", REQUIREMENTS], check=True)
        stamp.write_text(REQUIREMENTS.read_text())
    return VENV / "bin" / "python"


def genai_directory(model):
    """`model` by links, with the tokenizer graphs that openvino.genai wants beside it."""
    directory = model.parent / f"{model.name}-genai"
    newest = (model / "openvino_decoder_model.bin").stat().st_mtime
    if directory.exists() and directory.stat().st_mtime > newest:
        return directory
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for file in model.iterdir():
        (directory / file.name).symlink_to(file)
    convert = python().parent / "convert_tokenizer"
    common.Run([convert, directory, "--with-detokenizer", "-o", directory])
    return directory


def genai_times(model, threads, rounds):
    """encoder_ms, first_step_ms and decoder_ms_per_token of openvino.genai, minima of its own clock."""
    script = common.ROOT / "bench" / "genai_times.py"
    run = common.Run([python(), script, genai_directory(model), threads, rounds])
    return json.loads(run.stdout.splitlines()[-1])
