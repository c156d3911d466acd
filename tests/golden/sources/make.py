#!/usr/bin/env python3
"""Writes one small random Whisper in every form that sotto reads, and what the ecosystems make of it.

All weights are f16 values, so that every unquantized form holds the same numbers. See README.md."""

import collections
import json
import pathlib
import struct

import gguf
import numpy as np
import torch
import whisper.model
from safetensors.torch import save_file
from transformers import WhisperConfig, WhisperForConditionalGeneration
from transformers.audio_utils import mel_filter_bank

HERE = pathlib.Path(__file__).parent
N_TEXT_TOKENS = 264
DIMS = dict(n_mels=8, n_audio_ctx=10, n_audio_state=32, n_audio_head=2, n_audio_layer=1,
            n_vocab=280, n_text_ctx=16, n_text_state=32, n_text_head=2, n_text_layer=1)
TOKENS = [264 + 1, 72, 101, 256, 279, 5]
SHOWN = "decoder.blocks.0.mlp.0.weight"
TYPES = {"q4_0": (2, 2), "q4_1": (3, 3), "q5_0": (6, 8), "q5_1": (7, 9), "q8_0": (8, 7)}  # tensor type, ftype


def random_model() -> whisper.model.Whisper:
    torch.manual_seed(5)
    model = whisper.model.Whisper(whisper.model.ModelDimensions(**DIMS)).eval()
    for name, tensor in model.state_dict().items():
        scale = 0.02 if "bias" in name else 0.2
        noise = torch.randn_like(tensor) * scale + (1.0 if "ln" in name and "weight" in name else 0.0)
        tensor.copy_(noise.half().float())
    return model


def reference(model: whisper.model.Whisper, mel: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    whisper.model.MultiHeadAttention.use_sdpa = False
    with torch.no_grad():
        audio = model.embed_audio(mel[None])
        return audio[0].numpy(), model.logits(torch.tensor([TOKENS]), audio)[0].numpy()


RENAMED = [("blocks.", "layers."), ("cross_attn_ln", "encoder_attn_layer_norm"), ("cross_attn.", "encoder_attn."),
           ("attn_ln", "self_attn_layer_norm"), ("mlp_ln", "final_layer_norm"), ("mlp.0", "fc1"), ("mlp.2", "fc2"),
           (".query.", ".q_proj."), (".key.", ".k_proj."), (".value.", ".v_proj."), (".out.", ".out_proj."),
           ("token_embedding", "embed_tokens"), ("positional_embedding", "embed_positions.weight"),
           ("ln_post", "layer_norm"), ("decoder.ln.", "decoder.layer_norm.")]


def huggingface_name(name: str) -> str:
    for old, new in RENAMED:
        name = name.replace(old, new)
    return "model." + name.replace(".attn.", ".self_attn.")


def huggingface_model(state: dict[str, torch.Tensor]) -> WhisperForConditionalGeneration:
    config = WhisperConfig(
        d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=128, decoder_ffn_dim=128, vocab_size=DIMS["n_vocab"], num_mel_bins=DIMS["n_mels"],
        max_source_positions=DIMS["n_audio_ctx"], max_target_positions=DIMS["n_text_ctx"],
        pad_token_id=264, bos_token_id=264, eos_token_id=264, decoder_start_token_id=265,
        begin_suppress_tokens=[220, 264])
    model = WhisperForConditionalGeneration(config).eval()
    named = {huggingface_name(name): tensor for name, tensor in state.items()}
    missing, unexpected = model.load_state_dict(named, strict=False)
    assert not unexpected and missing == ["proj_out.weight"], (missing, unexpected)
    model.tie_weights()
    return model


def dequantized(data: np.ndarray, kind: str) -> np.ndarray:
    """ggml's block formats, read anew: [rows, bytes] → f32 [rows, n]."""
    n_bytes = {"q4_0": 18, "q4_1": 20, "q5_0": 22, "q5_1": 24, "q8_0": 34}[kind]
    blocks = data.reshape(-1, n_bytes)
    d = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    if kind == "q8_0":
        values = blocks[:, 2:].copy().view(np.int8).astype(np.float32) * d
    else:
        has_min, has_fifth = kind.endswith("_1"), kind.startswith("q5")
        packed = blocks[:, -16:]
        q = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.int32)
        if has_fifth:
            at = 4 if has_min else 2
            bits = blocks[:, at:at + 4].copy().view("<u4")
            q += ((bits >> np.arange(32, dtype=np.uint32)) & 1).astype(np.int32) * 16
        if has_min:
            values = q.astype(np.float32) * d + blocks[:, 2:4].copy().view(np.float16).astype(np.float32)
        else:
            values = (q - (16 if has_fifth else 8)).astype(np.float32) * d
    return values.reshape(data.shape[0], -1)


def text_tokens() -> list[bytes]:
    """The 256 bytes in GPT-2's order, then eight merges."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    order = printable + [b for b in range(256) if b not in printable]
    return [bytes([b]) for b in order] + [b" t", b"he", b" a", b" the", b"in", b"er", b"on", b" in"]


def mel_filters() -> np.ndarray:
    """Whisper's filter bank for this number of mels, f32 [n_mels, 201]."""
    bank = mel_filter_bank(201, DIMS["n_mels"], 0.0, 8000.0, 16000, norm="slaney", mel_scale="slaney")
    return bank.T.astype("<f4")


def write_ggml(path: pathlib.Path, state: dict[str, torch.Tensor], kind: str) -> dict[str, np.ndarray]:
    """Returns the tensors as the file's reader should see them."""
    seen = {}
    tensor_type, ftype = {"f32": (0, 0), "f16": (1, 1), **TYPES}[kind]
    quant_version = 0 if kind in ("f32", "f16") else 2000
    with path.open("wb") as out:
        keys = ("n_vocab", "n_audio_ctx", "n_audio_state", "n_audio_head", "n_audio_layer", "n_text_ctx",
                "n_text_state", "n_text_head", "n_text_layer", "n_mels")
        out.write(struct.pack("<I10ii", 0x67676D6C, *(DIMS[key] for key in keys), ftype + quant_version))
        out.write(struct.pack("<ii", DIMS["n_mels"], 201) + mel_filters().tobytes())
        out.write(struct.pack("<i", N_TEXT_TOKENS))
        for token in text_tokens():
            out.write(struct.pack("<i", len(token)) + token)
        for name, tensor in state.items():
            values = tensor.numpy()
            if name in ("encoder.conv1.bias", "encoder.conv2.bias"):
                values = values.reshape(-1, 1)
            stays_f32 = kind == "f32" or values.ndim < 2 or "positional" in name or name.endswith(".bias")
            if stays_f32:
                data, written = values.astype("<f4"), 0
            elif kind == "f16" or values.ndim != 2:
                data, written = values.astype("<f2"), 1
            else:
                data = gguf.quants.quantize(values, gguf.GGMLQuantizationType[kind.upper()])
                written = tensor_type
            seen[name] = dequantized(data, kind).astype(np.float16) if written > 1 else values
            out.write(struct.pack("<iii", values.ndim, len(name), written))
            out.write(struct.pack(f"<{values.ndim}i", *reversed(values.shape)))
            out.write(name.encode() + data.tobytes())
    return seen


def write_tokenizer() -> None:
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters, extra = {b: chr(b) for b in printable}, 0
    for byte in range(256):
        if byte not in letters:
            letters[byte], extra = chr(256 + extra), extra + 1
    spelled = ["".join(letters[b] for b in token) for token in text_tokens()]
    specials = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|translate|>", "<|transcribe|>",
                "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>", "<|0.00|>", "<|0.02|>"]
    merges = ["Ġ t", "h e", "Ġ a", "Ġt he", "i n", "e r", "o n", "Ġ in"]
    tokenizer = {
        "version": "1.0",
        "added_tokens": [{"id": N_TEXT_TOKENS + i, "content": text, "single_word": False, "lstrip": False,
                          "rstrip": False, "normalized": False, "special": i < 10}
                         for i, text in enumerate(specials)],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "vocab": {text: i for i, text in enumerate(spelled)}, "merges": merges}}
    (HERE / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False) + "\n")


def main() -> None:
    model = random_model()
    state = collections.OrderedDict((k, v.clone()) for k, v in model.state_dict().items())
    mel = torch.randn(DIMS["n_mels"], 2 * DIMS["n_audio_ctx"])
    audio, logits = reference(model, mel)
    mel.numpy().tofile(HERE / "mel.f32")
    audio.tofile(HERE / "encoder.f32")
    logits.tofile(HERE / "logits.f32")

    half = collections.OrderedDict((k, v.half()) for k, v in state.items())
    transposed = "decoder.blocks.0.attn.query.weight"
    half[transposed] = half[transposed].t().contiguous().t()  # other strides than row-major ones
    torch.save({"dims": DIMS, "model_state_dict": half}, HERE / "openai.pt")

    hf = huggingface_model(state)
    with torch.no_grad():
        again = hf(input_features=mel[None], decoder_input_ids=torch.tensor([TOKENS])).logits[0].numpy()
    assert np.abs(again - logits).max() < 1e-4, np.abs(again - logits).max()
    torch.save(hf.state_dict(), HERE / "pytorch_model.bin")
    save_file({huggingface_name(k): v.half().contiguous() for k, v in state.items()}, HERE / "model.safetensors")
    config = hf.config.to_diff_dict()
    (HERE / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    write_tokenizer()

    for kind in ("f32", "f16", *TYPES):
        seen = write_ggml(HERE / f"ggml-{kind}.bin", state, kind)
        if kind in TYPES:
            seen[SHOWN].tofile(HERE / f"{kind}.f16")
            model.load_state_dict({k: torch.from_numpy(v.astype(np.float32)).reshape(state[k].shape)
                                   for k, v in seen.items()})
            reference(model, mel)[1].tofile(HERE / f"logits-{kind}.f32")


if __name__ == "__main__":
    main()
