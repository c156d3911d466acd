"""Writes small random Whispers and what transformers computes with them.

Weights are rounded so that f32, f16 and bf16 hold exactly the same numbers: one set of outputs serves all three.
Usage: python make.py [DIRECTORY], the directory of this file by default.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import WhisperConfig, WhisperForConditionalGeneration

N_WINDOWS, N_SEQUENCES, N_TOKENS = 2, 2, 7

MODELS = {
    "small": dict(  # as Whisper: same depth on both sides, inner width not the usual four times d_model
        d_model=64, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
        encoder_ffn_dim=96, decoder_ffn_dim=160, vocab_size=120, num_mel_bins=80, max_source_positions=40,
        max_target_positions=16,
    ),
    "turbo": dict(  # as large-v3-turbo: 128 mels, a deep encoder before a shallow decoder
        d_model=32, encoder_layers=3, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=4,
        encoder_ffn_dim=128, decoder_ffn_dim=128, vocab_size=90, num_mel_bins=128, max_source_positions=30,
        max_target_positions=12,
    ),
}


def representable(values: torch.Tensor) -> torch.Tensor:
    """The nearest numbers that bf16 and f16 both hold; below f16's normal range: zero."""
    rounded = values.to(torch.bfloat16).to(torch.float32)
    return torch.where(rounded.abs() < 2.0**-14, torch.zeros_like(rounded), rounded)


def randomize(model: torch.nn.Module) -> None:
    for name, parameter in model.named_parameters():
        values = torch.randn(parameter.shape)
        if "embed" in name:
            values = 0.5 * values
        elif parameter.ndim > 1:
            values = 1.5 * values / parameter[0].numel() ** 0.5
        else:
            values = 0.2 * values + (1.0 if "layer_norm.weight" in name else 0.0)
        parameter.copy_(representable(values))


def make(name: str, shape: dict, directory: pathlib.Path) -> None:
    torch.manual_seed(len(name))
    vocab = shape["vocab_size"]
    config = WhisperConfig(
        **shape, activation_function="gelu", bos_token_id=vocab - 20, eos_token_id=vocab - 20,
        pad_token_id=vocab - 20, decoder_start_token_id=vocab - 19, suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    config._attn_implementation = "eager"
    model = WhisperForConditionalGeneration(config).eval()
    randomize(model)

    features = torch.randn(N_WINDOWS, config.num_mel_bins, 2 * config.max_source_positions)
    ids = torch.randint(0, vocab - 20, (N_SEQUENCES, N_TOKENS))
    hidden = model.model.encoder(features).last_hidden_state
    logits = torch.stack([
        model(encoder_outputs=(hidden[w : w + 1].expand(N_SEQUENCES, -1, -1),), decoder_input_ids=ids).logits
        for w in range(N_WINDOWS)
    ])

    target = directory / name
    target.mkdir(parents=True, exist_ok=True)
    weights = {k: v.to(torch.bfloat16).contiguous() for k, v in model.state_dict().items() if k != "proj_out.weight"}
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    save_file(
        {"features": features, "hidden": hidden.contiguous(), "ids": ids.float(), "logits": logits.contiguous()},
        target / "golden.safetensors",
    )
    fields = [*shape, "model_type", "activation_function", "decoder_start_token_id", "eos_token_id"]
    text = json.dumps({field: getattr(config, field) for field in fields}, indent=1) + "\n"
    (target / "config.json").write_text(text)
    special = ["endoftext", "startoftranscript", "en", "haw", "translate", "transcribe", "startoflm", "startofprev",
               "nospeech", "notimestamps"]
    added = {f"<|{token}|>": vocab - 20 + i for i, token in enumerate(special)}
    (target / "added_tokens.json").write_text(json.dumps(added, indent=1) + "\n")


if __name__ == "__main__":
    with torch.no_grad():
        for model_name, model_shape in MODELS.items():
            make(model_name, model_shape, pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__ + "/..").resolve())
