"""Whisper's architecture with Hugging Face parameter names, written for short CPU training steps.

Attention is explicit (its backward is faster than the fused one on a CPU) and returns the cross-attention
probabilities of the guided heads.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

# (decoder layer, head) that must look where the input token was spoken, and where the next token is spoken.
GUIDED_INPUT = ((0, 0), (1, 1))
GUIDED_OUTPUT = ((1, 0), (2, 0), (2, 1))


@dataclass
class Size:
    """Dimensions of the model."""

    vocabulary: int
    phones: int
    words: int
    width: int = 256
    heads: int = 4
    encoder_layers: int = 4
    decoder_layers: int = 3
    mels: int = 80
    frames: int = 1500
    positions: int = 448

    def as_dict(self) -> dict:
        """For a checkpoint."""
        return asdict(self)


def sinusoids(length: int, channels: int) -> torch.Tensor:
    """Whisper's encoder positions, (length, channels)."""
    step = math.log(10000) / (channels // 2 - 1)
    angles = torch.arange(length)[:, None] * torch.exp(-step * torch.arange(channels // 2))[None]
    return torch.cat([angles.sin(), angles.cos()], 1)


class Attention(nn.Module):
    """Multi-head attention; no bias on the keys."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        b, t, d = x.shape
        return x.view(b, t, self.heads, d // self.heads).transpose(1, 2).reshape(b * self.heads, t, d // self.heads)

    def forward(self, x: torch.Tensor, memory: torch.Tensor | None = None, causal: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """x (B, T, D), memory (B, S, D) -> output (B, T, D) and probabilities (B, H, T, S)."""
        b, t, d = x.shape
        source = x if memory is None else memory
        q = self._split(self.q_proj(x) * (d // self.heads) ** -0.5)
        k, v = self._split(self.k_proj(source)), self._split(self.v_proj(source))
        scores = torch.bmm(q, k.transpose(1, 2))
        if causal:
            scores = scores + torch.full((t, t), -1e4, dtype=scores.dtype).triu(1)
        # Short sequences in float32; long ones stay in bfloat16, where memory traffic is the cost.
        p = scores.softmax(-1, dtype=torch.float32 if scores.shape[-1] <= 400 else None).to(v.dtype)
        o = torch.bmm(p, v).view(b, self.heads, t, d // self.heads).transpose(1, 2).reshape(b, t, d)
        return self.out_proj(o), p.view(b, self.heads, t, -1)


class EncoderLayer(nn.Module):
    """Pre-norm self-attention and feed-forward."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, D) -> (B, T, D)."""
        x = x + self.self_attn(self.self_attn_layer_norm(x))[0]
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))


class DecoderLayer(nn.Module):
    """Pre-norm causal self-attention, cross-attention and feed-forward."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.encoder_attn = Attention(width, heads)
        self.encoder_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor, memory: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """x (B * R, L, D), memory (B, S, D); the R targets of a window share its keys and values."""
        x = x + self.self_attn(self.self_attn_layer_norm(x), causal=True)[0]
        rows, length, width = x.shape
        b = memory.shape[0]
        query = self.encoder_attn_layer_norm(x).reshape(b, rows // b * length, width)
        o, p = self.encoder_attn(query, memory)
        x = x + o.reshape(rows, length, width)
        x = x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))
        return x, p


class Encoder(nn.Module):
    """Two convolutions, fixed sinusoids, transformer layers."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        d = size.width
        self.conv1 = nn.Conv1d(size.mels, d, 3, padding=1)
        self.conv2 = nn.Conv1d(d, d, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(size.frames, d)
        self.embed_positions.weight.data.copy_(sinusoids(size.frames, d))
        self.embed_positions.weight.requires_grad = False
        self.layers = nn.ModuleList([EncoderLayer(d, size.heads) for _ in range(size.encoder_layers)])
        self.layer_norm = nn.LayerNorm(d)

    def forward(self, mel: torch.Tensor, offset: torch.Tensor | None = None) -> torch.Tensor:
        """mel (B, 80, T), offset (B,) of the first position -> (B, T / 2, D)."""
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)
        at = torch.arange(x.shape[1])
        places = at if offset is None else offset[:, None] + at
        x = x + self.embed_positions.weight[places].to(x.dtype)
        for layer in self.layers:
            x = layer(x)
        return self.layer_norm(x)


class Decoder(nn.Module):
    """Learned positions, transformer layers; the output projection is the embedding."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        d = size.width
        self.embed_tokens = nn.Embedding(size.vocabulary, d)
        self.embed_positions = nn.Embedding(size.positions, d)
        self.layers = nn.ModuleList([DecoderLayer(d, size.heads) for _ in range(size.decoder_layers)])
        self.layer_norm = nn.LayerNorm(d)

    def forward(self, ids: torch.Tensor, memory: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """ids (B * R, L) -> hidden (B * R, L, D) and the cross-attention of each layer (B, H, R * L, S)."""
        x = self.embed_tokens(ids) + self.embed_positions.weight[: ids.shape[1]]
        attention = []
        for layer in self.layers:
            x, p = layer(x, memory)
            attention.append(p)
        return self.layer_norm(x), attention


class Body(nn.Module):
    """Encoder and decoder under the names Hugging Face gives them."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.encoder = Encoder(size)
        self.decoder = Decoder(size)


class Network(nn.Module):
    """The model and the two training heads on the encoder: phoneme of each frame, word token of each frame."""

    def __init__(self, size: Size, time0: int) -> None:
        super().__init__()
        self.size = size
        d = size.width
        self.model = Body(size)
        self.phone = nn.Linear(d, size.phones)
        self.word = nn.Linear(d, d)
        for name, p in self.named_parameters():
            if p.dim() >= 2 and "embed" not in name and "conv" not in name:
                nn.init.normal_(p, std=0.7 * p.shape[1] ** -0.5)
            if name.endswith("bias"):
                nn.init.zeros_(p)
        for layers in (self.model.encoder.layers, self.model.decoder.layers):
            for layer in layers:
                for m in layer.modules():
                    if isinstance(m, Attention):
                        m.out_proj.weight.data *= (2 * len(layers)) ** -0.5
                layer.fc2.weight.data *= (2 * len(layers)) ** -0.5
        decoder = self.model.decoder
        nn.init.normal_(decoder.embed_tokens.weight, std=0.03)
        nn.init.normal_(decoder.embed_positions.weight, std=0.02)
        # Timestamps start as the encoder's own positions, so that pointing at a frame is nearly naming its time.
        decoder.embed_tokens.weight.data[time0:] = 0.04 * sinusoids(size.vocabulary - time0, d)
