#!/usr/bin/env python3
"""Writes the demo's comparison into README.md, between its markers. Usage: tools/readme_figures.py TABLE.txt
(the demo leaves the table in out/demo/compare.txt)."""

import pathlib
import re
import sys

README = pathlib.Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- figures: begin (tools/readme_figures.py) -->", "<!-- figures: end -->"


def main() -> int:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    table = "\n".join("    " + line if line else "" for line in pathlib.Path(sys.argv[1]).read_text().rstrip().split("\n"))
    table = re.sub(r"\S*/(out/demo/)", r"\1", table)  # wherever the tree lies
    text = README.read_text()
    if BEGIN not in text or END not in text:
        sys.exit(f"{README}: expected the markers {BEGIN} and {END}")
    README.write_text(re.sub(f"({re.escape(BEGIN)}).*({re.escape(END)})", lambda m: f"{m[1]}\n{table}\n{m[2]}", text, flags=re.S))
    return 0


if __name__ == "__main__":
    sys.exit(main())
