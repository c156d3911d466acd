"""Whisper's log-mel features in numpy: 16 kHz, 400-sample Hann window, 160-sample hop, 80 Slaney mel bands."""

from __future__ import annotations

import numpy as np
import scipy.fft

RATE = 16000
HOP = 160
FFT = 400
MELS = 80
WINDOW_FRAMES = 3000


def mel_filters(mels: int = MELS) -> np.ndarray:
    """Slaney-normalised triangular filters, (mels, 201)."""

    def to_hz(mel: np.ndarray) -> np.ndarray:
        linear = mel * (200.0 / 3)
        return np.where(mel >= 15, 1000.0 * np.exp((mel - 15) * (np.log(6.4) / 27)), linear)

    top = 15 + np.log(RATE / 2 / 1000.0) / (np.log(6.4) / 27)
    edges = to_hz(np.linspace(0, top, mels + 2))
    bins = np.arange(FFT // 2 + 1) * RATE / FFT
    width = np.diff(edges)
    ramps = edges[:, None] - bins[None]
    weights = np.maximum(0, np.minimum(-ramps[:-2] / width[:-1, None], ramps[2:] / width[1:, None]))
    return (weights * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


FILTERS = mel_filters()
HANN = np.hanning(FFT + 1)[:-1].astype(np.float32)


def _power(padded: np.ndarray, frames: int) -> np.ndarray:
    blocks = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP][:frames] * HANN
    return (np.abs(scipy.fft.rfft(blocks, axis=1)) ** 2).astype(np.float32) @ FILTERS.T


def power_mel(audio: np.ndarray) -> np.ndarray:
    """Mel power of a clip with silence around it, (frames, 80)."""
    padded = np.pad(audio.astype(np.float32), (FFT // 2, FFT // 2))
    return _power(padded, (len(padded) - FFT) // HOP + 1)


def log_mel(audio: np.ndarray) -> np.ndarray:
    """Whisper's normalised log-mel of a whole recording, (frames, 80) with frames = samples // 160."""
    padded = np.pad(audio.astype(np.float32), (FFT // 2, FFT // 2), mode="reflect")
    logs = np.log10(np.maximum(_power(padded, len(audio) // HOP), 1e-10))
    return (np.maximum(logs, logs.max() - 8.0) + 4.0) / 4.0


def pad_window(audio: np.ndarray) -> np.ndarray:
    """Normalised log-mel of up to 30 s of audio padded with zeros to 30 s as Hugging Face does, (80, 3000)."""
    full = np.zeros(WINDOW_FRAMES * HOP, np.float32)
    full[: len(audio)] = audio[: len(full)]
    return np.ascontiguousarray(log_mel(full).T)
