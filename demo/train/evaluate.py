"""Figures of an exported model on held-out sentences in held-out voices, decoded greedily with Whisper's timestamp rules."""

from __future__ import annotations

import argparse
import json
import pickle
import re
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import features
import grammar
import model
import synth
import testset
from tokenizer import Vocabulary

MAX_TOKENS = 224


def load(folder: Path) -> tuple[model.Network, Vocabulary]:
    """The network of an exported directory, in float32."""
    v = Vocabulary(folder / "tokenizer.json")
    config = json.loads((folder / "config.json").read_text())
    size = model.Size(
        v.size,
        synth.PHONE_COUNT,
        v.time0,
        config["d_model"],
        config["encoder_attention_heads"],
        config["encoder_layers"],
        config["decoder_layers"],
    )
    net = model.Network(size, v.time0)
    weights = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
    result = net.load_state_dict(weights, strict=False)
    assert not result.unexpected_keys, result.unexpected_keys
    assert all(not key.startswith("model.") for key in result.missing_keys), result.missing_keys
    return net.eval(), v


class Session:
    """Incremental decoding of a batch: cross keys and values once, self-attention cached."""

    def __init__(self, net: model.Network, memory: torch.Tensor) -> None:
        self.decoder = net.model.decoder
        self.heads = net.size.heads
        self.length = 0
        self.cross = [
            (a._split(a.k_proj(memory)), a._split(a.v_proj(memory))) for a in (layer.encoder_attn for layer in self.decoder.layers)
        ]
        self.cache: list[tuple[torch.Tensor, torch.Tensor] | None] = [None] * len(self.decoder.layers)

    def _attend(self, a: model.Attention, x: torch.Tensor, k: torch.Tensor, v: torch.Tensor, causal: bool) -> torch.Tensor:
        b, t, d = x.shape
        q = a._split(a.q_proj(x) * (d // self.heads) ** -0.5)
        scores = torch.bmm(q, k.transpose(1, 2))
        if causal and t > 1:
            scores = scores + torch.full((t, k.shape[1]), -1e4).triu(1 + k.shape[1] - t)
        o = torch.bmm(scores.softmax(-1), v).view(b, self.heads, t, d // self.heads).transpose(1, 2).reshape(b, t, d)
        return a.out_proj(o)

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """ids (B, T) -> logits of the last position (B, V)."""
        decoder = self.decoder
        t = ids.shape[1]
        x = decoder.embed_tokens(ids) + decoder.embed_positions.weight[self.length : self.length + t]
        for i, layer in enumerate(decoder.layers):
            h = layer.self_attn_layer_norm(x)
            a = layer.self_attn
            k, v = a._split(a.k_proj(h)), a._split(a.v_proj(h))
            if self.cache[i] is not None:
                k, v = torch.cat([self.cache[i][0], k], 1), torch.cat([self.cache[i][1], v], 1)
            self.cache[i] = (k, v)
            x = x + self._attend(a, h, k, v, True)
            x = x + self._attend(layer.encoder_attn, layer.encoder_attn_layer_norm(x), *self.cross[i], False)
            x = x + layer.fc2(F.gelu(layer.fc1(layer.final_layer_norm(x))))
        self.length += t
        return decoder.layer_norm(x[:, -1]) @ decoder.embed_tokens.weight.T


def encode(net: model.Network, mels: list[np.ndarray], size: int = 8) -> torch.Tensor:
    """Encoder output of 30 s windows, (N, 1500, D)."""
    parts = [net.model.encoder(torch.from_numpy(np.stack(mels[i : i + size]))) for i in range(0, len(mels), size)]
    return torch.cat(parts)


def at_start(net: model.Network, v: Vocabulary, memory: torch.Tensor) -> tuple[list[int], list[float]]:
    """Detected language index and no-speech probability of each window, both read after <|startoftranscript|>."""
    logits = torch.cat([Session(net, m).step(torch.full((len(m), 1), v.sot)) for m in memory.split(32)])
    return logits[:, v.language].argmax(-1).tolist(), logits.softmax(-1)[:, v.nospeech].tolist()


def decode(
    net: model.Network, v: Vocabulary, memory: torch.Tensor, language: int, translate: bool, stamped: bool = True
) -> list[list[int]]:
    """Greedy tokens of each window under openai-whisper's rules."""
    out: list[list[int]] = []
    for part in memory.split(32):
        out += _decode(net, v, part, language, translate, stamped)
    return out


def _decode(net: model.Network, v: Vocabulary, memory: torch.Tensor, language: int, translate: bool, stamped: bool) -> list[list[int]]:
    count = len(memory)
    session = Session(net, memory)
    prefix = [v.sot, v.language[language], v.translate if translate else v.transcribe]
    if not stamped:
        prefix.append(v.notimestamps)
    current = torch.tensor([prefix] * count)
    rows: list[list[int]] = [[] for _ in range(count)]
    done = [False] * count
    for step in range(MAX_TOKENS):
        logits = session.step(current)
        logits[:, v.eot + 1 : v.time0] = -torch.inf
        if not stamped:
            logits[:, v.time0 :] = -torch.inf
        if step == 0:
            logits[:, [v.blank, v.eot]] = -torch.inf
        if stamped:
            for i, row in enumerate(rows):
                _timestamp_rules(logits[i], row, v)
        chosen = logits.argmax(-1).tolist()
        for i, token in enumerate(chosen):
            if not done[i]:
                if token == v.eot:
                    done[i] = True
                else:
                    rows[i].append(token)
        if all(done):
            break
        current = torch.tensor(chosen)[:, None]
    return rows


def _timestamp_rules(logits: torch.Tensor, row: list[int], v: Vocabulary) -> None:
    if not row:
        logits[: v.time0] = -torch.inf
        logits[v.time0 + 51 :] = -torch.inf
        return
    last = row[-1] >= v.time0
    before = len(row) < 2 or row[-2] >= v.time0
    if last and before:
        logits[v.time0 :] = -torch.inf
    elif last:
        logits[: v.eot] = -torch.inf
    stamps = [t for t in row if t >= v.time0]
    if stamps:
        logits[v.time0 : stamps[-1] + (0 if last and not before else 1)] = -torch.inf
    logp = logits.log_softmax(-1)
    if logp[v.time0 :].logsumexp(-1) > logp[: v.time0].max():
        logits[: v.time0] = -torch.inf


def normalise(text: str) -> list[str]:
    """Lower-case words without punctuation."""
    return re.sub(r"[^\w\s']", " ", text.lower()).split()


def errors(reference: list[str], heard: list[str]) -> int:
    """Word edit distance."""
    row = list(range(len(heard) + 1))
    for i, a in enumerate(reference, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(heard, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def accuracy(references: list[str], heard: list[str]) -> float:
    """Word accuracy in percent over all pairs."""
    pairs = [(normalise(a), normalise(b)) for a, b in zip(references, heard, strict=True)]
    return 100 * (1 - sum(errors(a, b) for a, b in pairs) / max(1, sum(len(a) for a, _ in pairs)))


def segments(tokens: list[int], v: Vocabulary) -> list[tuple[float, float]]:
    """(start, end) seconds of the segments of a decoded window."""
    out, start = [], None
    for t in tokens:
        if t >= v.time0:
            seconds = (t - v.time0) * 0.02
            if start is None:
                start = seconds
            else:
                out.append((start, seconds))
                start = None
    return out


def timed(reference: list[tuple[float, float]], heard: list[tuple[float, float]], slack: float = 0.3) -> int:
    """How many reference segments have a heard one whose start and end are both within slack seconds."""
    return sum(any(abs(a - x) <= slack and abs(b - y) <= slack for x, y in heard) for a, b in reference)


def voice_kind(voice: str) -> str:
    """Engine and speaker of a diphone voice, espeak-ng for all of its voices."""
    return voice if voice.startswith(("flite", "festival")) else "espeak-ng"


def material(count: int, seed: int, cache: Path | None) -> dict:
    """The test audio, from the cache file when there is one."""
    if cache and cache.exists():
        return pickle.loads(cache.read_bytes())
    sets = {}
    for language in range(4):
        spoken = testset.utterances(language, count, seed)
        sets[language] = (spoken, testset.windows(spoken, seed + language))
    out = {"sets": sets, "silence": testset.without_speech(40, 99)}
    if cache:
        cache.write_bytes(pickle.dumps(out))
    return out


def evaluate(folder: Path, count: int, seed: int, cache: Path | None, limit: int, singles: bool, only: list[str]) -> dict:
    """All figures, printed as they come; limit cuts the set for a look during training."""
    net, v = load(folder)
    tests = material(count, seed, cache)
    figures: dict[str, dict] = {}
    detected: list[bool] = []
    for language, name in enumerate(grammar.LANGUAGES):
        if name not in only:
            continue
        spoken, full = tests["sets"][language]
        spoken = spoken[: limit or None]
        if limit:
            full = full[: max(2, limit // 8)]
        row: dict[str, float] = {"utterances": len(spoken), "windows": len(full)}
        memory = encode(net, [features.pad_window(w.audio) for w in full])
        tokens = decode(net, v, memory, language, False)
        row["full windows"] = accuracy([" ".join(u.text for *_, u in w.spoken) for w in full], [v.decode(t) for t in tokens])
        plain = decode(net, v, memory, language, False, stamped=False)
        row["full windows, no timestamps"] = accuracy([" ".join(u.text for *_, u in w.spoken) for w in full], [v.decode(t) for t in plain])
        right = sum(timed([s[:2] for s in w.spoken], segments(t, v)) for w, t in zip(full, tokens, strict=True))
        row["segments in time"] = 100 * right / sum(len(w.spoken) for w in full)
        languages, _ = at_start(net, v, memory)
        detected += [x == language for x in languages]
        if language:
            english = decode(net, v, memory, language, True)
            row["translate, full windows"] = accuracy(
                [" ".join(u.sentence[0] for *_, u in w.spoken) for w in full], [v.decode(t) for t in english]
            )
        row["language, full windows"] = 100 * float(np.mean([x == language for x in languages]))
        sample = (full[0].spoken, v.tokenizer.decode(tokens[0], skip_special_tokens=False))
        if singles:
            memory = encode(net, [features.pad_window(u.audio) for u in spoken])
            tokens = decode(net, v, memory, language, False)
            row["utterances alone"] = accuracy([u.text for u in spoken], [v.decode(t) for t in tokens])
            for kind in sorted({voice_kind(u.voice) for u in spoken}) if language == 0 else ():
                pairs = [(u.text, v.decode(t)) for u, t in zip(spoken, tokens, strict=True) if voice_kind(u.voice) == kind]
                row[f"alone, {len(pairs)} by {kind}"] = accuracy([a for a, _ in pairs], [b for _, b in pairs])
            languages, nospeech = at_start(net, v, memory)
            detected += [x == language for x in languages]
            row["language, alone"] = 100 * float(np.mean([x == language for x in languages]))
            row["speech taken for none"] = 100 * float(np.mean([p > 0.6 for p in nospeech]))
            if language:
                english = decode(net, v, memory, language, True)
                row["translate, alone"] = accuracy([u.sentence[0] for u in spoken], [v.decode(t) for t in english])
        figures[name] = row
        print(name, " ".join(f"[{k}] {x:.1f}" for k, x in row.items()), flush=True)
        if limit:
            print("   said: ", " ".join(u.text for *_, u in sample[0]))
            print("   heard:", sample[1], flush=True)
    quiet = tests["silence"]
    memory = encode(net, [features.pad_window(x) for x in quiet])
    _, nospeech = at_start(net, v, memory)
    empty = [not v.decode(t) for t in decode(net, v, memory, 0, False)]
    figures["no speech"] = {
        "clips": len(quiet),
        "gated": 100 * float(np.mean([p > 0.6 for p in nospeech])),
        "empty without gate": 100 * float(np.mean(empty)),
    }
    figures["language detection"] = {"accuracy": 100 * float(np.mean(detected)), "windows": len(detected)}
    for name in ("no speech", "language detection"):
        print(name, " ".join(f"[{k}] {x:.1f}" for k, x in figures[name].items()), flush=True)
    return figures


def main() -> None:
    """Print the figures and, if asked, write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=240, help="utterances a language")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--cache", type=Path, help="file that keeps the test audio")
    parser.add_argument("--limit", type=int, default=0, help="use only so many utterances a language")
    parser.add_argument("--languages", default=",".join(grammar.LANGUAGES))
    parser.add_argument("--full-only", action="store_true", help="leave the single utterances out")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    started = time.time()
    with torch.no_grad():
        figures = evaluate(args.model, args.count, args.seed, args.cache, args.limit, not args.full_only, args.languages.split(","))
    print(f"{time.time() - started:.0f} s")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
