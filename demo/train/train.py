"""Train on CPU cores: one single-threaded process a core over shared parameters.

Each step is a list of micro-batches that the processes take from a shared counter, so a core that other work
slows down simply takes fewer. Gradients, parameters and optimiser state are flat shared tensors; each process
reduces and updates its own share of them (Muon on the hidden matrices, AdamW on the rest). Everything, the
optimiser included, is in the checkpoint. The schedule is a JSON list of stages, read again while training:
until (steps, or minutes with --clock minutes), lr (first, last), languages (shares), mix of micro-batches (seconds,
windows, share, chance that the encoder is frozen), micro (micro-batches a step), single (share of windows with one
sentence only: short ones, 30 s ones) and the weights of the losses.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np
import torch
import torch.multiprocessing as mp
import torch.nn.functional as F

import model
import synth
from data import IGNORE, Batch, Cache, Composer
from tokenizer import Vocabulary

STATISTICS = ("phone", "word", "ce", "text", "time", "into", "onto", "en", "de", "es", "fr", "translate")


@dataclass
class Shared:
    """Flat tensors every process maps, and the counters that run a step."""

    params: torch.Tensor
    ema: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor
    grads: torch.Tensor
    norms: torch.Tensor
    statistics: torch.Tensor
    control: torch.Tensor
    barrier: object
    counter: object
    text: object


def trainable(net: torch.nn.Module) -> list[tuple[str, torch.nn.Parameter]]:
    """Parameters in a fixed order; the encoder's sinusoids are not among them."""
    return [(n, p) for n, p in net.named_parameters() if p.requires_grad]


def is_hidden_matrix(name: str, p: torch.Tensor) -> bool:
    """Whether Muon updates this parameter."""
    return p.dim() >= 2 and ".layers." in name or ".conv" in name and p.dim() == 3


def orthogonalise(g: torch.Tensor) -> torch.Tensor:
    """Newton-Schulz iteration of Muon: the nearest semi-orthogonal matrix, approximately."""
    x = g.bfloat16()
    flipped = x.shape[0] > x.shape[1]
    if flipped:
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.T if flipped else x).float()


def losses(net: model.Network, batch: Batch, stage: dict, frozen: bool, time0: int, eot: int) -> tuple[torch.Tensor, dict[str, float]]:
    """Weighted loss of a micro-batch and its parts; frozen trains only the decoder, at a fraction of the cost."""
    mel, offset = torch.from_numpy(batch.mel), torch.from_numpy(batch.offset)
    stats: dict[str, float] = {}
    total = torch.zeros(())
    body = net.model
    with torch.autocast("cpu", dtype=torch.bfloat16):
        if frozen:
            with torch.no_grad():
                memory = body.encoder(mel, offset)
        else:
            memory = body.encoder(mel, offset)
            flat = memory.flatten(0, 1)
            if stage["phone"]:
                logits = net.phone(flat)
                loss = F.cross_entropy(logits.float(), torch.from_numpy(batch.phone).flatten(), ignore_index=IGNORE)
                stats["phone"] = loss.item()
                total = total + stage["phone"] * loss
            if stage["word"]:
                keep = torch.rand(flat.shape[0]) < stage.get("word_share", 0.5)
                goal = torch.from_numpy(batch.word).flatten()[keep]
                logits = net.word(flat[keep]) @ body.decoder.embed_tokens.weight[: net.size.words].T
                loss = F.cross_entropy(logits.float(), goal)
                stats["word"] = loss.item()
                total = total + stage["word"] * loss
        if len(batch.ids):
            hidden, attention = body.decoder(torch.from_numpy(batch.ids), memory)
            labels = torch.from_numpy(batch.labels)
            known = labels >= 0
            logits = hidden[known] @ body.decoder.embed_tokens.weight.T
    if len(batch.ids):
        goal = labels[known]
        logp = logits.float().log_softmax(-1)
        stamped = goal >= time0
        nll = -logp.gather(1, goal[:, None])[:, 0]
        # A timestamp one or two steps of 20 ms off is nearly right.
        soft = torch.zeros_like(nll)
        for shift, weight in ((0, 0.6), (-1, 0.15), (1, 0.15), (-2, 0.05), (2, 0.05)):
            near = (goal + shift).clamp(time0, net.size.vocabulary - 1)
            soft = soft - weight * logp.gather(1, torch.where(stamped, near, goal)[:, None])[:, 0]
        smooth = -logp[:, : eot + 1].mean(-1)
        each = torch.where(stamped, soft, 0.98 * nll + 0.02 * smooth)
        language = (goal > eot) & ~stamped
        weight = torch.ones_like(each) + stage.get("language_weight", 2.0) * language
        ce = (each * weight).sum() / weight.sum()
        total = total + stage["ce"] * ce
        text = goal < eot
        with torch.no_grad():
            stats["ce"] = ce.item()
            stats["text"] = nll[text].mean().item() if text.any() else float("nan")
            stats["time"] = nll[stamped].mean().item() if stamped.any() else float("nan")
            right = (logp.argmax(-1) == goal)[text].float()
            kind = torch.from_numpy(batch.kind)[:, None].expand_as(labels)[known][text]
            for i, key in enumerate(("en", "de", "es", "fr", "translate")):
                if (kind == i).any():
                    stats[key] = right[kind == i].mean().item()
        if stage["guide"]:
            for key, heads, spans in (("into", model.GUIDED_INPUT, batch.into), ("onto", model.GUIDED_OUTPUT, batch.onto)):
                loss = guided(attention, heads, torch.from_numpy(spans), len(batch.mel))
                stats[key] = loss.item()
                total = total + stage["guide"] * loss
    return total, stats


def guided(attention: list[torch.Tensor], heads: tuple, spans: torch.Tensor, windows: int) -> torch.Tensor:
    """Mean -log of the attention mass the guided heads put inside each span; spans (B * R, L, 2) in frames."""
    rows, length, _ = spans.shape
    spans = spans.view(windows, rows // windows * length, 2)
    frames = torch.arange(attention[0].shape[-1])
    where = (spans[..., 1] > spans[..., 0]).nonzero(as_tuple=True)
    if len(where[0]) == 0:
        return torch.zeros(())
    span = spans[where]
    inside = (frames >= span[:, :1]) & (frames < span[:, 1:])
    total = torch.zeros(())
    for layer, head in heads:
        p = attention[layer][where[0], head, where[1]].float()
        total = total - ((p * inside).sum(-1) + 1e-4).log().mean()
    return total / len(heads)


def stage_at(schedule: list[dict], now: float) -> dict:
    """The stage at a time, with its learning rate interpolated."""
    begin = 0.0
    for stage in schedule:
        end = stage["until"]
        if now < end or stage is schedule[-1]:
            part = min(1.0, max(0.0, (now - begin) / max(1e-6, end - begin)))
            return {**stage, "rate": stage["lr"][0] + (stage["lr"][1] - stage["lr"][0]) * part, "over": now >= end}
        begin = end
    raise ValueError("empty schedule")


def share_out(items: list[tuple[str, torch.nn.Parameter]], workers: int) -> list[list[int]]:
    """Indices of the parameters each process updates, balanced by cost."""
    cost = [(p.numel() * (12 if is_hidden_matrix(n, p) else 1), i) for i, (n, p) in enumerate(items)]
    loads, out = [0] * workers, [[] for _ in range(workers)]
    for c, i in sorted(cost, reverse=True):
        w = loads.index(min(loads))
        loads[w] += c
        out[w].append(i)
    return out


def worker(rank: int, workers: int, args: argparse.Namespace, size: model.Size, shared: Shared, step: int, spent: float) -> None:
    """One training process."""
    torch.set_num_threads(1)
    torch.manual_seed(args.seed + rank)
    v = Vocabulary(args.tokenizer)
    net = model.Network(size, v.time0)
    items = trainable(net)
    at, places = 0, []
    for _, p in items:
        view = slice(at, at + p.numel())
        p.data = shared.params[view].view_as(p)
        p.grad = shared.grads[rank, view].view_as(p)
        places.append(view)
        at += p.numel()
    mine = share_out(items, workers)[rank]
    composer = Composer(Cache(args.cache), v, args.seed * 1000 + rank + step * 17)
    started = time.time()
    saved = logged = started
    sums, counts, audio = np.zeros(len(STATISTICS)), np.zeros(len(STATISTICS)), 0.0
    base = step
    while True:
        if rank == 0:
            shared.counter.value = 0
            minutes = (time.time() - started) / 60 + spent
            if step % 20 == 0 or step == base:
                shared.text.value = args.schedule.read_text().encode()
            shared.control[0] = minutes
        shared.barrier.wait()
        if step % 20 == 0 or step == base:
            schedule = json.loads(shared.text.value)
        minutes = float(shared.control[0])
        stage = stage_at(schedule, minutes if args.clock == "minutes" else step)
        if stage["over"]:
            break
        composer.language_weights = stage["languages"]
        composer.silence = stage.get("silence", 0.04)
        composer.timestamps = stage.get("timestamps", 0.82)
        composer.corrupt = stage.get("corrupt", 0.12)
        composer.single = stage.get("single", (0.0, 0.15))
        micro = stage.get("micro", 12)
        plan = random.Random(args.seed * 1000003 + step).choices(stage["mix"], [m[2] for m in stage["mix"]], k=micro)
        plan.sort(key=lambda m: -m[0] * m[1])
        while True:
            with shared.counter.get_lock():
                k = shared.counter.value
                shared.counter.value += 1
            if k >= micro:
                break
            seconds, count, _, chance = plan[k]
            batch = composer.batch(count, seconds, stage.get("targets", 2), stage["ce"] > 0)
            frozen = stage["ce"] > 0 and composer.r.random() < chance
            total, stats = losses(net, batch, stage, frozen, v.time0, v.eot)
            (total / micro).backward()
            audio += count * seconds
            for i, key in enumerate(STATISTICS):
                if key in stats and np.isfinite(stats[key]):
                    sums[i] += stats[key]
                    counts[i] += 1
        shared.barrier.wait()
        norm = 0.0
        reduced = {}
        for i in mine:
            g = shared.grads[:, places[i]].sum(0)
            shared.grads[:, places[i]].zero_()
            norm += float(g.square().sum())
            reduced[i] = g
        shared.norms[rank] = norm
        shared.barrier.wait()
        step += 1
        scale = min(1.0, 1.0 / (float(shared.norms.sum()) ** 0.5 + 1e-6))
        warm = min(1.0, (step - args.warm_from) / (20 if args.warm_from else 100))
        rate = stage["rate"] * max(0.01, warm)
        update(items, places, reduced, shared, stage, rate, scale, step)
        if step % 50 == 0:
            shared.statistics[rank, 0] = torch.from_numpy(sums)
            shared.statistics[rank, 1] = torch.from_numpy(counts)
            shared.control[1 + rank] = audio
            sums[:], counts[:], audio = 0, 0, 0.0
        shared.barrier.wait()
        if rank == 0 and step % 50 == 0:
            s = shared.statistics.sum(0)
            mean = (s[0] / s[1].clamp(min=1)).tolist()
            now = time.time()
            heard = float(shared.control[1 : 1 + workers].sum())
            parts = " ".join(f"{k} {x:.3f}" for k, x in zip(STATISTICS, mean, strict=True))
            speed = f"{heard / (now - logged):.0f} audio-s/s {(now - logged) / 50:.2f} s/step"
            norm_text = float(shared.norms.sum()) ** 0.5
            print(f"{minutes:.1f} min step {step} [{stage['name']}] {parts} rate {rate:.4f} norm {norm_text:.2f} {speed}", flush=True)
            logged = now
            if now - saved > args.save_every:
                save(args.out, items, places, shared, net, size, step, minutes)
                saved = now
    if rank == 0:
        save(args.out, items, places, shared, net, size, step, float(shared.control[0]))
        print("schedule done", flush=True)
    shared.barrier.wait()


def update(items, places, reduced, shared: Shared, stage: dict, rate: float, scale: float, step: int) -> None:
    """Apply one optimiser step to this process's parameters and the moving average."""
    with torch.no_grad():
        for i, g in reduced.items():
            name, p = items[i]
            if stage["ce"] == 0 and name.startswith("model.decoder") and "embed_tokens" not in name:
                continue
            flat, m, v = shared.params[places[i]], shared.first[places[i]], shared.second[places[i]]
            g = g * scale
            if is_hidden_matrix(name, p):
                m.mul_(0.95).add_(g)
                look = (g + 0.95 * m).view(p.shape[0], -1)
                shape = max(1.0, look.shape[0] / look.shape[1]) ** 0.5
                flat.mul_(1 - rate * 0.1 * stage.get("decay", 0.1))
                flat.add_(orthogonalise(look).flatten(), alpha=-rate * shape)
            else:
                m.lerp_(g, 0.1)
                v.lerp_(g * g, 0.02)
                n = max(1, step)
                first, second = m / (1 - 0.9**n), v / (1 - 0.98**n)
                flat.add_(first / (second.sqrt() + 1e-8), alpha=-rate * 0.15)
            shared.ema[places[i]].lerp_(flat, min(stage.get("ema", 0.01), 1.0) if step > 200 else 1.0)


def save(out: Path, items, places, shared: Shared, net: model.Network, size: model.Size, step: int, minutes: float) -> None:
    """Write the checkpoint in one move: weights, their moving average, optimiser state, place in the schedule."""
    names = {n: (places[i].start, tuple(p.shape)) for i, (n, p) in enumerate(items)}
    data = {
        "params": shared.params.clone(),
        "ema": shared.ema.clone(),
        "first": shared.first.clone(),
        "second": shared.second.clone(),
        "names": names,
        "size": size.as_dict(),
        "step": step,
        "minutes": minutes,
    }
    part = out.with_suffix(".part")
    torch.save(data, part)
    part.replace(out)


def main() -> None:
    """Train, or go on from the checkpoint when it exists."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--schedule", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="checkpoint")
    parser.add_argument("--clock", choices=("steps", "minutes"), default="steps", help="unit of the schedule")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save-every", type=float, default=120, help="seconds")
    parser.add_argument("--decoder-layers", type=int, default=3)
    args = parser.parse_args()
    v = Vocabulary(args.tokenizer)
    torch.manual_seed(args.seed)
    size = model.Size(v.size, synth.PHONE_COUNT, v.time0, decoder_layers=args.decoder_layers)
    net = model.Network(size, v.time0)
    items = trainable(net)
    params = torch.cat([p.data.flatten() for _, p in items])
    step, spent = 0, 0.0
    ema, first, second = params.clone(), torch.zeros_like(params), torch.zeros_like(params)
    if args.out.exists():
        old = torch.load(args.out, weights_only=False)
        assert old["size"] == size.as_dict()
        params, ema, first, second = old["params"], old["ema"], old["first"], old["second"]
        step, spent = old["step"], old["minutes"]
    args.warm_from = step
    print(f"{len(params) / 1e6:.2f} M parameters, from step {step}, {spent:.1f} min", flush=True)
    context = mp.get_context("spawn")
    n = args.workers
    shared = Shared(
        params.share_memory_(),
        ema.share_memory_(),
        first.share_memory_(),
        second.share_memory_(),
        torch.zeros(n, len(params)).share_memory_(),
        torch.zeros(n, dtype=torch.float64).share_memory_(),
        torch.zeros(n, 2, len(STATISTICS), dtype=torch.float64).share_memory_(),
        torch.zeros(1 + n, dtype=torch.float64).share_memory_(),
        context.Barrier(n),
        context.Value("i", 0),
        context.Array("c", 65536),
    )
    processes = [context.Process(target=worker, args=(r, n, args, size, shared, step, spent)) for r in range(n)]
    for p in processes:
        p.start()
    for p in processes:
        p.join()


if __name__ == "__main__":
    main()
