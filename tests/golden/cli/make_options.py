#!/usr/bin/env python3
"""Writes options.json: openai-whisper's command-line options with their defaults.

Needs openai-whisper 20250625. Run: python make_options.py   (seconds; written 2026-11-23)
"""
import argparse
import json
import pathlib

import whisper
from whisper.transcribe import cli


class Found(Exception):
    pass


def dump(parser, *_):
    raise Found(parser)


if __name__ == "__main__":
    argparse.ArgumentParser.parse_args = dump
    try:
        cli()
    except Found as found:
        actions = found.args[0]._actions
    options = [
        {"names": a.option_strings or [a.dest], "default": "cpu" if a.dest == "device" else str(a.default)}
        for a in actions
        if a.dest != "help"
    ]
    path = pathlib.Path(__file__).with_name("options.json")
    path.write_text(json.dumps({"whisper": whisper.__version__, "options": options}, ensure_ascii=False, indent=1) + "\n")
    print(path.name, len(options), "options")
