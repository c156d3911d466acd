"""Held-out sentences spoken by held-out voices, as audio: single utterances, full 30 s windows, and no speech at all."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

import data
import features
import grammar
import synth


@dataclass
class Utterance:
    """One sentence: all four texts, the language spoken, 16 kHz audio peaking at 0.5, the voice."""

    sentence: grammar.Sentence
    language: int
    audio: np.ndarray
    voice: str

    @property
    def text(self) -> str:
        """What is said."""
        return self.sentence[self.language]


@dataclass
class TestWindow:
    """Audio of at most 30 s with (start, end, utterance) in seconds."""

    audio: np.ndarray
    spoken: list[tuple[float, float, Utterance]]
    noisy: bool


def utterances(language: int, count: int, seed: int, festival_share: float = 0.15) -> list[Utterance]:
    """Different held-out sentences in held-out voices; English also by festival."""
    texts, voices = random.Random(seed * 31 + language), random.Random(seed * 37 + language)
    synthesiser = synth.Synthesiser()
    out: list[Utterance] = []
    seen: set[str] = set()
    while len(out) < count:
        s = grammar.sentence(texts)
        if not grammar.held_out(s) or s[0] in seen:
            continue
        seen.add(s[0])
        if language == 0 and voices.random() < festival_share:
            speech = synth.trim(synth.festival(s[0], voices.choice(synth.HELD_OUT_FESTIVAL)))
        else:
            speech = synthesiser.speak(s[language], grammar.LANGUAGES[language], voices, held_out=True)
        if speech is not None:
            out.append(Utterance(s, language, speech.audio, speech.voice))
    return out


def windows(spoken: list[Utterance], seed: int) -> list[TestWindow]:
    """Full 30 s windows of the utterances in order; every second one with noise or hum at 10 to 30 dB."""
    r = random.Random(seed)
    noises = data.noise_sources(99, 32)
    out: list[TestWindow] = []
    limit = 30 * features.RATE
    audio, placed, at = np.zeros(limit, np.float32), [], int(r.uniform(0, 0.8) * features.RATE)

    def close() -> None:
        noisy = len(out) % 2 == 1
        x = audio.copy()
        if noisy:
            noise = noises[r.randrange(len(noises))][:limit]
            speech = np.sqrt(np.mean(np.square(x[np.abs(x) > 1e-4])))
            x += noise * np.float32(speech * 10 ** (-r.uniform(10, 30) / 20))
        out.append(TestWindow(np.clip(x, -1, 1), list(placed), noisy))

    for u in spoken:
        if at + len(u.audio) > limit:
            close()
            audio[:] = 0
            placed.clear()
            at = int(r.uniform(0, 0.8) * features.RATE)
        audio[at : at + len(u.audio)] += u.audio * r.uniform(0.5, 1)
        placed.append((at / features.RATE, (at + len(u.audio)) / features.RATE, u))
        at += len(u.audio) + int(r.uniform(0.15, 1.0) * features.RATE)
    if placed:
        close()
    return out


def without_speech(count: int, seed: int) -> list[np.ndarray]:
    """Digital silence, noise, hum, drones and clicks at several levels, 5 to 30 s each."""
    r = random.Random(seed)
    noises = data.noise_sources(seed, 32)
    out = [np.zeros(int(r.uniform(1, 30) * features.RATE), np.float32) for _ in range(4)]
    while len(out) < count:
        noise = noises[len(out) % len(noises)]
        n = int(r.uniform(5, 30) * features.RATE)
        out.append(np.clip(noise[:n] * np.float32(10 ** r.uniform(-3.5, -0.8)), -1, 1))
    return out
