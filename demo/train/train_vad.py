#!/usr/bin/env python3
"""Trains the speech detector and writes its weights as a C++ table (src/audio/speech_weights.inc).

Speech is the demo's calibration and English test utterances (the other test languages are held out for the
figures printed at the end), laid into pauses and mixed with noise, hum, tones and music at random levels. The network is
four convolutions and a sum over 16 mel bands every 20 ms that see 1.2 s; weights are rounded to 8 bits a channel.

python demo/train/train_vad.py [--steps 1500]      some ten minutes on two cores
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile
import torch
import torch.nn.functional as F

import features

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data"
OUT = HERE.parents[1] / "src" / "audio" / "speech_weights.inc"
BANDS, CHANNELS, WIDTH = 16, 24, 5
DILATIONS = (1, 2, 4, 8)
RATE = features.RATE
CLIP_S = 8


def bands(audio: np.ndarray) -> np.ndarray:
    """log10 mel power in 16 bands every 20 ms, at most 8 below the loudest, as Whisper's; (16, frames)."""
    logs = np.log10(np.maximum(features.power_mel(audio), 1e-10))
    logs = np.maximum(logs, logs.max() - 8.0)
    logs = logs[: len(logs) // 2 * 2]
    return logs.reshape(-1, 2, BANDS, features.MELS // BANDS).mean(axis=(1, 3)).T.astype(np.float32)


class Detector(torch.nn.Module):
    def __init__(self):
        super().__init__()
        widths = [BANDS] + [CHANNELS] * len(DILATIONS)
        self.layers = torch.nn.ModuleList(
            torch.nn.Conv1d(a, b, WIDTH, dilation=d, padding=2 * d) for a, b, d in zip(widths, widths[1:], DILATIONS)
        )
        self.head = torch.nn.Conv1d(CHANNELS, 1, 1)

    def forward(self, x):
        x = (x + 4.0) / 4.0
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.head(x)[:, 0]


def utterances(*sets):
    found = []
    for name in sets:
        for path in sorted((DATA / name).rglob("*.flac")):
            audio = soundfile.read(path, dtype="float32")[0]
            found.append(audio / max(np.abs(audio).max(), 1e-3))
    return found


def spoken(audio: np.ndarray) -> np.ndarray:
    """Which 20 ms steps of clean speech are loud enough to be heard, gaps below 0.2 s closed."""
    n = len(audio) // 320
    power = (audio[: n * 320].reshape(n, 320) ** 2).mean(1)
    loud = power > power.max() * 10**-4
    for _ in range(5):
        loud = loud | np.roll(loud, 1)
    for _ in range(5):
        loud = loud & np.roll(loud, -1)
    return loud


def noise(rng, n):
    """One background at a peak of about 1: noise of a random tilt, hum, tones, music, clicks or nothing."""
    t = np.arange(n) / RATE
    kind = rng.integers(7)
    if kind <= 1:  # white to brown
        spectrum = np.fft.rfft(rng.standard_normal(n)) / np.maximum(np.arange(n // 2 + 1), 20) ** rng.uniform(0, 1.2)
        out = np.fft.irfft(spectrum, n)
        out *= 1 + rng.uniform(0, 0.9) * np.sin(2 * np.pi * rng.uniform(0.05, 3) * t)
    elif kind == 2:  # mains hum
        base = rng.choice([50.0, 60.0, 100.0]) * rng.uniform(0.98, 1.02)
        out = sum(rng.uniform(0, 1) / k * np.sin(2 * np.pi * base * k * t + rng.uniform(0, 6)) for k in range(1, 20))
    elif kind == 3:  # a tone, steady or sweeping
        f = rng.uniform(80, 5000) * (1 + rng.uniform(-0.5, 0.5) * t / t[-1])
        out = np.sin(2 * np.pi * np.cumsum(f) / RATE) * (1 + rng.uniform(0, 1) * np.sin(2 * np.pi * rng.uniform(0.2, 8) * t))
    elif kind == 4:  # music: chords of decaying harmonics on a beat, with a drum
        out, beat = np.zeros(n), int(RATE * rng.uniform(0.2, 0.8))
        for start in range(0, n, beat):
            m = min(beat * 2, n - start)
            tt = t[:m]
            for _ in range(rng.integers(1, 5)):
                f = 110.0 * 2 ** (rng.integers(0, 40) / 12)
                tone = sum(np.sin(2 * np.pi * f * k * tt) / k**1.2 for k in range(1, 7) if f * k < 7500)
                out[start : start + m] += tone * np.exp(-tt * rng.uniform(0.5, 8)) * np.minimum(tt * 100, 1)
            if rng.random() < 0.5:
                out[start : start + m] += 2 * rng.standard_normal(m) * np.exp(-tt * 40)
    elif kind == 5:  # clicks and knocks
        out = np.zeros(n)
        for start in rng.integers(0, n - 400, rng.integers(1, 30)):
            m = min(4000, n - start)
            out[start : start + m] += rng.standard_normal(m) * np.exp(-t[:m] * rng.uniform(30, 600))
    else:
        out = np.zeros(n)
    return out / max(np.abs(out).max(), 1e-6)


def example(rng, speech):
    n = CLIP_S * RATE
    audio, label = np.zeros(n), np.zeros(n // 320, bool)
    at = int(rng.exponential(1.0) * RATE) if rng.random() < 0.8 else n
    while at < n - RATE // 2:
        words = speech[rng.integers(len(speech))]
        if rng.random() < 0.2:
            words = np.interp(np.arange(0, len(words) - 1, rng.uniform(0.75, 1.35)), np.arange(len(words)), words)
        at = at // 320 * 320
        words = words[: n - at]
        loud = spoken(words)
        audio[at : at + len(words)] += words * rng.uniform(0.4, 1)
        label[at // 320 : at // 320 + len(loud)] |= loud
        at += len(words) + int(rng.exponential(1.2) * RATE)
    if rng.random() < 0.15:  # another pitch and room: echoes
        lag = int(rng.uniform(0.02, 0.15) * RATE)
        audio[lag:] += rng.uniform(0.1, 0.4) * audio[:-lag]
    with_speech = label.any()
    snr = 10 ** (-rng.uniform(5, 40) / 20) if with_speech else 10 ** (-rng.uniform(0, 40) / 20)
    audio += snr * noise(rng, n) + 10 ** -rng.uniform(2.5, 5) * rng.standard_normal(n)
    audio = np.clip(audio * 10 ** (-rng.uniform(0, 30) / 20), -1, 1)
    return bands(np.round(audio * 32768) / 32768)[:, : n // 320], label


def batch(rng, speech, size):
    inputs, labels = zip(*(example(rng, speech) for _ in range(size)))
    return torch.tensor(np.stack(inputs)), torch.tensor(np.stack(labels).astype(np.float32))


def rounded(weight):
    """The weight on a grid of 255 steps a channel, the grid's step."""
    scale = weight.abs().amax(dim=(1, 2), keepdim=True) / 127
    return torch.round(weight / scale).to(torch.int8), scale


def write(net):
    lines = ["// Written by demo/train/train_vad.py. Layer by layer: weights [out][in][width], steps, biases."]
    for i, layer in enumerate([*net.layers, net.head]):
        weight, scale = rounded(layer.weight.data)
        layer.weight.data = weight.float() * scale
        lines.append(f"constexpr std::array<std::int8_t, {weight.numel()}> kWeights{i} = {{")
        values = [str(v) for v in weight.flatten().tolist()]
        lines += ["    " + ", ".join(values[j : j + 24]) + "," for j in range(0, len(values), 24)]
        lines.append("};")
        for name, table in (("Scales", scale.flatten()), ("Biases", layer.bias.data)):
            numbers = ", ".join(f"{v:.6g}" + ("F" if any(c in f"{v:.6g}" for c in ".e") else ".0F") for v in table.tolist())
            lines.append(f"constexpr std::array<float, {table.numel()}> k{name}{i} = {{{numbers}}};")
    OUT.write_text("\n".join(lines) + "\n")


def report(net, name, speech):
    rng = np.random.default_rng(99)
    with torch.no_grad():
        x, y = batch(rng, speech, 96)
        said = net(x) > 0
    y = y > 0.5
    silent = ~y.any(1)
    print(
        f"{name}: speech found {(said & y).sum() / y.sum():.3f}, silence taken for speech "
        f"{(said & ~y).sum() / (~y).sum():.3f} (clips without speech {said[silent].float().mean():.4f})"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--clips", type=int, default=3000, help="of 8 s, made once")
    arguments = parser.parse_args()
    steps, clips = arguments.steps, arguments.clips
    torch.set_num_threads(2)
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    names = sorted(p.name for p in DATA.iterdir() if p.is_dir())
    held_out = [n for n in names if n.startswith("test-")]
    speech = utterances(*(n for n in names if n not in held_out))
    net = Detector()
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=steps)
    inputs, labels = batch(rng, speech, clips)
    print(clips, "clips made", flush=True)
    for step in range(steps):
        chosen = torch.from_numpy(rng.integers(0, clips, 16))
        x, y = inputs[chosen], labels[chosen]
        loss = F.binary_cross_entropy_with_logits(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(step, f"{loss.item():.4f}", flush=True)
    write(net)
    report(net, "speakers of the training", speech)
    report(net, "held-out languages", utterances(*held_out))


if __name__ == "__main__":
    main()
