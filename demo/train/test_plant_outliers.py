"""Converts a model and its copy with planted outliers and compares what the two compute: test_plant_outliers.py SOTTO MODEL.

Needs numpy and the openvino wheel.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import openvino as ov

import plant_outliers

MAX_DIFFERENCE = 1e-3  # of outputs of size 1 to 30; the same sums in another order
MIN_GROWTH = 16.0  # of the largest channel over the median one, in the activations a LayerNorm hands on


def outputs(directory: Path, features: np.ndarray, ids: np.ndarray) -> list[np.ndarray]:
    """The encoder's output and the decoder's logits, in f32."""
    core = ov.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    encoder = core.compile_model(directory / "openvino_encoder_model.xml", "CPU", settings)
    hidden = encoder(features)[0]
    request = core.compile_model(directory / "openvino_decoder_model.xml", "CPU", settings).create_infer_request()
    given = {"input_ids": ids, "encoder_hidden_states": hidden, "beam_idx": np.zeros(1, np.int32)}
    inputs = {name: given[name] for port in request.model_inputs for name in port.get_names() if name in given}
    return [hidden, np.array(request.infer(inputs)[0])]


def outlier_ratio(tensors: dict[str, np.ndarray]) -> float:
    """Largest over median channel gain, of the LayerNorm where that is smallest."""
    gains = [np.abs(v) for n, v in tensors.items() if ".layers." in n and n.endswith("layer_norm.weight")]
    return float(min(g.max() / np.median(g) for g in gains))


def main() -> int:
    """Print the figures; 1 when the function changed or no outliers came of it."""
    sotto, source = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        planted = Path(folder) / "planted"
        script = Path(plant_outliers.__file__)
        subprocess.run([sys.executable, script, source, planted], check=True)
        for name, model in (("plain", source), ("hard", planted)):
            out = Path(folder) / name
            subprocess.run([sotto, "convert", model, "-o", out, "--weight-format", "fp32"], check=True, capture_output=True)
        r = np.random.default_rng(3)
        features = r.uniform(-1, 1, (1, 80, 3000)).astype(np.float32)
        ids = r.integers(0, 1000, (1, 12)).astype(np.int64)
        pairs = zip(outputs(Path(folder) / "plain", features, ids), outputs(Path(folder) / "hard", features, ids), strict=True)
        differences = [float(np.abs(a - b).max()) for a, b in pairs]
        before = outlier_ratio(plant_outliers.read_safetensors(source / "model.safetensors"))
        after = outlier_ratio(plant_outliers.read_safetensors(planted / "model.safetensors"))
    print(f"largest difference: encoder {differences[0]:.2e}, logits {differences[1]:.2e}; gain ratio {before:.1f} -> {after:.1f}")
    return 0 if max(differences) < MAX_DIFFERENCE and after > MIN_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
