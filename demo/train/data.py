"""Training windows composed from the speech cache in the mel-power domain, with decoder targets and alignments."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy.signal

import features

if TYPE_CHECKING:  # making test speech needs no tokenizer
    from tokenizer import Vocabulary

IGNORE = -100


class Cache:
    """Memory-mapped clips of synth.py."""

    def __init__(self, folder: Path) -> None:
        self.parts = []
        self.clips: list[list[tuple[int, int]]] = [[], [], [], []]
        for k, path in enumerate(sorted(folder.glob("*.rows.npy"))):
            stem = str(path)[: -len(".rows.npy")]
            rows = np.load(path)
            names = ("mel", "phone", "token", "span", "english")
            self.parts.append((rows, {n: np.load(f"{stem}.{n}.npy", mmap_mode="r") for n in names}))
            for i, language in enumerate(rows[:, 0]):
                self.clips[language].append((k, i))

    def frames(self, key: tuple[int, int]) -> int:
        """Length of a clip in 10 ms frames."""
        return int(self.parts[key[0]][0][key[1]][2])

    def clip(self, key: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """log10 mel power (frames, 80), phonemes (frames,), tokens, spans (tokens, 2), English tokens."""
        rows, a = self.parts[key[0]]
        _, at, n, token, tokens, english, englishes = (int(x) for x in rows[key[1]])
        return (
            a["mel"][at : at + n].astype(np.float32),
            np.asarray(a["phone"][at : at + n]).astype(np.int64),
            np.asarray(a["token"][token : token + tokens]).astype(np.int64),
            np.asarray(a["span"][token : token + tokens]).astype(np.float32),
            np.asarray(a["english"][english : english + englishes]).astype(np.int64),
        )

    def tokens(self, key: tuple[int, int], english: bool) -> list[int]:
        """Only the token ids of a clip."""
        rows, a = self.parts[key[0]]
        _, _, _, token, tokens, start, count = (int(x) for x in rows[key[1]])
        return (a["english"][start : start + count] if english else a["token"][token : token + tokens]).tolist()


def noise_sources(seed: int, seconds: int = 35) -> list[np.ndarray]:
    """Waveforms of noise, mains hum, drones, wandering tones and clicks, (samples,) each at 16 kHz, unit variance."""
    r = np.random.default_rng(seed)
    n = seconds * features.RATE
    t = np.arange(n) / features.RATE

    def coloured(exponent: float) -> np.ndarray:
        spectrum = np.fft.rfft(r.standard_normal(n))
        x = np.fft.irfft(spectrum * np.maximum(np.arange(len(spectrum)), 50.0) ** -exponent)
        return x / np.std(x)

    out = [coloured(e) for e in (0.0, 0.25, 0.5, 0.5, 1.0, 1.0)]
    for f0 in (50, 60, 100, 120, 200):
        hum = sum(np.sin(2 * np.pi * f0 * k * t + k) / k for k in range(1, 12))
        out.append(hum + r.uniform(0, 0.3) * coloured(0.5))
    for _ in range(3):
        chord = [r.uniform(80, 600) * 2 ** (i / 12) for i in (0, 4, 7)]
        drone = sum(np.sin(2 * np.pi * f * k * t + r.uniform(0, 6)) / k for f in chord for k in (1, 2, 3))
        slow = np.interp(t, np.arange(0, seconds + 1, 1.0), r.uniform(0.1, 1, seconds + 1))
        out.append(drone * slow + 0.05 * coloured(0.5))
    for _ in range(4):
        steps = np.arange(0, n + 8000, 8000)
        out.append(coloured(r.uniform(0, 1)) * np.interp(np.arange(n), steps, r.uniform(0.05, 1, len(steps))))
    for _ in range(2):
        x = 0.02 * coloured(0.5)
        for _ in range(60):
            k = r.integers(0, n - 400)
            x[k : k + 200] += r.standard_normal(200) * np.exp(-np.arange(200) / 40) * r.uniform(1, 6)
        out.append(x)
    return [(x / np.std(x)).astype(np.float32) for x in out]


@dataclass
class Segment:
    """One spoken sentence in a window, in 10 ms frames of the window."""

    start: int
    end: int
    tokens: list[int]
    spans: np.ndarray
    english: list[int]


@dataclass
class Target:
    """One decoder sequence; spans are encoder frames [a, b) of the token at the same place, -1 where unknown.

    kind is the language transcribed, or 4 for a translation.
    """

    ids: list[int]
    learn: list[bool]
    spans: list[tuple[int, int]]
    kind: int = 0


@dataclass
class Window:
    """A composed window: mel (80, frames), per-20-ms labels, position offset, and its targets."""

    mel: np.ndarray
    phone: np.ndarray
    word: np.ndarray
    offset: int
    targets: list[Target] = field(default_factory=list)


@dataclass
class Batch:
    """Arrays of one micro-batch; targets are grouped by window: row b * R + r is target r of window b."""

    mel: np.ndarray
    phone: np.ndarray
    word: np.ndarray
    offset: np.ndarray
    ids: np.ndarray
    labels: np.ndarray
    into: np.ndarray
    onto: np.ndarray
    kind: np.ndarray


class Composer:
    """Draws windows; one a process, seeded."""

    def __init__(self, cache: Cache, vocabulary: Vocabulary, seed: int) -> None:
        self.cache = cache
        self.v = vocabulary
        self.r = random.Random(seed)
        self.n = np.random.default_rng(seed)
        self.noise = [features.power_mel(x * 0.05) for seed in (0, 1) for x in noise_sources(seed)]
        self.language_weights = [1.0, 1.0, 1.0, 1.0]
        self.timestamps = 0.82
        self.prompts = 0.12
        self.silence = 0.04
        self.corrupt = 0.12
        self.single = (0.0, 0.15)

    def _draw(self, language: int):
        """A clip of the language, stretched and warped."""
        r = self.r
        mel, phone, tokens, spans, english = self.cache.clip(r.choice(self.cache.clips[language]))
        if r.random() < 0.5:
            rate = r.uniform(0.88, 1.13)
            n = max(8, int(len(mel) * rate))
            x = np.linspace(0, len(mel) - 1.001, n)
            a = x.astype(int)
            w = (x - a)[:, None].astype(np.float32)
            mel = mel[a] * (1 - w) + mel[a + 1] * w
            phone = phone[a]
            spans = spans * rate
        if r.random() < 0.5:
            x = np.clip(np.arange(80) * r.uniform(0.9, 1.1), 0, 78.99)
            a = x.astype(int)
            w = (x - a).astype(np.float32)
            mel = mel[:, a] * (1 - w) + mel[:, a + 1] * w
        if r.random() < 0.25:
            # Speech recorded at 8 or 11 kHz has nothing above half of that.
            mel[:, r.randint(57, 70) :] -= r.uniform(3, 8)
        return 10.0**mel, phone, tokens.tolist(), spans, english.tolist()

    def window(self, seconds: float, targets: int, decoder: bool = True) -> Window:
        """Compose a window of the given length with a number of decoder targets."""
        r, v = self.r, self.v
        frames = int(seconds * 100)
        full = seconds > 6
        power = np.full((frames, 80), 1e-10, np.float32)
        offset = r.randint(0, 1500 - frames // 2) if seconds < 29 and r.random() < (0.7 if full else 0.85) else 0
        language = r.choices(range(4), self.language_weights)[0]
        silent = r.random() < self.silence
        single = r.random() < self.single[seconds > 20]
        content = frames if r.random() < 0.6 else int(frames * r.uniform(0.35, 1))
        at = int(100 * (r.uniform(0, 0.9) if r.random() < 0.8 else r.uniform(0, min(4, seconds * 0.3)))) if full else r.randint(0, 60)
        level = 10 ** r.uniform(-3.2, 0.6)
        segments: list[Segment] = []
        cut = None
        phone_frames = np.zeros(frames, np.int64)
        word_frames = np.full(frames, v.nospeech, np.int64)
        while not silent and not (single and segments):
            mel, phone, tokens, spans, english = self._draw(language)
            n = len(mel)
            if at + n > content - 4:
                if not segments and n < frames - 6:
                    at = r.randint(0, frames - 5 - n)
                elif not segments:
                    continue
                else:
                    room = frames - at
                    if full and content == frames and room > 40 and n > room + 10 and r.random() < 0.5:
                        power[at:] += mel[:room] * level
                        phone_frames[at:] = phone[:room]
                        for token, (a, b) in zip(tokens, spans, strict=True):
                            if token_is_word(a, b, n):
                                word_frames[at + int(a) : at + int(b)] = token
                        cut = at
                    break
            power[at : at + n] += mel * (level * 10 ** r.uniform(-0.3, 0.3))
            phone_frames[at : at + n] = phone
            for token, (a, b) in zip(tokens, spans, strict=True):
                if token_is_word(a, b, n):
                    word_frames[at + int(a) : at + int(b)] = token
            segments.append(Segment(at, at + n, tokens, spans + at, english))
            at += n + int(100 * (r.uniform(0.08, 0.9) if r.random() < 0.85 else r.uniform(0.9, 3)))
        end = segments[-1].end if segments else r.randint(0, frames)
        x = self._distort(power, silent, end, cut is None)
        phone_labels = phone_frames[1::2].copy()
        phone_labels[phone_labels < 0] = IGNORE
        out = Window(np.ascontiguousarray(x.T), phone_labels, word_frames[1::2].copy(), offset)
        if decoder:
            tasks = self._tasks(language, targets)
            out.targets = [self._target(segments, language, task, cut, offset, silent, i) for i, task in enumerate(tasks)]
        return out

    def _distort(self, power: np.ndarray, silent: bool, end: int, closed: bool) -> np.ndarray:
        """Room, channel, noise, then Whisper's normalisation, padding and masking; (frames, 80)."""
        r = self.r
        frames = len(power)
        if r.random() < 0.15:
            decay, amount = r.uniform(0.6, 0.93), 3 * 10 ** r.uniform(-2, -0.6)
            power = power + amount * scipy.signal.lfilter([0, 1 - decay], [1, -decay], power, axis=0).astype(np.float32)
        if r.random() < 0.4:
            tilt = np.interp(np.arange(80), np.linspace(0, 79, 6), self.n.uniform(-0.6, 0.6, 6))
            power = power * (10**tilt).astype(np.float32)
        if r.random() < 0.06:
            band = np.full(80, 1e-4, np.float32)
            band[r.randint(2, 6) : r.randint(55, 79)] = 1
            power = power * band
        tail = frames
        if closed and r.random() < 0.5:
            tail = min(frames, end + r.randint(2, 150))
        p = r.random()
        if p < (0.8 if silent else 0.4):
            noise = self.noise[r.randrange(len(self.noise))]
            at = r.randint(0, len(noise) - frames - 1)
            piece = noise[at : at + frames]
            if r.random() < 0.3:
                piece = piece + self.noise[r.randrange(len(self.noise))][:frames] * 10 ** r.uniform(-2, 0.5)
            if r.random() < 0.5:
                piece = piece * (10 ** np.interp(np.arange(80), np.linspace(0, 79, 6), self.n.uniform(-0.8, 0.8, 6))).astype(np.float32)
            loud = np.sort(power.max(1)[power.max(1) > 1e-8])
            reference = loud[int(len(loud) * 0.6)] if len(loud) > 10 else 10 ** r.uniform(-4, 1)
            snr = r.uniform(8, 40)
            power[:tail] += piece[:tail] * (reference / (piece.max(1).mean() * 10 ** (snr / 10)))
        elif p < (0.9 if silent else 0.75):
            power[:tail] += 10 ** r.uniform(-9, -5)
        x = np.log10(np.maximum(power, 1e-10))
        top = x.max() + (r.uniform(0, 0.8) if r.random() < 0.35 else 0.0)
        x = (np.maximum(x, top - 8.0) + 4.0) / 4.0
        if tail < frames and r.random() < 0.5:
            x[tail:] = 0.0
        if r.random() < 0.2:
            mean = x.mean()
            for _ in range(max(1, frames // 600)):
                a = r.randint(0, frames - 10)
                x[a : a + r.randint(2, 8)] = mean
            a = r.randint(0, 70)
            x[:, a : a + r.randint(2, 7)] = mean
        return x.astype(np.float32)

    def _tasks(self, language: int, targets: int) -> list[int]:
        v, r = self.v, self.r
        if language == 0:
            return [v.translate if r.random() < 0.04 else v.transcribe for _ in range(targets)]
        if targets == 1:
            return [v.transcribe if r.random() < 0.6 else v.translate]
        return [v.transcribe, v.translate, *(r.choice([v.transcribe, v.translate]) for _ in range(targets - 2))]

    def _prompt(self, language: int) -> list[int]:
        """Some previous text, sometimes with timestamps, of at most 223 tokens."""
        r, v = self.r, self.v
        out: list[int] = []
        stamped = r.random() < 0.4
        time = r.randint(0, 40)
        for _ in range(r.choice((1, 2, 3, 5, 8, 12))):
            text = self.cache.tokens(r.choice(self.cache.clips[language]), False)
            after = min(1500, time + r.randint(60, 200))
            out += [v.time0 + time, *text, v.time0 + after] if stamped else text
            time = min(1500, after + r.randint(5, 60))
        return [v.prev, *out[-r.choice((40, 120, 223)) :]]

    def _target(self, segments: list[Segment], language: int, task: int, cut: int | None, offset: int, silent: bool, index: int) -> Target:
        v, r = self.v, self.r
        stamped = r.random() < self.timestamps
        translate = task == v.translate and language != 0
        ids: list[int] = []
        learn: list[bool] = []
        spans: list[tuple[int, int]] = []

        def put(token: int, trained: bool, a: float = -1, b: float = -1) -> None:
            ids.append(token)
            learn.append(trained)
            spans.append((int(a), int(b)))

        if r.random() < self.prompts:
            for token in self._prompt(0 if translate else language):
                put(token, False)
        put(v.sot, False)
        if silent and index % 2 == 0:
            put(v.nospeech, True)
            put(v.eot, True)
            return Target(ids, learn, spans)
        put(v.language[language], not silent)
        put(task, False)
        if not stamped:
            put(v.notimestamps, False)

        def stamp(frame: int, begins: bool) -> None:
            place = frame / 2
            put(v.time0 + min(1500, offset + int(round(place))), True, place - (4 if begins else 8), place + (9 if begins else 5))

        if silent and stamped:
            put(v.time0 + offset, True)
        for s in segments:
            if stamped:
                stamp(s.start, True)
            if translate:
                for token in s.english:
                    put(token, True, s.start / 2 - 2, s.end / 2 + 2)
            else:
                for token, (a, b) in zip(s.tokens, s.spans, strict=True):
                    put(token, True, a / 2 - 2, b / 2 + 2)
            if stamped:
                stamp(s.end, False)
        if cut is not None and stamped and segments:
            stamp(cut, True)
        put(v.eot, True)
        return Target(ids, learn, spans, 4 if translate else language)

    def _corrupted(self, ids: list[int], start: int) -> list[int]:
        """Decoder input with some text tokens replaced and some timestamps moved."""
        r, v = self.r, self.v
        out = list(ids)
        pool: list[int] = []
        for i in range(start, len(out)):
            if out[i] < v.eot:
                if r.random() < self.corrupt:
                    if not pool:
                        pool = self.cache.tokens(r.choice(self.cache.clips[r.choices(range(4), self.language_weights)[0]]), False)
                    out[i] = r.choice(pool)
            elif out[i] >= v.time0 and r.random() < 0.1:
                out[i] = min(v.time0 + 1500, max(v.time0, out[i] + r.randint(-8, 8)))
        return out

    def batch(self, size: int, seconds: float, targets: int, decoder: bool = True) -> Batch:
        """Compose a micro-batch of size windows."""
        v = self.v
        windows = [self.window(seconds, targets, decoder) for _ in range(size)]
        rows = [t for w in windows for t in w.targets]
        length = max((len(t.ids) for t in rows), default=2) - 1
        ids = np.full((len(rows), length), v.eot, np.int64)
        labels = np.full((len(rows), length), IGNORE, np.int64)
        into = np.full((len(rows), length, 2), -1, np.int64)
        onto = np.full((len(rows), length, 2), -1, np.int64)
        top = int(seconds * 50)
        for k, t in enumerate(rows):
            n = len(t.ids) - 1
            start = t.ids.index(v.sot) + 1
            ids[k, :n] = self._corrupted(t.ids[:-1], start)
            labels[k, :n] = np.where(t.learn[1:], t.ids[1:], IGNORE)
            span = np.array(t.spans, np.int64)
            known = span[:, 1] >= 0
            span = np.clip(span, 0, top)
            span[~known] = -1
            into[k, :n] = span[:-1]
            onto[k, :n] = span[1:]
        return Batch(
            np.stack([w.mel for w in windows]),
            np.stack([w.phone for w in windows]),
            np.stack([w.word for w in windows]),
            np.array([w.offset for w in windows], np.int64),
            ids,
            labels,
            into,
            onto,
            np.array([t.kind for t in rows], np.int64),
        )


def token_is_word(a: float, b: float, frames: int) -> bool:
    """Whether a span labels frames: it lies inside the clip (punctuation hangs over the end of its word)."""
    return b <= frames and b - a >= 1
