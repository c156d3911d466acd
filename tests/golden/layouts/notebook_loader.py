"""The pair of the OpenVINO notebook 227-whisper as that notebook makes and runs it, on openai-whisper.

openai-whisper's decoder is patched so that keys and values of earlier tokens are arguments and results; the two
classes run such an IR pair in its place. Written after the published description of the notebook's utils.py
(openvino_notebooks, 2023.1): bind by position, caches [batch, n_past, n_state], cross-attention recomputed.
"""
import functools

import numpy as np
import openvino as ov
import torch
from whisper.model import disable_sdpa


def attention(module, x, xa=None, mask=None, past=None):
    q = module.query(x)
    k, v = (module.key(x), module.value(x)) if xa is None else (module.key(xa), module.value(xa))
    if past is not None:
        k, v = torch.cat([past[0], k], dim=1), torch.cat([past[1], v], dim=1)
    with disable_sdpa():
        wv, _ = module.qkv_attention(q, k, v, mask)
    return module.out(wv), (k, v)


def decoder_forward(decoder, x, xa, caches):
    """x [batch, n_tokens], xa [batch, n_frames, n_state], caches k0, v0, k1, ... → logits, the longer caches."""
    offset = caches[0].shape[1]
    x = decoder.token_embedding(x) + decoder.positional_embedding[offset : offset + x.shape[-1]]
    grown = []
    for i, block in enumerate(decoder.blocks):
        said, cache = attention(block.attn, block.attn_ln(x), mask=decoder.mask, past=caches[2 * i : 2 * i + 2])
        x = x + said
        x = x + attention(block.cross_attn, block.cross_attn_ln(x), xa=xa)[0]
        x = x + block.mlp(block.mlp_ln(x))
        grown.extend(cache)
    x = decoder.ln(x)
    return x @ decoder.token_embedding.weight.T, grown


class TracedDecoder(torch.nn.Module):
    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, x, xa, caches):
        logits, grown = decoder_forward(self.decoder, x, xa, caches)
        return (logits, *grown)


class OpenVINOAudioEncoder(torch.nn.Module):
    def __init__(self, core, path):
        super().__init__()
        self.compiled = core.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        self.output = self.compiled.output(0)

    def forward(self, mel):
        return torch.from_numpy(self.compiled(mel)[self.output])


class OpenVINOTextDecoder(torch.nn.Module):
    """Feeds by name as the notebook does: "x", "xa", the others in order."""

    def __init__(self, core, path):
        super().__init__()
        model = core.read_model(path)
        self.names = [inp.any_name for inp in model.inputs]
        self.compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def forward(self, x, xa, kv_cache=None):
        feed = {"x": ov.Tensor(x.numpy()), "xa": ov.Tensor(xa.numpy())}
        rest = [name for name in self.names if name not in ("x", "xa")]
        if not kv_cache:
            empty = np.zeros((x.shape[0], 0, xa.shape[2]), np.float32)
            kv_cache = {name: empty for name in rest}
        feed.update(zip(rest, (ov.Tensor(np.ascontiguousarray(value)) for value in dict(kv_cache).values())))
        outputs = list(self.compiled(feed).values())
        return torch.from_numpy(outputs[0]), dict(zip(rest, outputs[1:]))


class Inference:
    """In the place of whisper.decoding.PyTorchInference: only the last token is fed once there is a cache."""

    def __init__(self, model, initial_token_length):
        self.model, self.initial_token_length, self.cache = model, initial_token_length, None

    def logits(self, tokens, audio_features):
        if self.cache:
            tokens = tokens[:, -1:]
        logits, self.cache = self.model.decoder(tokens, audio_features, self.cache)
        return logits

    def rearrange_kv_cache(self, source_indices):
        self.cache = {name: value[source_indices] for name, value in self.cache.items()}

    def cleanup_caching(self):
        self.cache = None


def patch(model, core, encoder, decoder):
    """Puts an IR pair in the place of the model's encoder and decoder, and of its way to keep caches."""
    import whisper.decoding

    model.encoder = OpenVINOAudioEncoder(core, encoder)
    model.decoder = OpenVINOTextDecoder(core, decoder)
    model.__class__.logits = lambda self, tokens, audio: self.decoder(tokens, audio)[0]
    whisper.decoding.PyTorchInference = functools.partial(Inference)
    model.__class__.device = torch.device("cpu")
    return model
