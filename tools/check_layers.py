#!/usr/bin/env python3
"""Fails when a file breaks the rules of docs/architecture.md: which room may use which, where OpenVINO may be
named, who may print, and how long a file may be."""

import pathlib
import re
import sys

# Room -> rooms whose private headers it may include. Public headers (sotto/...) are listed apart.
ROOMS = {
    "core": set(),
    "audio": {"core"},
    "text": {"core"},
    "hub": {"core"},
    "model": {"core"},
    "engine": {"core"},
    "quantize": {"core", "model"},
    "transcribe": {"core", "audio", "text", "model", "engine"},
    "evaluate": {"core", "audio", "text", "hub", "model", "transcribe"},
    "recipe": {"core", "audio", "text", "hub", "model", "quantize", "transcribe", "evaluate"},
    "cli": {"core"},
}
# Public header -> the room that implements it. A room may include the public headers of the rooms it may use.
PUBLIC = {"benchmark": "evaluate", "data_set": "evaluate", "error": "core", "fields": "recipe", "layers": "evaluate", "listen": "transcribe", "log": "core", "report": "evaluate", "resume": "evaluate", "subtitles": "transcribe", "version": "core"}
OPENVINO = {"model", "engine", "quantize", "transcribe", "evaluate", "recipe"}
OPENVINO_LEAK = re.compile(r"#\s*include\s+<openvino/")
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([a-z_]+)/([a-z_0-9/]+)', re.M)
PRINT = re.compile(r"std::(cout|cerr|clog)|\bfmt::print|\b(printf|puts|abort|exit|getenv)\s*\(")
MAX_LINES = 600


def used_room(folder: str, name: str) -> str | None:
    """The room an include leads to, or None for a library's header."""
    if folder == "sotto":
        return PUBLIC.get(name, name)
    return folder if folder in ROOMS else None


def check_file(path: pathlib.Path, room: str) -> list[str]:
    text = path.read_text()
    code = re.sub(r"//[^\n]*|\"(\\.|[^\"\\\n])*\"(?=[^\n]*[;,)])", "", text)
    problems = []
    for folder, name in INCLUDE.findall(text):
        other = used_room(folder, name)
        if room == "cli" and folder == "sotto":
            continue
        if other is not None and other != room and other not in ROOMS[room]:
            problems.append(f"{path}: room {room} may not include {folder}/{name}")
        if folder == "openvino" and room not in OPENVINO:
            problems.append(f"{path}: room {room} may not include OpenVINO")
    if room != "cli" and (found := PRINT.search(code)):
        problems.append(f"{path}: {found.group()} is for the cli only")
    n_lines = text.count("\n")
    if n_lines > MAX_LINES and not path.stem.endswith("_table"):
        problems.append(f"{path}: {n_lines} lines; at most {MAX_LINES}, or split it (tables: *_table.cpp)")
    return problems


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    problems = []
    for path in sorted([*(root / "src").rglob("*.h"), *(root / "src").rglob("*.cpp")]):
        room = path.relative_to(root / "src").parts[0]
        if room not in ROOMS:
            problems.append(f"{path}: room {room} is not in the table of {__file__}")
            continue
        problems += check_file(path, room)
    for path in sorted((root / "include").rglob("*.h")):
        if OPENVINO_LEAK.search(path.read_text()):
            problems.append(f"{path}: a public header may not include OpenVINO")
    print("\n".join(problems) or "layers ok")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
