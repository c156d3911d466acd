"""Runs openai-whisper on a Whisper checkpoint in Hugging Face layout whose vocabulary is its own.

openai-whisper reads everything from the size of the vocabulary (51865 or less), so its tables of languages and
tokens are replaced by the checkpoint's; decoding.py and transcribe.py are used as they are.
"""

import json
import pathlib
import zlib

import numpy as np
import soundfile
import tiktoken
import torch
import whisper
import whisper.tokenizer
from safetensors.torch import load_file
from whisper.model import ModelDimensions, Whisper

LAYER = {
    "self_attn.": "attn.",
    "encoder_attn.": "cross_attn.",
    "self_attn_layer_norm": "attn_ln",
    "encoder_attn_layer_norm": "cross_attn_ln",
    "final_layer_norm": "mlp_ln",
    "q_proj": "query",
    "k_proj": "key",
    "v_proj": "value",
    "out_proj": "out",
    "fc1": "mlp.0",
    "fc2": "mlp.2",
}
OUTSIDE = {
    "embed_positions.weight": "positional_embedding",
    "embed_tokens": "token_embedding",
    "encoder.layer_norm": "encoder.ln_post",
    "decoder.layer_norm": "decoder.ln",
    "layers": "blocks",
}


def renamed(name):
    """A tensor's name in openai-whisper."""
    name = name.removeprefix("model.")
    for old, new in OUTSIDE.items():
        name = name.replace(old, new)
    if "blocks" in name:
        for old, new in LAYER.items():
            name = name.replace("." + old, "." + new)
    return name


def encoding(directory):
    """tiktoken's encoding of tokenizer.json: a token's id is its merge rank."""
    spec = json.loads((directory / "tokenizer.json").read_text())
    byte_of = {c: b for b, c in whisper_bytes().items()}
    ranks = {bytes(byte_of[c] for c in token): rank for token, rank in spec["model"]["vocab"].items()}
    special = {token["content"]: token["id"] for token in spec["added_tokens"]}
    pattern = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
    return tiktoken.Encoding(str(directory), pat_str=pattern, mergeable_ranks=ranks, special_tokens=special)


def whisper_bytes():
    """GPT-2's printable character of each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(rest)}


def load(directory):
    """The checkpoint as whisper.model.Whisper, in f32 on the CPU."""
    directory = pathlib.Path(directory)
    config = json.loads((directory / "config.json").read_text())
    generation = json.loads((directory / "generation_config.json").read_text())
    dims = ModelDimensions(
        n_mels=config["num_mel_bins"],
        n_audio_ctx=config["max_source_positions"],
        n_audio_state=config["d_model"],
        n_audio_head=config["encoder_attention_heads"],
        n_audio_layer=config["encoder_layers"],
        n_vocab=config["vocab_size"],
        n_text_ctx=config["max_target_positions"],
        n_text_state=config["d_model"],
        n_text_head=config["decoder_attention_heads"],
        n_text_layer=config["decoder_layers"],
    )
    model = Whisper(dims)
    tensors = load_file(directory / "model.safetensors")
    model.load_state_dict({renamed(k): v.float() for k, v in tensors.items() if k != "proj_out.weight"})
    heads = torch.zeros(dims.n_text_layer, dims.n_text_head, dtype=torch.bool)
    for layer, head in generation.get("alignment_heads") or []:
        heads[layer, head] = True
    model.register_buffer("alignment_heads", heads.to_sparse(), persistent=False)
    patch(directory, generation)
    return model.eval()


def patch(directory, generation):
    """Makes the package take the checkpoint's vocabulary for its own."""
    own = encoding(directory)
    by_id = sorted((id_, code.strip("<|>")) for code, id_ in generation["lang_to_id"].items())
    names = dict(whisper.tokenizer.LANGUAGES)
    whisper.tokenizer.LANGUAGES.clear()
    whisper.tokenizer.LANGUAGES.update({code: names.get(code, code) for _, code in by_id})
    whisper.tokenizer.get_encoding = lambda *_, **__: own
    whisper.tokenizer.get_tokenizer.cache_clear()
    # In a small vocabulary the first token of " -" or "♪" is a blank or a byte that has other uses. Whisper's own
    # vocabularies have tokens for them, so there this changes nothing.
    Tokenizer = whisper.tokenizer.Tokenizer
    listed = Tokenizer.non_speech_tokens.func
    pieces = {own.encode_single_token(piece) for piece in (b" ", b"\xe2")}
    Tokenizer.non_speech_tokens = property(lambda self: tuple(t for t in listed(self) if t not in pieces))
    Whisper.is_multilingual = property(lambda self: True)
    Whisper.num_languages = property(lambda self: len(by_id))


def samples(path):
    """16 kHz mono 16-bit audio as load_audio gives it."""
    pcm, rate = soundfile.read(path, dtype="int16")
    assert rate == 16000 and pcm.ndim == 1, (path, rate, pcm.shape)
    return pcm.astype(np.float32) / 32768.0


def run(model, path, options, end_s=None):
    """openai-whisper's transcription of a file, plain values only."""
    audio = samples(path)[: None if end_s is None else round(16000 * end_s)]
    options = {"temperature": 0.0, **options}
    result = whisper.transcribe(model, audio, fp16=False, **options)
    keep = ("seek", "start", "end", "text", "tokens", "avg_logprob", "no_speech_prob", "compression_ratio")
    segments = []
    for s in result["segments"]:
        if s["text"]:  # blank ones are dropped by sotto
            words = [{**w, "start": float(w["start"]), "end": float(w["end"])} for w in s.get("words", [])]
            segments.append({k: s[k] for k in keep} | {"words": words})
    return {"text": result["text"], "language": result["language"], "segments": segments}


def crc32(path):
    return zlib.crc32(pathlib.Path(path).read_bytes())
