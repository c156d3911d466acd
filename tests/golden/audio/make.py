"""Writes this directory's goldens; see README.md. Needs openai-whisper and the ffmpeg command."""

import json
import pathlib
import subprocess
import wave

import numpy as np
import torch
import whisper
from whisper.audio import log_mel_spectrogram, mel_filters

HERE = pathlib.Path(__file__).parent
TONES = ["tone.wav", "tone.flac", "tone.mp3", "tone.ogg", "tone.mp4", "tone.mka", "tone_44k.mp3", "surround.flac"]


def signal(n):
    """The test signal, in integers only so that C++ makes the same: tests/audio/test_signal.h."""
    out = np.zeros(n, dtype=np.float32)
    state, phase = 12345, 0
    for i in range(n):
        state = (state * 1664525 + 1013904223) % 2**32
        phase = (phase + 200 + (i // 40) % 6000) % 65536
        triangle = abs(phase - 32768) - 16384
        loud = 1 + (i // 4000) % 8  # steps of 0.25 s; the last is near silence
        noise = (state >> 16) % 2048 - 1024
        value = 0 if loud == 8 else (triangle * loud) // 16 + noise // loud
        out[i] = value / 32768.0
    return out


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-bitexact", *arguments], check=True, cwd=HERE)


def make_media():
    rate, n = 22050, 6615
    t = np.arange(n) / rate
    rng = np.random.default_rng(1)
    left = 0.5 * np.sin(2 * np.pi * (300 + 2000 * t) * t) + 0.02 * rng.standard_normal(n)
    right = 0.3 * np.sin(2 * np.pi * 700 * t)
    pcm = np.stack([left, right], 1)
    with wave.open(str(HERE / "tone.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((pcm * 32767).astype("<i2").tobytes())
    ffmpeg("-i", "tone.wav", "tone.flac")
    ffmpeg("-i", "tone.wav", "-b:a", "48k", "tone.mp3")
    ffmpeg("-i", "tone.wav", "-ar", "44100", "-ac", "1", "-b:a", "64k", "tone_44k.mp3")
    ffmpeg("-i", "tone.wav", "-c:a", "libvorbis", "-q:a", "1", "tone.ogg")
    ffmpeg("-i", "tone.wav", "-c:a", "libopus", "-b:a", "32k", "tone.mka")
    ffmpeg("-i", "tone.wav", "-ac", "6", "-sample_fmt", "s16", "surround.flac")
    picture = ["-f", "lavfi", "-i", "color=c=gray:s=32x32:r=10:d=0.3"]
    ffmpeg(*picture, "-c:v", "libx264", "silent_film.mp4")
    ffmpeg(*picture, "-i", "tone.wav", "-c:v", "libx264", "-c:a", "aac", "-b:a", "48k", "tone.mp4")
    decoded = {}
    for name in TONES:
        samples = np.round(whisper.load_audio(str(HERE / name)) * 32768).astype(int)
        decoded[name] = {"n_samples": len(samples), "every_23rd": samples[::23].tolist()}
    (HERE / "decoded.json").write_text(json.dumps(decoded) + "\n")


def make_media_mels():
    """The demo's media, whole way from file to spectrogram; to be made again when they are."""
    cases, values = [], []
    media = HERE.parents[2] / "demo" / "media"
    for name in ["demo.wav", "demo.flac", "demo.mp3", "demo.ogg", "demo.mp4"]:
        mel = log_mel_spectrogram(whisper.load_audio(str(media / name)), 80, padding=480000).numpy()
        frames = list(range(7, mel.shape[1], 997))
        cases.append({"file": name, "size_bytes": (media / name).stat().st_size, "n_frames": mel.shape[1], "frames": frames})
        values.append(mel[:, frames].T.astype("<f4").tobytes())
    (HERE / "media_mel.json").write_text(json.dumps({"cases": cases}) + "\n")
    (HERE / "media_mel.f32").write_bytes(b"".join(values))


def make_mels():
    seconds = 16000
    cases, values = [], []
    lengths = [201, 320, 4999, 16000, int(29.99 * seconds), 30 * seconds, int(30.01 * seconds)]
    wanted = [(n, 0) for n in lengths] + [(n, 480000) for n in [0, 1, 200, 4999, int(29.99 * seconds), int(30.01 * seconds)]]
    for n_mels in (80, 128):
        for n_samples, padding in wanted:
            mel = log_mel_spectrogram(signal(n_samples), n_mels, padding=padding).numpy()
            last = mel.shape[1] - 1
            content = n_samples // 160
            frames = {0, 1, 2, content - 2, content - 1, content, content + 1, content + 2, last - 1, last}
            frames |= set(range(0, last, 499))
            frames = sorted(f for f in frames if 0 <= f <= last)
            cases.append({"n_samples": n_samples, "padding": padding, "n_mels": n_mels,
                          "n_frames": mel.shape[1], "frames": frames})
            values.append(mel[:, frames].T.astype("<f4").tobytes())  # [frame, mel]
    (HERE / "mel.json").write_text(json.dumps({"cases": cases}) + "\n")
    (HERE / "mel.f32").write_bytes(b"".join(values))
    filters = [mel_filters(torch.device("cpu"), n).numpy().astype("<f4").tobytes() for n in (80, 128)]
    (HERE / "mel_filters.f32").write_bytes(b"".join(filters))


if __name__ == "__main__":
    make_media()
    make_mels()
    make_media_mels()
