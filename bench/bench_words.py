#!/usr/bin/env python3
"""How far INT8 moves the times of words: the bundled model, FP and INT8, on its media and test utterances."""

import argparse
import difflib
import json
import statistics
import sys

import common


def words_of(model, files, name):
    """File → its words with times."""
    out = common.WORK / "words" / name
    common.Run(
        [common.SOTTO, "transcribe", *files, "--model", model, "--quiet", "--output-dir", out, "--output-format", "json"]
        + ["--beam-size", "0", "--word-timestamps", "True", "--no-condition-on-previous-text"]
    )
    heard = {}
    for file in files:
        segments = json.loads((out / f"{file.stem}.json").read_text())["segments"]
        heard[file.stem] = [word for segment in segments for word in segment["words"]]
    return heard


def moves(first, second):
    """|seconds| by which beginnings and ends of the words that both have lie apart."""
    matcher = difflib.SequenceMatcher(None, [w["word"] for w in first], [w["word"] for w in second], autojunk=False)
    for a, b, n in matcher.get_matching_blocks():
        for i in range(n):
            for key in ("start", "end"):
                yield abs(first[a + i][key] - second[b + i][key])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--take", type=int, default=100, help="test utterances beside the four media files")
    arguments = parser.parse_args()
    common.print_machine()
    fp = common.converted_demo()
    int8 = common.quantized("demo", fp)
    data = sorted(p for p in (common.ROOT / "demo" / "data" / "test").rglob("*.flac"))[: arguments.take]
    files = [common.ROOT / "demo" / "media" / f"{code}.flac" for code in ("en", "de", "es", "fr")] + data
    if len({file.stem for file in files}) != len(files):
        sys.exit("bench: expected files of different names")
    a, b = words_of(fp, files, "fp"), words_of(int8, files, "int8")
    found = sorted(move for name in a for move in moves(a[name], b[name]))
    n_words = sum(len(words) for words in a.values())
    figures = {
        "words": n_words,
        "compared": len(found) // 2,
        "median_s": round(statistics.median(found), 3),
        "mean_s": round(statistics.fmean(found), 4),
        "p95_s": round(found[int(0.95 * len(found))], 3),
        "within_0.05_s": round(sum(move < 0.05 for move in found) / len(found), 4),
    }
    print(f"{figures['compared']} of {n_words} words heard by both; their beginnings and ends move by "
          f"{figures['median_s']:.3f} s at the median, {figures['mean_s']:.3f} s in the mean, {figures['p95_s']:.3f} s at 95 %; "
          f"{100 * figures['within_0.05_s']:.1f} % by less than 0.05 s")
    common.finish(figures)
    return 1 if figures["median_s"] >= 0.05 else 0


if __name__ == "__main__":
    sys.exit(main())
