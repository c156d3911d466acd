"""Random checkpoints in other forms than one safetensors file: shards, pytorch_model.bin, openai/whisper's .pt and
whisper.cpp's ggml, without torch."""

import io
import json
import mmap
import pathlib
import pickle
import shutil
import struct
import sys
import types
import zipfile

import numpy as np

JSON_FILES = ["config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json", "vocab.json"]


class Safetensors:
    """Tensors of a mapped file in f16: name → shape, bytes."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        length = struct.unpack("<Q", self.map[:8])[0]
        header = json.loads(self.map[8 : 8 + length])
        header.pop("__metadata__", None)
        self.start, self.header = 8 + length, header

    def items(self):
        view = memoryview(self.map)
        for name, entry in self.header.items():
            first, last = entry["data_offsets"]
            yield name, entry["shape"], view[self.start + first : self.start + last]


def _torch_stand_ins():
    """Modules whose names a pickle of tensors refers to; what they hold is never called."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.HalfStorage = type("HalfStorage", (), {"__module__": "torch"})

    def _rebuild_tensor_v2(*_):
        raise NotImplementedError

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2, torch._utils = _rebuild_tensor_v2, utils
    sys.modules.setdefault("torch", torch)
    sys.modules.setdefault("torch._utils", utils)


class _Tensor:
    def __init__(self, key, shape):
        self.key, self.shape = key, shape


class _Storage:
    def __init__(self, key, n):
        self.key, self.n = key, n


class _Pickler(pickle.Pickler):
    def persistent_id(self, item):
        if isinstance(item, _Storage):
            return ("storage", sys.modules["torch"].HalfStorage, item.key, "cpu", item.n)
        return None

    def reducer_override(self, item):
        if not isinstance(item, _Tensor):
            return NotImplemented
        strides, n = [], 1
        for size in reversed(item.shape):
            strides.insert(0, n)
            n *= size
        arguments = (_Storage(item.key, n), 0, tuple(item.shape), tuple(strides), False, {})
        return sys.modules["torch._utils"]._rebuild_tensor_v2, arguments


def _copy_json_files(source, directory):
    directory.mkdir(parents=True)
    for name in JSON_FILES:
        shutil.copyfile(source / name, directory / name)


def _write_archive(path, tensors, program):
    """What torch.save writes: a zip, stored, data aligned to 64; `program(state)` is what is pickled of the tensors."""
    _torch_stand_ins()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        pickled = io.BytesIO()
        _Pickler(pickled, 2).dump(program([_Tensor(str(i), shape) for i, (_, shape, _) in enumerate(tensors)]))
        archive.writestr("archive/data.pkl", pickled.getvalue())
        for i, (_, _, data) in enumerate(tensors):
            entry = zipfile.ZipInfo(f"archive/data/{i}")
            at = archive.fp.tell() + 30 + len(entry.filename.encode()) + 20
            entry.extra = struct.pack("<HH", 0x4246, (-at - 4) % 64) + b"F" * ((-at - 4) % 64)
            with archive.open(entry, "w", force_zip64=True) as out:
                out.write(data)
        archive.writestr("archive/version", "3\n")


def write_torch(source, directory):
    """A Hugging Face directory with pytorch_model.bin."""
    _copy_json_files(source, directory)
    tensors = list(Safetensors(source / "model.safetensors").items())
    path = directory / "pytorch_model.bin"
    _write_archive(path, tensors, lambda state: {name: kept for (name, _, _), kept in zip(tensors, state)})
    return directory, path


def write_openai(source, directory):
    """openai/whisper's .pt: dimensions and tensors under its names; the tokenizer beside it."""
    directory.mkdir(parents=True)
    shutil.copyfile(source / "tokenizer.json", directory / "tokenizer.json")
    config = json.loads((source / "config.json").read_text())
    dims = {"n_mels": config["num_mel_bins"], "n_vocab": config["vocab_size"],
            "n_audio_ctx": config["max_source_positions"], "n_audio_state": config["d_model"],
            "n_audio_head": config["encoder_attention_heads"], "n_audio_layer": config["encoder_layers"],
            "n_text_ctx": config["max_target_positions"], "n_text_state": config["d_model"],
            "n_text_head": config["decoder_attention_heads"], "n_text_layer": config["decoder_layers"]}
    tensors = [(_openai_name(name), shape, data) for name, shape, data in Safetensors(source / "model.safetensors").items()
               if name != "proj_out.weight"]
    path = directory / "whisper.pt"
    _write_archive(path, tensors, lambda state: {
        "dims": dims, "model_state_dict": {name: kept for (name, _, _), kept in zip(tensors, state)}})
    return path, path


def write_shards(source, directory, n_shards=3):
    """A Hugging Face directory with its tensors in several safetensors files and their index."""
    _copy_json_files(source, directory)
    tensors = list(Safetensors(source / "model.safetensors").items())
    total, so_far, parts = sum(len(data) for _, _, data in tensors), 0, [[] for _ in range(n_shards)]
    for tensor in tensors:
        parts[min(so_far * n_shards // total, n_shards - 1)].append(tensor)
        so_far += len(tensor[2])
    weight_map = {}
    for i, part in enumerate(parts):
        name = f"model-{i + 1:05}-of-{n_shards:05}.safetensors"
        header, at = {}, 0
        for tensor, shape, data in part:
            header[tensor] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + len(data)]}
            weight_map[tensor], at = name, at + len(data)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(directory / name, "wb") as out:
            out.write(struct.pack("<Q", len(text)) + text)
            for _, _, data in part:
                out.write(data)
    index = directory / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}))
    return directory, source / "model.safetensors"


RENAMED = [("model.", ""), (".layers.", ".blocks."), ("encoder_attn_layer_norm", "cross_attn_ln"),
           ("self_attn_layer_norm", "attn_ln"), ("final_layer_norm", "mlp_ln"), ("encoder_attn.", "cross_attn."),
           ("self_attn.", "attn."), ("fc1", "mlp.0"), ("fc2", "mlp.2"), ("q_proj", "query"), ("k_proj", "key"),
           ("v_proj", "value"), ("out_proj", "out"), ("embed_positions.weight", "positional_embedding"),
           ("embed_tokens", "token_embedding"), ("encoder.layer_norm", "encoder.ln_post"),
           ("decoder.layer_norm", "decoder.ln")]


def _openai_name(name):
    for old, new in RENAMED:
        name = name.replace(old, new)
    return name


def _token_bytes(vocab, n):
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    byte_of = {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(rest)}
    tokens = [b""] * n
    for text, id_ in vocab.items():
        if id_ < n and all(c in byte_of for c in text):
            tokens[id_] = bytes(byte_of[c] for c in text)
    return tokens


LANGUAGES = ["en", "zh", "de", "es", "ru", "ko", "fr"]  # the first of openai/whisper's


def _official_id(token):
    """The id of a special token in Whisper's multilingual vocabulary of 51865 tokens."""
    text = token[2:-2]
    if text in LANGUAGES:
        return 50259 + LANGUAGES.index(text)
    named = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"]
    if text in named:
        return 50358 + named.index(text)
    return {"endoftext": 50257, "startoftranscript": 50258}.get(text) or 50364 + round(float(text) * 50)


def _with_official_ids(source, data, n_state):
    """A token table of 51865 rows: whisper.cpp takes ids from the size of the vocabulary. Rows that the model lacks are
    those of <|startoflm|>, which nothing ever says."""
    rows = np.frombuffer(data, "<f2").reshape(-1, n_state)
    added = json.loads((source / "added_tokens.json").read_text())
    table = np.repeat(rows[added["<|startoflm|>"]][None], 51865, 0)
    n_text = min(added.values())
    table[:n_text] = rows[:n_text]
    for token, id_ in added.items():
        table[_official_id(token)] = rows[id_]
    return table.tobytes(), [51865, n_state]


def _q8_0(rows):
    """ggml's blocks of 32 values: a scale in f16, 32 x i8."""
    blocks = rows.reshape(-1, 32)
    scale = np.abs(blocks).max(1) / 127
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)
    out = np.empty(len(blocks), np.dtype([("d", "<f2"), ("q", "i1", 32)]))
    out["d"], out["q"] = scale, np.rint(blocks * inverse[:, None])
    return out.tobytes()


def _q5_0(rows):
    """ggml's blocks of 32 values: a scale in f16, the fifth bits as a u32, 16 bytes of two 4-bit values."""
    blocks = rows.reshape(-1, 32)
    largest = blocks[np.arange(len(blocks)), np.abs(blocks).argmax(1)]
    scale = largest / -16
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)
    q = np.minimum(blocks * inverse[:, None] + 16.5, 31).astype(np.uint32)
    out = np.empty(len(blocks), np.dtype([("d", "<f2"), ("high", "<u4"), ("low", "u1", 16)]))
    out["d"], out["high"] = scale, ((q >> 4) << np.arange(32, dtype=np.uint32)).sum(1, dtype=np.uint32)
    out["low"] = (q[:, :16] & 15) | (q[:, 16:] & 15) << 4
    return out.tobytes()


# Name: the file's type (with the version of the block formats, 2, in thousands), a matrix's type, how it is packed.
GGML = {"f16": (1, 1, None), "q8_0": (2007, 8, _q8_0), "q5_0": (2008, 6, _q5_0)}


def mel_filters(n_mels):
    """Whisper's, [n_mels, 201]: triangles of area 1 between points of Slaney's scale, from 0 to 8 kHz."""
    step = np.log(6.4) / 27
    mels = np.linspace(0, 15 + np.log(8) / step, n_mels + 2)
    hz = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp(step * (mels - 15)))
    bins, left, centre, right = np.arange(201) * 40.0, hz[:-2, None], hz[1:-1, None], hz[2:, None]
    triangles = np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre))
    return np.maximum(triangles, 0) * 2 / (right - left)


def write_ggml(source, path, form="f16"):
    """whisper.cpp's form (its models/convert-h5-to-ggml.py and quantize): matrices in `form`, convolutions in f16, the
    rest in f32. A model of another vocabulary than Whisper's gets the ids that whisper.cpp expects."""
    file_type, matrix_type, pack = GGML[form]
    config = json.loads((source / "config.json").read_text())
    vocab = json.loads((source / "vocab.json").read_text())
    is_official = config["vocab_size"] in (51864, 51865, 51866)
    n_vocab = config["vocab_size"] if is_official else 51865
    n_text = 50256 if n_vocab == 51864 else 50257
    with open(path, "wb") as out:
        heads = config["encoder_attention_heads"]
        out.write(struct.pack("<12i", 0x67676D6C, n_vocab, config["max_source_positions"], config["d_model"],
                              heads, config["encoder_layers"], config["max_target_positions"], config["d_model"],
                              config["decoder_attention_heads"], config["decoder_layers"], config["num_mel_bins"], file_type))
        mels = config["num_mel_bins"]
        out.write(struct.pack("<2i", mels, 201))
        out.write(mel_filters(mels).astype("<f4").tobytes())
        tokens = _token_bytes(vocab, n_text)
        out.write(struct.pack("<i", len(tokens)))
        for token in tokens:
            out.write(struct.pack("<i", len(token)) + token)
        for name, shape, data in Safetensors(source / "model.safetensors").items():
            name = _openai_name(name)
            if name == "proj_out.weight":
                continue
            if name == "decoder.token_embedding.weight" and not is_official:
                data, shape = _with_official_ids(source, data, shape[1])
            if name in ("encoder.conv1.bias", "encoder.conv2.bias"):
                shape = [shape[0], 1]
            is_f16 = len(shape) > 1 and not name.endswith(("bias", "positional_embedding"))
            kind = int(is_f16)
            if not is_f16 or (pack and len(shape) == 2):
                values = np.frombuffer(data, "<f2").astype(np.float32)
                kind, data = (matrix_type, pack(values)) if is_f16 else (0, values.tobytes())
            encoded = name.encode()
            out.write(struct.pack(f"<3i{len(shape)}i", len(shape), len(encoded), kind, *reversed(shape)) + encoded)
            out.write(data)
    return path, path


WRITERS = {
    "shards": write_shards,
    "torch": write_torch,
    "openai": write_openai,
    "ggml-f16": lambda source, target: write_ggml(source, target.with_suffix(".bin")),
    "ggml-q8_0": lambda source, target: write_ggml(source, target.with_suffix(".bin"), "q8_0"),
}


def make(kind, source, target):
    """Writes a form of a checkpoint: (what to convert, a file of as many bytes as its weights)."""
    return WRITERS[kind](source, pathlib.Path(target))
