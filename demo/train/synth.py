"""Synthetic speech with word and phoneme times, from espeak-ng and flite in process, and the training cache.

Both engines are called through ctypes: a core makes about 200 seconds of speech a second. Times are in 10 ms mel
frames. The cache is a set of flat arrays a training process maps without copying.
"""

from __future__ import annotations

import argparse
import ctypes as c
import multiprocessing as mp
import random
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io.wavfile
import scipy.signal

import features
import grammar

EXCLUDED_VARIANTS = set(
    "whisper whisperf croak Demonic Storm UniRobot Tweaky anikaRobot fast File Mr robosoft robosoft2 robosoft3 robosoft4 "
    "robosoft5 robosoft6 robosoft7 robosoft8 RicishayMax2 RicishayMax3".split()
)
HELD_OUT_VARIANTS = sorted("f4 m5 klatt3 Lee steph2 Gene2 miguel shelby pablo Andy grandpa linda".split())
TRAINING_FLITE = ("slt", "awb", "rms")
HELD_OUT_FLITE = ("kal", "kal16")
TRAINING_FESTIVAL = "ked_diphone"
# Twice, so that every other draw of the test set is the one it was when ked was held out too.
HELD_OUT_FESTIVAL = ("kal_diphone", "kal_diphone")
BASE_VOICES = {
    "en": ["en-us"] * 4 + ["en"] * 3 + ["en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-us-nyc"],
    "de": ["de"],
    "es": ["es"] * 2 + ["es-419"],
    "fr": ["fr"] * 3 + ["fr-be", "fr-ch"],
}
# espeak-ng phoneme names, the frame labels of the encoder's first objective; 0 is silence.
PHONES = (
    "a n t s l r e i d m E k I o @ v f p z b j i: w D A~ aI u @- U u: y ** ts O~ g 3 S B A: E~ z2 C x 0 O o: T eI a- h aU V Z W oU "
    "@2 Y OY r- e: R tS a# O@ W~ @L N O2 3: t# A@ I2 A e@ o@ n^ Q y: l^ t2 i@3 R2 E: U@ aa dZ e- eU O: I# aI2 oI Y: OI D2 i@ aU2 "
    "I@ O@2 e2 3~ pF l- n- J X"
).split()
PHONE_ID = {phone: i + 1 for i, phone in enumerate(PHONES)}
PHONE_COUNT = len(PHONES) + 1
FLITE_TO_ESPEAK = dict(
    pair.split("=")
    for pair in (
        "dh=D ax=@ k=k ae=a t=t ih=I z=z n=n b=b aa=A: s=s iy=i: r=r d=d eh=E m=m v=v er=3: f=f l=l w=w ay=aI ao=O: p=p ow=oU "
        "uw=u: hh=h ah=V y=j ch=tS ng=N g=g ey=eI jh=dZ sh=S th=T aw=aU uh=U oy=OI zh=Z"
    ).split()
)


@dataclass
class Speech:
    """One synthesised sentence at 16 kHz: (character, seconds) of words, (phoneme, seconds) of phonemes."""

    audio: np.ndarray
    words: list[tuple[int, float]]
    phones: list[tuple[str, float]]
    voice: str


class _EventId(c.Union):
    _fields_ = [("number", c.c_int), ("name", c.c_char_p), ("string", c.c_char * 8)]


class _Event(c.Structure):
    _fields_ = [
        ("type", c.c_int),
        ("unique", c.c_uint),
        ("position", c.c_int),
        ("length", c.c_int),
        ("milliseconds", c.c_int),
        ("sample", c.c_int),
        ("user", c.c_void_p),
        ("id", _EventId),
    ]


_CALLBACK = c.CFUNCTYPE(c.c_int, c.POINTER(c.c_short), c.c_int, c.POINTER(_Event))


class Espeak:
    """libespeak-ng in retrieval mode."""

    def __init__(self) -> None:
        self._lib = c.CDLL("libespeak-ng.so.1")
        self._rate = self._lib.espeak_Initialize(2, 500, None, 1)
        self._pieces: list[np.ndarray] = []
        self._words: list[tuple[int, float]] = []
        self._phones: list[tuple[str, float]] = []
        self._callback = _CALLBACK(self._receive)
        self._lib.espeak_SetSynthCallback(self._callback)

    def _receive(self, wave, samples, events) -> int:
        if samples > 0 and wave:
            self._pieces.append(np.ctypeslib.as_array(wave, (samples,)).copy())
        i = 0
        while events[i].type != 0:
            event = events[i]
            if event.type == 1 and event.position > 0:
                self._words.append((event.position - 1, event.milliseconds / 1000))
            elif event.type == 7:
                self._phones.append((event.id.string.decode("utf8", "replace"), event.milliseconds / 1000))
            i += 1
        return 0

    def say(self, text: str, voice: str, rate: int, pitch: int, spread: int) -> Speech:
        """Speak text; rate in words a minute, pitch and its range 0 to 100."""
        self._pieces, self._words, self._phones = [], [], []
        if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise RuntimeError(f"espeak-ng has no voice {voice}")
        for parameter, value in ((1, rate), (3, pitch), (4, spread)):
            self._lib.espeak_SetParameter(parameter, int(value), 0)
        data = text.encode()
        self._lib.espeak_Synth(data, c.c_size_t(len(data) + 1), 0, 1, 0, 1, None, None)
        self._lib.espeak_Synchronize()
        audio = np.concatenate(self._pieces).astype(np.float32) / 32768 if self._pieces else np.zeros(0, np.float32)
        return Speech(resample(audio, self._rate), self._words, self._phones, voice)


class _Wave(c.Structure):
    _fields_ = [("type", c.c_char_p), ("rate", c.c_int), ("samples", c.c_int), ("channels", c.c_int), ("data", c.POINTER(c.c_short))]


class _Voice(c.Structure):
    _fields_ = [("name", c.c_char_p), ("features", c.c_void_p)]


class Flite:
    """libflite and its compiled-in American and Scottish voices."""

    PITCH = {"slt": 170.0, "awb": 130.0, "rms": 105.0, "kal": 100.0, "kal16": 100.0}

    def __init__(self) -> None:
        f = self._lib = c.CDLL("libflite.so.1", c.RTLD_GLOBAL)
        f.flite_init()
        for library in ("libflite_cmulex.so.1", "libflite_usenglish.so.1"):
            c.CDLL(library, c.RTLD_GLOBAL)
        self._voices = {}
        for voice in self.PITCH:
            register = getattr(c.CDLL(f"libflite_cmu_us_{voice}.so.1", c.RTLD_GLOBAL), f"register_cmu_us_{voice}")
            register.restype = c.POINTER(_Voice)
            self._voices[voice] = register(None)
        f.flite_synth_text.restype = c.c_void_p
        f.flite_synth_text.argtypes = [c.c_char_p, c.POINTER(_Voice)]
        f.utt_wave.restype = c.POINTER(_Wave)
        f.utt_wave.argtypes = [c.c_void_p]
        f.flite_feat_set_float.argtypes = [c.c_void_p, c.c_char_p, c.c_float]
        f.utt_relation.restype = c.c_void_p
        f.utt_relation.argtypes = [c.c_void_p, c.c_char_p]
        for call in (f.relation_head, f.item_next):
            call.restype = c.c_void_p
            call.argtypes = [c.c_void_p]
        f.flite_ffeature_float.restype = c.c_float
        f.flite_ffeature_float.argtypes = [c.c_void_p, c.c_char_p]
        f.flite_ffeature_string.restype = c.c_char_p
        f.flite_ffeature_string.argtypes = [c.c_void_p, c.c_char_p]
        f.delete_utterance.argtypes = [c.c_void_p]

    def _items(self, utterance: int, relation: bytes):
        item = self._lib.relation_head(self._lib.utt_relation(utterance, relation))
        while item:
            yield item
            item = self._lib.item_next(item)

    def say(self, text: str, voice: str, stretch: float, pitch: float) -> Speech:
        """Speak text; stretch and pitch multiply the voice's own duration and fundamental."""
        f, handle = self._lib, self._voices[voice]
        f.flite_feat_set_float(handle.contents.features, b"duration_stretch", stretch)
        f.flite_feat_set_float(handle.contents.features, b"int_f0_target_mean", self.PITCH[voice] * pitch)
        utterance = f.flite_synth_text(text.encode(), handle)
        wave = f.utt_wave(utterance).contents
        audio = np.ctypeslib.as_array(wave.data, (wave.samples,)).astype(np.float32) / 32768
        words: list[tuple[int, float]] = []
        at, lower = 0, text.lower()
        for item in self._items(utterance, b"Word"):
            word = f.flite_ffeature_string(item, b"name").decode().lower()
            start = f.flite_ffeature_float(item, b"R:SylStructure.daughter1.daughter1.R:Segment.p.end")
            found = lower.find(word, at)
            if found >= 0:
                words.append((found, start))
                at = found + len(word)
        phones: list[tuple[str, float]] = []
        end = 0.0
        for item in self._items(utterance, b"Segment"):
            phone = f.flite_ffeature_string(item, b"name").decode()
            phones.append(("_" if phone == "pau" else FLITE_TO_ESPEAK.get(phone, phone), end))
            end = f.flite_ffeature_float(item, b"end")
        speech = Speech(resample(audio, wave.rate), words, phones, f"flite-{voice}")
        f.delete_utterance(utterance)
        return speech


_FESTIVAL_SAY = """
(voice_%s)
(define (say text out stretch mean deviation)
  (Parameter.set 'Duration_Stretch stretch)
  (set! int_lr_params
    (list (list 'target_f0_mean mean) (list 'target_f0_std deviation) (list 'model_f0_mean 170) (list 'model_f0_std 34)))
  (let ((u (utt.synth (eval (list 'Utterance 'Text text)))))
    (utt.save.wave u out 'riff)
    (mapcar (lambda (s) (format t "phone %%s %%f\\n" (item.name s) (item.feat s 'segment_start))) (utt.relation.items u 'Segment))
    (mapcar (lambda (w) (format t "word %%s %%f\\n" (item.name w) (item.feat w 'word_start))) (utt.relation.items u 'Word))
    (format t "done\\n")
    (fflush nil)))
"""


class Festival:
    """One festival process with the diphone voice that is trained on."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._wav = Path(self._folder.name) / "speech.wav"
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(["festival", "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._process.stdin.write(_FESTIVAL_SAY % TRAINING_FESTIVAL)

    def say(self, text: str, stretch: float, pitch: float, spread: float) -> Speech | None:
        """Speak text; stretch multiplies durations, pitch and spread (deviation) are in Hz.

        None when festival crashed, as it does now and then on short phonemes; a new one is started.
        """
        self._process.stdin.write(f'(say "{text}" "{self._wav}" {stretch:.3f} {pitch:.1f} {spread:.1f})\n')
        self._process.stdin.flush()
        words: list[tuple[int, float]] = []
        phones: list[tuple[str, float]] = []
        at, lower = 0, text.lower()
        while (line := self._process.stdout.readline().split()) != ["done"]:
            if not line:
                self._process.wait()
                self._start()
                return None
            kind, name, start = line[0], line[1].lower(), float(line[2])
            if kind == "phone":
                phones.append(("_" if name == "pau" else FLITE_TO_ESPEAK.get(name, name), start))
            elif (found := lower.find(name, at)) >= 0:
                words.append((found, start))
                at = found + len(name)
        rate, samples = scipy.io.wavfile.read(self._wav)
        return Speech(resample(samples.astype(np.float32) / 32768, rate), words, phones, f"festival-{TRAINING_FESTIVAL}")


def festival(text: str, voice: str) -> Speech:
    """Speak text with a festival voice (a process a sentence, no times: for the test set)."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        subprocess.run(["text2wave", "-eval", f"(voice_{voice})", "-o", str(wav)], input=text.encode(), check=True, capture_output=True)
        rate, samples = scipy.io.wavfile.read(wav)
    return Speech(resample(samples.astype(np.float32) / 32768, rate), [], [], f"festival-{voice}")


def resample(audio: np.ndarray, rate: int) -> np.ndarray:
    """To 16 kHz."""
    if rate == features.RATE:
        return audio.astype(np.float32)
    g = int(np.gcd(rate, features.RATE))
    return scipy.signal.resample_poly(audio, features.RATE // g, rate // g).astype(np.float32)


def trim(speech: Speech) -> Speech | None:
    """Cut leading and trailing silence in whole 10 ms frames; None when nothing is left."""
    x = speech.audio
    n = len(x) // features.HOP
    if n < 20:
        return None
    level = np.sqrt((x[: n * features.HOP].reshape(n, features.HOP) ** 2).mean(1))
    loud = np.nonzero(level > level.max() * 0.01)[0]
    if len(loud) == 0:
        return None
    a, b = max(0, int(loud[0]) - 1), min(n, int(loud[-1]) + 2)
    if b - a < 20:
        return None
    shift = a * 0.01
    audio = x[a * features.HOP : b * features.HOP]
    audio = audio * (0.5 / max(1e-3, float(np.abs(audio).max())))
    return Speech(
        audio,
        [(at, max(0.0, t - shift)) for at, t in speech.words],
        [(p, max(0.0, t - shift)) for p, t in speech.phones],
        speech.voice,
    )


def training_variants() -> list[str]:
    """espeak-ng voice variants used in training; the empty one is the plain voice."""
    root = next(p for p in Path("/usr").glob("**/espeak-ng-data/voices/!v") if p.is_dir())
    names = sorted(p.name for p in root.iterdir())
    return [n for n in names if n not in EXCLUDED_VARIANTS and n not in HELD_OUT_VARIANTS] + [""]


def other_speaker(speech: Speech, factor: float) -> Speech:
    """The same speech from a vocal tract (and larynx) factor times shorter: resampled, so also that much faster."""
    up, down = 100, round(100 * factor)
    audio = scipy.signal.resample_poly(speech.audio, up, down).astype(np.float32)
    return Speech(
        audio,
        [(at, t * up / down) for at, t in speech.words],
        [(p, t * up / down) for p, t in speech.phones],
        speech.voice,
    )


class Synthesiser:
    """Random voices of the training or the held-out set.

    flite is the share of English it speaks; virtual is the share of training clips moved to another vocal tract;
    diphone is the share of English training clips spoken by festival.
    """

    def __init__(self, flite: float = 0.3, virtual: float = 0.0, diphone: float = 0.0) -> None:
        self.espeak = Espeak()
        self.flite = Flite()
        self.variants = training_variants()
        self.flite_share = flite
        self.virtual = virtual
        self.diphone_share = diphone
        self.festival = Festival() if diphone else None

    def speak(self, text: str, language: str, r: random.Random, held_out: bool = False) -> Speech | None:
        """One sentence by a random voice at a random speed and pitch, trimmed."""
        if self.festival and language == "en" and not held_out and r.random() < self.diphone_share:
            return self._diphone(text, r)
        factor = r.uniform(0.8, 1.25) if self.virtual and not held_out and r.random() < self.virtual else 1.0
        if factor != 1.0:
            return self._virtual(text, language, r, factor)
        if language == "en" and r.random() < self.flite_share:
            voice = r.choice(HELD_OUT_FLITE if held_out else TRAINING_FLITE)
            return trim(self.flite.say(text, voice, r.uniform(0.8, 1.3), r.uniform(0.8, 1.25)))
        variant = r.choice(HELD_OUT_VARIANTS if held_out else self.variants)
        base = r.choice(BASE_VOICES[language])
        voice = f"{base}+{variant}" if variant else base
        return trim(self.espeak.say(text, voice, r.randint(125, 230), r.randint(20, 85), r.randint(30, 75)))

    def _diphone(self, text: str, r: random.Random) -> Speech | None:
        factor = r.uniform(0.8, 1.25) if r.random() < self.virtual else 1.0
        speech = self.festival.say(text, r.uniform(0.75, 1.25) * factor, r.uniform(80, 150) / factor, r.uniform(5, 22) / factor)
        if speech is None:
            return None
        return trim(speech if factor == 1.0 else other_speaker(speech, factor))

    def _virtual(self, text: str, language: str, r: random.Random, factor: float) -> Speech | None:
        if language == "en" and r.random() < self.flite_share:
            voice = r.choice(TRAINING_FLITE)
            speech = self.flite.say(text, voice, r.uniform(0.8, 1.25) * factor, r.uniform(0.65, 1.5) / factor)
        else:
            variant, base = r.choice(self.variants), r.choice(BASE_VOICES[language])
            voice = f"{base}+{variant}" if variant else base
            speech = self.espeak.say(text, voice, int(r.randint(130, 225) / factor), r.randint(15, 90), r.randint(25, 80))
        return trim(other_speaker(speech, factor))


def phone_labels(speech: Speech, frames: int) -> np.ndarray:
    """Phoneme of each 10 ms frame, (frames,) int16; -1 where unknown."""
    labels = np.zeros(frames, np.int16)
    for i, (phone, start) in enumerate(speech.phones):
        end = speech.phones[i + 1][1] if i + 1 < len(speech.phones) else frames / 100
        value = 0 if not phone or phone[0] in "_;" else PHONE_ID.get(phone, -1)
        labels[int(start * 100 + 0.5) : int(end * 100 + 0.5)] = value
    return labels


def token_spans(tokenizer, text: str, words: list[tuple[int, float]], frames: int) -> tuple[list[int], list[tuple[int, int]]]:
    """Token ids of " text" and the 10 ms frame span [a, b) in which each is spoken.

    Tokens of one word share its span in proportion to their letters; punctuation sits at the end of its word.
    """
    encoded = tokenizer.encode(" " + text)
    starts = [max(0, a - 1) for a, _ in encoded.offsets]
    ends = [max(0, b - 1) for _, b in encoded.offsets]
    times = [(at, min(frames - 1, int(t * 100 + 0.5))) for at, t in words] or [(0, 0)]
    groups: list[int] = []
    for a, b in zip(starts, ends, strict=True):
        letters = [i for i in range(a, b) if text[i].isalnum()]
        groups.append(max([j for j, (at, _) in enumerate(times) if at <= letters[0]] or [0]) if letters else -1)
    spans: list[tuple[int, int]] = [(0, 0)] * len(starts)
    end_of_word = 0
    i = 0
    while i < len(groups):
        if groups[i] < 0:
            spans[i] = (max(0, end_of_word - 3), end_of_word + 8)
            i += 1
            continue
        last = i
        while last + 1 < len(groups) and groups[last + 1] in (groups[i], -1) and groups[i] in groups[last + 1 :]:
            last += 1
        begin = times[groups[i]][1]
        end_of_word = next((t for _, t in times[groups[i] + 1 :] if t > begin), frames)
        total = sum(max(1, ends[k] - starts[k]) for k in range(i, last + 1))
        done = 0
        for k in range(i, last + 1):
            size = max(1, ends[k] - starts[k])
            width = end_of_word - begin
            spans[k] = (begin + width * done // total, max(begin + width * (done + size) // total, begin + 1))
            done += size
        i = last + 1
    return encoded.ids, spans


def _worker(job: tuple) -> tuple[int, float, float]:
    index, seed, clips, weights, tokenizer_path, out, shares = job
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    synthesiser = Synthesiser(*shares)
    voices, text_random = random.Random(seed), random.Random(seed * 7 + 1)
    started = time.time()
    mel, phone, token, span, english, rows = [], [], [], [], [], []
    at = dict.fromkeys(("mel", "token", "english"), 0)
    while len(rows) < clips:
        s = grammar.sentence(text_random)
        if grammar.held_out(s):
            continue
        language = text_random.choices(range(4), weights)[0]
        speech = synthesiser.speak(s[language], grammar.LANGUAGES[language], voices)
        if speech is None:
            continue
        logs = np.log10(np.maximum(features.power_mel(speech.audio), 1e-10)).astype(np.float16)
        ids, spans = token_spans(tokenizer, s[language], speech.words, len(logs))
        target = tokenizer.encode(" " + s[0]).ids
        rows.append((language, at["mel"], len(logs), at["token"], len(ids), at["english"], len(target)))
        at["mel"] += len(logs)
        at["token"] += len(ids)
        at["english"] += len(target)
        mel.append(logs)
        phone.append(phone_labels(speech, len(logs)))
        token.append(np.array(ids, np.int16))
        span.append(np.array(spans, np.int16))
        english.append(np.array(target, np.int16))
    folder = Path(out)
    arrays = {"mel": mel, "phone": phone, "token": token, "span": span, "english": english}
    for key, parts in arrays.items():
        np.save(folder / f"{index:02d}.{key}.npy", np.concatenate(parts))
    np.save(folder / f"{index:02d}.rows.npy", np.array(rows, np.int64))
    return len(rows), at["mel"] / 100, time.time() - started


def main() -> None:
    """Fill the training cache."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the cache")
    parser.add_argument("--clips", type=int, default=56000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flite", type=float, default=0.3, help="share of English spoken by flite")
    parser.add_argument("--virtual", type=float, default=0.0, help="share of clips moved to another vocal tract")
    parser.add_argument("--diphone", type=float, default=0.0, help="share of English spoken by festival")
    parser.add_argument("--first", type=int, default=0, help="number of the first part, to add to a cache")
    parser.add_argument("--weights", default="45,27,14,14", help="share of en,de,es,fr")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    weights = [float(w) for w in args.weights.split(",")]
    started = time.time()
    jobs = [
        (
            args.first + i,
            args.seed * 1000 + args.first + i,
            args.clips // args.workers,
            weights,
            args.tokenizer,
            str(args.out),
            (args.flite, args.virtual, args.diphone),
        )
        for i in range(args.workers)
    ]
    with mp.get_context("spawn").Pool(args.workers) as pool:
        results = pool.map(_worker, jobs)
    hours = sum(r[1] for r in results) / 3600
    print(f"{sum(r[0] for r in results)} clips, {hours:.2f} h of speech in {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
