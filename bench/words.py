"""Word errors of models beside each other, and what the difference of two of them is worth."""

import concurrent.futures
import json
import subprocess
import sys

import numpy as np

import common

RESAMPLES = 10000


def _utterances(models, speech, first, count, path):
    """Per model the utterances that it heard, on one thread."""
    done = subprocess.run(
        [common.SOTTO, "compare", *models, "--test", speech, "--skip", str(first), "--take", str(count), "--language", "en",
         "--threads", "1", "--json", path], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: sotto compare failed: {done.stderr.strip()[-400:]}")
    return [model["utterances"] for model in json.loads(path.read_text())["models"]]


def transcripts(models, speech, n, jobs):
    """The results of `sotto compare` for the first n utterances: per model one dict an utterance.

    So many at the same time, each process with one thread.
    """
    share = -(-n // jobs)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        parts = list(pool.map(
            lambda i: _utterances(models, speech, i * share, min(share, n - i * share), common.WORK / f"compare-{i}.json"),
            range(-(-n // share))))
    return [sum((part[m] for part in parts), []) for m in range(len(models))]


def errors(utterances):
    return np.array([u["substitutions"] + u["deletions"] + u["insertions"] for u in utterances])


def word_errors(names, results):
    """{name: word error rate, percent}."""
    return {name: 100 * float(errors(u).sum()) / sum(x["words"] for x in u) for name, u in zip(names, results)}


def agreement(names, results):
    """Percent of the utterances whose transcript is that of the first model, to the letter."""
    return {name: 100 * float(np.mean([a["hypothesis"] == b["hypothesis"] for a, b in zip(results[0], u)]))
            for name, u in zip(names[1:], results[1:])}


def difference(a, b):
    """Word errors of a less those of b, points, with a 95 % interval of a paired bootstrap over utterances."""
    words, more = np.array([u["words"] for u in a]), errors(a) - errors(b)
    drawn = np.random.default_rng(1).integers(len(words), size=(RESAMPLES, len(words)))
    low, high = np.percentile(100 * more[drawn].sum(1) / words[drawn].sum(1), [2.5, 97.5])
    return {"points": 100 * float(more.sum()) / int(words.sum()), "interval": [float(low), float(high)]}


def judged(models, speech, n, jobs):
    """{name: directory}, FP first: all of the above."""
    names = list(models)
    results = transcripts(list(models.values()), speech, n, jobs)
    heard = dict(zip(names, results))
    return {
        "n_utterances": n,
        "n_words": sum(u["words"] for u in results[0]),
        "wer": word_errors(names, results),
        "agreement_with_fp": agreement(names, results),
        "default_minus_nncf": difference(heard["default"], heard["nncf"]),
        "default_minus_fp": difference(heard["default"], heard["fp"]),
    }
