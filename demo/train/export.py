"""Write a checkpoint as a Hugging Face Whisper directory: fp16 weights, configurations, tokenizer files."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

import grammar
import model
from tokenizer import SPECIAL, TIMESTAMPS, Vocabulary

# What openai-whisper keeps from being generated: symbols that are not speech.
SYMBOLS = [
    *'"#()*+/:;<=>@[\\]^_`{|}~「」『』',
    *"<< >> <<< >>> -- --- -( -[ (' (\" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪".split(),
    *"♩♪♫♬♭♮♯",
]


def write(path: Path, value: object) -> None:
    """JSON with a newline at its end."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def weights(checkpoint: dict, averaged: bool) -> tuple[dict[str, np.ndarray], model.Size]:
    """Named fp16 arrays of the model proper; the training heads stay behind."""
    size = model.Size(**checkpoint["size"])
    flat = checkpoint["ema" if averaged else "params"]
    out = {}
    for name, (at, shape) in checkpoint["names"].items():
        if name.startswith("model."):
            n = int(np.prod(shape))
            out[name] = flat[at : at + n].view(shape).half().numpy().copy()
    out["model.encoder.embed_positions.weight"] = model.sinusoids(size.frames, size.width).half().numpy()
    return dict(sorted(out.items())), size


def suppressed(v: Vocabulary) -> list[int]:
    """Ids that are never generated: symbols with a token of their own and the control tokens."""
    found = set()
    for symbol in SYMBOLS:
        for text in (symbol, " " + symbol):
            ids = v.tokenizer.encode(text, add_special_tokens=False).ids
            if len(ids) == 1 and ids[0] < v.eot:
                found.add(ids[0])
    return [*sorted(found), v.sot, *v.language, v.translate, v.transcribe, v.lm, v.prev, v.nospeech]


def configurations(v: Vocabulary, size: model.Size) -> dict[str, dict]:
    """config, generation_config and preprocessor_config, with the fields Whisper's have."""
    begin = [v.blank, v.eot]
    suppress = suppressed(v)
    return {
        "config.json": {
            "_name_or_path": "sotto-demo",
            "activation_dropout": 0.0,
            "activation_function": "gelu",
            "apply_spec_augment": False,
            "architectures": ["WhisperForConditionalGeneration"],
            "attention_dropout": 0.0,
            "begin_suppress_tokens": begin,
            "bos_token_id": v.eot,
            "d_model": size.width,
            "decoder_attention_heads": size.heads,
            "decoder_ffn_dim": 4 * size.width,
            "decoder_layerdrop": 0.0,
            "decoder_layers": size.decoder_layers,
            "decoder_start_token_id": v.sot,
            "dropout": 0.0,
            "encoder_attention_heads": size.heads,
            "encoder_ffn_dim": 4 * size.width,
            "encoder_layerdrop": 0.0,
            "encoder_layers": size.encoder_layers,
            "eos_token_id": v.eot,
            "forced_decoder_ids": None,
            "init_std": 0.02,
            "is_encoder_decoder": True,
            "max_length": size.positions,
            "max_source_positions": size.frames,
            "max_target_positions": size.positions,
            "model_type": "whisper",
            "num_hidden_layers": size.encoder_layers,
            "num_mel_bins": size.mels,
            "pad_token_id": v.eot,
            "scale_embedding": False,
            "suppress_tokens": suppress,
            "tie_word_embeddings": True,
            "torch_dtype": "float16",
            "use_cache": True,
            "vocab_size": size.vocabulary,
        },
        "generation_config.json": {
            "alignment_heads": [list(pair) for pair in model.GUIDED_OUTPUT],
            "begin_suppress_tokens": begin,
            "bos_token_id": v.eot,
            "decoder_start_token_id": v.sot,
            "eos_token_id": v.eot,
            "is_multilingual": True,
            "lang_to_id": {f"<|{name}|>": i for name, i in zip(grammar.LANGUAGES, v.language, strict=True)},
            "max_initial_timestamp_index": 50,
            "max_length": size.positions,
            "no_timestamps_token_id": v.notimestamps,
            "pad_token_id": v.eot,
            "prev_sot_token_id": v.prev,
            "return_timestamps": False,
            "suppress_tokens": suppress,
            "task_to_id": {"transcribe": v.transcribe, "translate": v.translate},
        },
        "preprocessor_config.json": {
            "chunk_length": 30,
            "feature_extractor_type": "WhisperFeatureExtractor",
            "feature_size": size.mels,
            "hop_length": 160,
            "n_fft": 400,
            "n_samples": 480000,
            "nb_max_frames": 3000,
            "padding_side": "right",
            "padding_value": 0.0,
            "processor_class": "WhisperProcessor",
            "return_attention_mask": False,
            "sampling_rate": 16000,
        },
    }


def tokenizer_files(v: Vocabulary, source: Path, out: Path) -> None:
    """tokenizer.json with Whisper's post-processor, and the slow tokenizer's files."""
    data = json.loads(source.read_text(encoding="utf-8"))

    def token(name: str) -> dict:
        return {"SpecialToken": {"id": name, "type_id": 0}}

    prefix = [token("<|startoftranscript|>"), token("<|notimestamps|>")]
    ends = ["<|startoftranscript|>", "<|notimestamps|>", "<|endoftext|>"]
    data["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [*prefix, {"Sequence": {"id": "A", "type_id": 0}}, token("<|endoftext|>")],
        "pair": [
            *prefix,
            {"Sequence": {"id": "A", "type_id": 0}},
            {"Sequence": {"id": "B", "type_id": 1}},
            token("<|endoftext|>"),
        ],
        "special_tokens": {name: {"id": name, "ids": [v.tokenizer.token_to_id(name)], "tokens": [name]} for name in ends},
    }
    write(out / "tokenizer.json", data)
    bpe = data["model"]
    write(out / "vocab.json", bpe["vocab"])
    pairs = [" ".join(m) if isinstance(m, list) else m for m in bpe["merges"]]
    (out / "merges.txt").write_text("#version: 0.2\n" + "\n".join(pairs) + "\n", encoding="utf-8")
    added = [*SPECIAL, *(f"<|{i * 0.02:.2f}|>" for i in range(TIMESTAMPS))]
    write(out / "added_tokens.json", {name: v.tokenizer.token_to_id(name) for name in added})
    end = {"content": "<|endoftext|>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    write(
        out / "special_tokens_map.json",
        {"additional_special_tokens": SPECIAL, "bos_token": end, "eos_token": end, "pad_token": end, "unk_token": end},
    )
    write(
        out / "tokenizer_config.json",
        {
            "add_bos_token": False,
            "add_prefix_space": False,
            "added_tokens_decoder": {
                str(v.tokenizer.token_to_id(name)): {**end, "content": name, "special": name in SPECIAL} for name in added
            },
            "additional_special_tokens": SPECIAL,
            "bos_token": "<|endoftext|>",
            "clean_up_tokenization_spaces": False,
            "eos_token": "<|endoftext|>",
            "errors": "replace",
            "model_max_length": 448,
            "pad_token": "<|endoftext|>",
            "processor_class": "WhisperProcessor",
            "return_attention_mask": False,
            "tokenizer_class": "WhisperTokenizer",
            "unk_token": "<|endoftext|>",
        },
    )


def spelling() -> dict[str, str]:
    """Whisper's table of British to American spellings, from the openai-whisper package (MIT) when it is installed."""
    try:
        import whisper.normalizers
    except ImportError:
        return {}
    return json.loads((Path(whisper.normalizers.__file__).parent / "english.json").read_text(encoding="utf-8"))


def main() -> None:
    """Export and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--last", action="store_true", help="the last weights rather than their moving average")
    args = parser.parse_args()
    checkpoint = torch.load(args.checkpoint, weights_only=False)
    v = Vocabulary(args.tokenizer)
    args.out.mkdir(parents=True, exist_ok=True)
    arrays, size = weights(checkpoint, not args.last)
    path = args.out / "model.safetensors"
    save_file(arrays, path, metadata={"format": "pt"})
    for name, value in configurations(v, size).items():
        write(args.out / name, value)
    tokenizer_files(v, args.tokenizer, args.out)
    write(args.out / "normalizer.json", spelling())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    total = sum(p.stat().st_size for p in args.out.iterdir())
    parameters = sum(a.size for a in arrays.values())
    print(f"step {checkpoint['step']}: {parameters / 1e6:.2f} M parameters, {total / 1e6:.2f} MB, sha256 {digest}")


if __name__ == "__main__":
    main()
