"""Byte-level BPE vocabulary with Whisper's special and timestamp tokens, in Whisper's own order."""

from __future__ import annotations

import argparse
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

import grammar

BPE_SIZE = 2000
TIMESTAMPS = 1501
SPECIAL = [
    "<|endoftext|>",
    "<|startoftranscript|>",
    *(f"<|{language}|>" for language in grammar.LANGUAGES),
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
]


def build(sentences: int = 30000, seed: int = 5) -> Tokenizer:
    """Train the vocabulary on grammar sentences of all four languages."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=BPE_SIZE,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[],
        show_progress=False,
    )
    tokenizer.train_from_iterator((" " + text for s in grammar.sample(sentences, seed) for text in s), trainer)
    assert tokenizer.get_vocab_size() == BPE_SIZE, tokenizer.get_vocab_size()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(f"<|{i * 0.02:.2f}|>", special=False, normalized=False) for i in range(TIMESTAMPS)])
    return tokenizer


class Vocabulary:
    """The tokenizer with the ids the recipe needs by name."""

    def __init__(self, path: str | Path) -> None:
        self.tokenizer = Tokenizer.from_file(str(path))
        get = self.tokenizer.token_to_id
        self.size = self.tokenizer.get_vocab_size()
        self.eot = get("<|endoftext|>")
        self.sot = get("<|startoftranscript|>")
        self.language = [get(f"<|{language}|>") for language in grammar.LANGUAGES]
        self.translate = get("<|translate|>")
        self.transcribe = get("<|transcribe|>")
        self.lm = get("<|startoflm|>")
        self.prev = get("<|startofprev|>")
        self.nospeech = get("<|nospeech|>")
        self.notimestamps = get("<|notimestamps|>")
        self.time0 = get("<|0.00|>")
        self.blank = get("Ġ")

    def decode(self, ids: list[int]) -> str:
        """Text of the ids, special and timestamp tokens left out."""
        return self.tokenizer.decode([i for i in ids if i < self.eot]).strip()


def main() -> None:
    """Write tokenizer.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="tokenizer.json to write")
    args = parser.parse_args()
    tokenizer = build()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(args.out))
    pieces = [len(tokenizer.encode(" " + s[i]).ids) for s in grammar.sample(1000, 9) for i in range(4)]
    print(f"{tokenizer.get_vocab_size()} tokens, {sum(pieces) / len(pieces):.2f} tokens a sentence")


if __name__ == "__main__":
    main()
