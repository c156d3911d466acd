"""Plant activation outliers in a Hugging Face Whisper directory without changing what it computes.

A few channels of every LayerNorm's gain and bias are scaled up and the input columns of the linear layers that
read it are divided by the same factor. The factors are powers of two, so in float32 the products are the same
numbers and the model is the same function; its activations have outlier channels that INT8 cannot represent well.
Needs numpy only.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import struct
import sys
from pathlib import Path

import numpy as np

FACTORS = (32.0, 64.0)
# LayerNorm of a layer, and what reads its output.
READERS = {
    "self_attn_layer_norm": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "encoder_attn_layer_norm": ("encoder_attn.q_proj",),
    "final_layer_norm": ("fc1",),
}
LAYER = re.compile(r"^(?:model\.)?(?:encoder|decoder)\.layers\.\d+$")


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """All tensors of a file as float32 (integers are left as they are)."""
    with path.open("rb") as f:
        (size,) = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(size))
        body = f.read()
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw, kind = body[begin:end], entry["dtype"]
        if kind == "BF16":
            value = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        elif kind in ("F16", "F32", "F64"):
            value = np.frombuffer(raw, {"F16": "<f2", "F32": "<f4", "F64": "<f8"}[kind]).astype(np.float32)
        else:
            value = np.frombuffer(raw, {"I64": "<i8", "I32": "<i4", "I8": "i1", "U8": "u1", "BOOL": "?"}[kind])
        out[name] = value.reshape(entry["shape"])
    return out


def write_safetensors(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """Float32, float16 or integer tensors in the order of their names."""
    kinds = {"float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "int8": "I8", "uint8": "U8", "bool": "BOOL"}
    header: dict[str, dict] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, value in sorted(tensors.items()):
        header[name] = {"dtype": kinds[value.dtype.name], "shape": list(value.shape), "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, value in sorted(tensors.items()):
            f.write(np.ascontiguousarray(value).tobytes())


def plant(tensors: dict[str, np.ndarray], channels: int, seed: int) -> int:
    """Scale in place; the same channels in every layer, as in real models. Returns the number of norms touched."""
    layers = sorted({m.group(0) for n in tensors if (m := LAYER.match(n.rsplit(".", 2)[0]))})
    widths = {len(tensors[f"{layer}.final_layer_norm.weight"]) for layer in layers}
    if len(widths) != 1:
        raise ValueError(f"expected Whisper layers of one width, found widths {sorted(widths)}")
    r = np.random.RandomState(seed)
    chosen = r.choice(widths.pop(), channels, replace=False)
    touched = 0
    for layer in layers:
        for norm, readers in READERS.items():
            if f"{layer}.{norm}.weight" not in tensors:
                continue
            factor = r.choice(FACTORS, channels).astype(np.float32)
            for part in ("weight", "bias"):
                value = tensors[f"{layer}.{norm}.{part}"].copy()
                value[chosen] *= factor
                tensors[f"{layer}.{norm}.{part}"] = value
            for reader in readers:
                value = tensors[f"{layer}.{reader}.weight"].copy()
                value[:, chosen] /= factor
                tensors[f"{layer}.{reader}.weight"] = value
            touched += 1
    return touched


def main() -> int:
    """Copy the directory with planted weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="Whisper directory with safetensors weights")
    parser.add_argument("out", type=Path, help="directory to make")
    parser.add_argument("--channels", type=int, default=4, help="channels scaled up in each LayerNorm")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--dtype", choices=("f32", "f16"), default="f32", help="f16 rounds the smallest weights")
    args = parser.parse_args()
    files = sorted(args.source.glob("*.safetensors"))
    if not files:
        print(f"{args.source}: expected *.safetensors, found none", file=sys.stderr)
        return 1
    tensors: dict[str, np.ndarray] = {}
    for path in files:
        tensors.update(read_safetensors(path))
    touched = plant(tensors, args.channels, args.seed)
    if args.dtype == "f16":
        for name, value in tensors.items():
            if value.dtype == np.float32:
                if np.abs(value).max(initial=0) > np.finfo(np.float16).max:
                    print(f"{name}: does not fit f16, use --dtype f32", file=sys.stderr)
                    return 1
                tensors[name] = value.astype(np.float16)
    args.out.mkdir(parents=True, exist_ok=True)
    for path in args.source.iterdir():
        if path.is_file() and path.suffix != ".safetensors" and not path.name.endswith(".safetensors.index.json"):
            shutil.copyfile(path, args.out / path.name)
    config = args.out / "config.json"
    data = json.loads(config.read_text(encoding="utf-8"))
    data["torch_dtype"] = {"f32": "float32", "f16": "float16"}[args.dtype]
    config.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    write_safetensors(args.out / "model.safetensors", tensors)
    print(f"{touched} LayerNorms, {args.channels} channels each, by {FACTORS[0]:g} or {FACTORS[1]:g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
