"""Write demo.expected.json: what the float model must hear in each language's part of the demo, by openai-whisper.

Needs the environment of ../../tests/golden/transcribe. Run after every change of the model or the media.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "golden" / "transcribe"))

import openai_reference


def main() -> None:
    """Greedy, language detected, float32; times are seconds of the language's own file."""
    torch.set_num_threads(1)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "model"
    model = openai_reference.load(folder)
    out = []
    for name in ("en", "de", "es", "fr"):
        heard = openai_reference.run(model, HERE / f"{name}.flac", {})
        rows = [{"start": round(s["start"], 2), "end": round(s["end"], 2), "text": s["text"].strip()} for s in heard["segments"]]
        out.append({"file": f"{name}.flac", "language": heard["language"], "segments": rows})
    (HERE / "demo.expected.json").write_text(json.dumps(out, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
