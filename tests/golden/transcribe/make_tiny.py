#!/usr/bin/env python3
"""Writes tiny/: a random Whisper of 30 s windows and what openai-whisper makes of the demo's media with it.

The weights mean nothing; they make the whole path (mel, encoder, decoder, rules, windows) answerable to the
reference without trained weights. Big attention and output weights keep the tokens varied and near ties rare.

Needs openai-whisper 20250625, torch, safetensors, tokenizers, soundfile.
Run: python make_tiny.py   (half a minute; written 2026-11-23)
"""
import json
import pathlib

import torch
import whisper.tokenizer
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

import openai_reference

HERE = pathlib.Path(__file__).resolve().parent
MEDIA = HERE.parents[2] / "demo" / "media"
LANGUAGES = ["en", "de", "es", "fr"]
WIDTH, HEADS, MELS, FRAMES, POSITIONS = 32, 2, 80, 1500, 448
MERGES = ["Ġ t", "h e", "Ġt he", "i n", "e r", "Ġ a", "o n", "Ã ¼", "s t", "Ġ s"]


def tokenizer():
    alphabet = sorted(openai_reference.whisper_bytes().values())
    vocab = {c: i for i, c in enumerate(alphabet)}
    merges = [tuple(m.split()) for m in MERGES]
    for a, b in merges:
        vocab[a + b] = len(vocab)
    made = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ["endoftext", "startoftranscript", *LANGUAGES, "translate", "transcribe", "startoflm", "startofprev",
               "nospeech", "notimestamps"]
    made.add_special_tokens([AddedToken(f"<|{t}|>", special=True, normalized=False) for t in special])
    made.add_tokens([AddedToken(f"<|{i * 0.02:.2f}|>", normalized=False) for i in range(1501)])
    return made


def weights(n_vocab):
    """Seeded noise, scaled so that what is heard and said decides the next token."""
    torch.manual_seed(6)
    def noise(*shape, scale=1.0):
        return (scale * torch.randn(*shape)).half()
    tensors = {}
    def linear(name, n_out, n_in, scale=1.0, bias=True):
        tensors[name + ".weight"] = noise(n_out, n_in, scale=scale / n_in**0.5)
        if bias:
            tensors[name + ".bias"] = noise(n_out, scale=0.1)
    def norm(name):
        tensors[name + ".weight"] = (1 + 0.1 * torch.randn(WIDTH)).half()
        tensors[name + ".bias"] = noise(WIDTH, scale=0.1)
    def attention(name):
        for part, scale in (("q_proj", 1.5), ("k_proj", 1.5), ("v_proj", 1.5), ("out_proj", 1.5)):
            linear(f"{name}.{part}", WIDTH, WIDTH, scale, bias=part != "k_proj")
    def block(name, cross):
        attention(name + ".self_attn")
        norm(name + ".self_attn_layer_norm")
        if cross:
            attention(name + ".encoder_attn")
            norm(name + ".encoder_attn_layer_norm")
        linear(name + ".fc1", 4 * WIDTH, WIDTH, 1.5)
        linear(name + ".fc2", WIDTH, 4 * WIDTH, 1.5)
        norm(name + ".final_layer_norm")
    for i, n_in in ((1, MELS), (2, WIDTH)):
        tensors[f"model.encoder.conv{i}.weight"] = noise(WIDTH, n_in, 3, scale=2 / (3 * n_in) ** 0.5)
        tensors[f"model.encoder.conv{i}.bias"] = noise(WIDTH, scale=0.1)
    tensors["model.encoder.embed_positions.weight"] = noise(FRAMES, WIDTH, scale=0.3)
    tensors["model.decoder.embed_positions.weight"] = noise(POSITIONS, WIDTH, scale=0.7)
    embedding = torch.randn(n_vocab, WIDTH)
    embedding[-1501:] *= 0.75  # timestamps are many: let text have its turn
    embedding[-1511:-1501] *= 0.1  # languages and tasks are no text
    tensors["model.decoder.embed_tokens.weight"] = embedding.half()
    block("model.encoder.layers.0", False)
    block("model.decoder.layers.0", True)
    block("model.decoder.layers.1", True)
    norm("model.encoder.layer_norm")
    norm("model.decoder.layer_norm")
    signs = torch.randint(0, 2, (WIDTH,)) * 2 - 1  # otherwise tied embeddings make every token repeat itself
    tensors["model.decoder.layer_norm.weight"] *= signs.half()
    return tensors


def write_checkpoint(directory):
    directory.mkdir(exist_ok=True)
    made = tokenizer()
    ids = {t: made.token_to_id(f"<|{t}|>") for t in ["endoftext", "startoftranscript", "translate", "transcribe",
                                                      "startofprev", "notimestamps", *LANGUAGES]}
    n_vocab = made.get_vocab_size()
    save_file(weights(n_vocab), directory / "model.safetensors", metadata={"format": "pt"})
    shape = {"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"], "d_model": WIDTH,
             "encoder_layers": 1, "decoder_layers": 2, "encoder_attention_heads": HEADS,
             "decoder_attention_heads": HEADS, "encoder_ffn_dim": 4 * WIDTH, "decoder_ffn_dim": 4 * WIDTH,
             "num_mel_bins": MELS, "max_source_positions": FRAMES, "max_target_positions": POSITIONS,
             "vocab_size": n_vocab, "activation_function": "gelu", "tie_word_embeddings": True,
             "decoder_start_token_id": ids["startoftranscript"], "eos_token_id": ids["endoftext"]}
    generation = {"lang_to_id": {f"<|{c}|>": ids[c] for c in LANGUAGES},
                  "task_to_id": {"transcribe": ids["transcribe"], "translate": ids["translate"]},
                  "alignment_heads": [[0, 1], [1, 0]], "is_multilingual": True, "max_initial_timestamp_index": 50,
                  "no_timestamps_token_id": ids["notimestamps"], "prev_sot_token_id": ids["startofprev"],
                  "decoder_start_token_id": ids["startoftranscript"], "eos_token_id": ids["endoftext"]}
    for name, value in (("config", shape), ("generation_config", generation)):
        (directory / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n")
    compact = json.loads(made.to_str())
    (directory / "tokenizer.json").write_text(json.dumps(compact, ensure_ascii=False, separators=(",", ":")) + "\n")


CASES = [
    ("en.flac", None, {}),
    ("en.flac", None, {"language": "en", "beam_size": 5}),
    ("en.flac", None, {"language": "de", "without_timestamps": True}),
    ("en.flac", None, {"language": "de", "task": "translate", "beam_size": 3, "patience": 2.0}),
    ("en.flac", 3.21, {"language": "fr", "beam_size": 2, "length_penalty": 0.6}),
    ("en.flac", 0.5, {}),
    ("demo.flac", None, {"language": "en"}),
    ("demo.flac", 65.0, {"language": "en", "condition_on_previous_text": False}),
    ("en.flac", None, {"language": "en", "word_timestamps": True}),
    ("demo.flac", 40.0, {"language": "de", "word_timestamps": True, "beam_size": 2, "hallucination_silence_threshold": 1.0}),
    ("demo.flac", 45.0, {"language": "en", "initial_prompt": "the inner", "carry_initial_prompt": True, "beam_size": 2}),
]


TEXTS = [" Hello, world.", " well-known (or not)... \"quoted\"", "Grüße, the inner stone!", " 東京 は 晴れ。", " a\u3000b", "it's 3.14 %"]


def splits():
    """Words of texts, with their tokens, as the reference splits them."""
    found = []
    for language in ("en", "ja"):
        t = whisper.tokenizer.get_tokenizer(True, num_languages=4, language="en", task="transcribe")
        split = t.split_tokens_on_spaces if language == "en" else t.split_tokens_on_unicode
        for text in TEXTS:
            tokens = [*t.encode(text), t.eot]
            words, word_tokens = split(tokens)
            found.append({"language": language, "tokens": tokens, "words": words, "word_tokens": word_tokens})
    return found


def main():
    directory = HERE / "tiny"
    write_checkpoint(directory)
    model = openai_reference.load(directory)
    # No gate: every window's text counts, however silent or improbable the noise finds it.
    gates = {"logprob_threshold": None, "no_speech_threshold": None, "compression_ratio_threshold": None}
    cases = [
        {"media": media, "end_s": end_s, "options": options,
         "result": openai_reference.run(model, MEDIA / media, {**gates, "sample_len": 24, **options}, end_s)}
        for media, end_s, options in CASES
    ]
    golden = {"whisper": "20250625", "crc32": openai_reference.crc32(directory / "model.safetensors"), "cases": cases, "splits": splits()}
    (directory / "golden.json").write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")
    for case in cases:
        result = case["result"]
        print(case["media"], case["options"], result["language"], len(result["segments"]), repr(result["text"][:70]))


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
