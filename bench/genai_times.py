#!/usr/bin/env python3
"""Times openvino.genai on a Whisper directory: `genai_times.py MODEL THREADS ROUNDS`, run in the peers' venv.

Prints one line of JSON with the minima of its own clock, milliseconds: encoder_ms, first_step_ms, decoder_ms_per_token."""

import json
import sys

import numpy as np
import openvino_genai


def main():
    model, threads, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    pipeline = openvino_genai.WhisperPipeline(model, "CPU", INFERENCE_NUM_THREADS=threads)
    speech = np.random.default_rng(0).normal(0, 0.1, 30 * 16000).astype(np.float32)
    config = pipeline.get_generation_config()
    config.max_new_tokens, config.min_new_tokens = 30, 30
    config.return_timestamps = False
    if config.is_multilingual:
        config.language, config.task = "<|en|>", "transcribe"
    encoder, first, steps = [], [], []
    for _ in range(rounds):
        raw = pipeline.generate(speech.tolist(), config).perf_metrics.whisper_raw_metrics
        encoder += raw.encode_inference_durations
        first.append(raw.decode_inference_durations[0])
        steps += raw.decode_inference_durations[1:]
    figures = {"encoder_ms": min(encoder), "first_step_ms": min(first), "decoder_ms_per_token": min(steps)}
    print(json.dumps({name: value / 1000 for name, value in figures.items()}))


if __name__ == "__main__":
    sys.exit(main())
