#!/usr/bin/env python3
"""Golden numbers of chrF (sacrebleu) and of bootstrap intervals (scipy). Usage: make.py, with the packages of
README.md; writes chrf.json and bootstrap.json beside itself."""

import json
import pathlib
import random

import numpy
import sacrebleu
import scipy.stats

HERE = pathlib.Path(__file__).parent
WORDS = "the a cat dog house river eight twenty München école niño 東京 naïve co-op don't 3.5 U.S. ok".split()


def sentence(rng: random.Random, n: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(n))


def damaged(rng: random.Random, text: str) -> str:
    words = [w for w in text.split() if rng.random() > 0.15]
    words = [rng.choice(WORDS) if rng.random() < 0.2 else w for w in words]
    spoiled = " ".join(words)
    return spoiled.upper() if rng.random() < 0.1 else spoiled


def chrf_cases() -> dict:
    rng = random.Random(7)
    pairs = []
    for _ in range(120):
        reference = sentence(rng, rng.randint(1, 12))
        pairs.append((reference, damaged(rng, reference)))
    pairs += [("a", "a"), ("ab", "ba"), ("abc", ""), ("abc", "xyz"), ("a  b\tc", "abc"), ("five words", "five  words ")]
    metric = sacrebleu.CHRF()
    sentences = [{"reference": r, "hypothesis": h, "score": metric.sentence_score(h, [r]).score} for r, h in pairs]
    corpus = metric.corpus_score([h for _, h in pairs], [[r for r, _ in pairs]]).score
    return {"signature": str(metric.get_signature()), "sentences": sentences, "corpus": corpus}


def interval(statistic, data) -> list:
    result = scipy.stats.bootstrap(
        data, statistic, paired=True, vectorized=False, n_resamples=20000, method="percentile",
        rng=numpy.random.default_rng(1))
    return [float(result.confidence_interval.low), float(result.confidence_interval.high)]


def bootstrap_cases() -> list:
    rng = random.Random(3)
    cases = []
    for n, rate_a, rate_b in [(20, 0.1, 0.2), (200, 0.03, 0.035), (200, 0.02, 0.08), (60, 0.5, 0.5)]:
        words = [rng.randint(1, 14) for _ in range(n)]
        first = [sum(rng.random() < rate_a for _ in range(w)) for w in words]
        other = [sum(rng.random() < rate_b for _ in range(w)) for w in words]
        accuracy = interval(lambda e, w: 100 * (1 - e.sum() / w.sum()), (numpy.array(first), numpy.array(words)))
        drop = interval(lambda a, b, w: 100 * (b.sum() - a.sum()) / w.sum(),
                        (numpy.array(first), numpy.array(other), numpy.array(words)))
        cases.append({"words": words, "first_errors": first, "other_errors": other,
                      "first_accuracy_interval": accuracy, "drop_interval": drop})
    return cases


def main() -> None:
    (HERE / "chrf.json").write_text(json.dumps(chrf_cases(), ensure_ascii=False, indent=0) + "\n")
    (HERE / "bootstrap.json").write_text(json.dumps(bootstrap_cases()) + "\n")


if __name__ == "__main__":
    main()
