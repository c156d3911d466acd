"""Small graphs, shaped like those of transformers, with their calibration inputs.

Each case is a function returning Case(model, inputs, options): inputs is a list of dicts {name: array}, options
what differs from the notebook's settings, under sotto's names.
"""

import dataclasses

import numpy as np
import openvino as ov
from openvino import opset13 as op


@dataclasses.dataclass
class Case:
    model: ov.Model
    inputs: list
    options: dict = dataclasses.field(default_factory=dict)
    relative: float = 1e-5  # largest difference of bounds and scales
    different: float = 1e-4  # largest share of i8 weights that differ
    counts: dict = dataclasses.field(default_factory=dict)  # of what sotto must find
    oracle: bool = True  # False: counts only


class Builder:
    """Layers with random weights; constants are f32, or f16 behind a Convert."""

    def __init__(self, seed=0, half=False):
        self.rng = np.random.default_rng(seed)
        self.half = half

    def constant(self, shape, scale=1.0, name=None):
        return self.literal(self.rng.standard_normal(shape) * scale, name)

    def literal(self, values, name=None):
        values = np.asarray(values)
        if not self.half:
            return op.constant(values.astype(np.float32), name=name)
        return op.convert(op.constant(values.astype(np.float16), name=name), ov.Type.f32)

    def linear(self, x, n_in, n_out, name, bias=True):
        weight = self.constant((n_out, n_in), n_in**-0.5, f"{name}.weight")
        y = op.matmul(x, weight, False, True, name=f"{name}/MatMul")
        if not bias:
            return y
        return op.add(y, self.constant((1, 1, n_out), 0.5, f"{name}.bias"), name=f"{name}/Add")

    def layer_norm(self, x, n, name):
        y = op.mvn(x, op.constant(np.array([-1], np.int64)), True, 1e-5, "INSIDE_SQRT", name=f"{name}/MVN")
        gain = 1 + 0.2 * self.rng.standard_normal((1, 1, n))
        gain[..., 3] *= 12  # an outlier channel, what SmoothQuant is for
        y = op.multiply(y, self.literal(gain, f"{name}.weight"), name=f"{name}/Multiply")
        return op.add(y, self.constant((1, 1, n), 0.1, f"{name}.bias"), name=f"{name}/Add")

    def heads(self, x, n_head, n, name, order=(0, 2, 1, 3)):
        y = op.reshape(x, op.constant(np.array([0, 0, n_head, n // n_head], np.int64)), True, name=f"{name}/Reshape")
        return op.transpose(y, op.constant(np.array(order, np.int64)), name=f"{name}/Transpose")

    def merge(self, x, n, name):
        y = op.transpose(x, op.constant(np.array([0, 2, 1, 3], np.int64)), name=f"{name}/out_transpose")
        return op.reshape(y, op.constant(np.array([0, 0, n], np.int64)), True, name=f"{name}/out_reshape")

    def scale(self, x, value, name):
        return op.multiply(x, self.literal(np.full((1,) * len(x.get_output_partial_shape(0)), value)), name=name)

    def attend(self, q, k, v, n_head, n, name, style="openai"):
        """q, k, v [batch, time, n] → [batch, time, n]."""
        return self.attend_heads(
            q if style == "hf_scaled" else self.heads(q, n_head, n, f"{name}/q"),
            self.heads(k, n_head, n, f"{name}/k"),
            self.heads(v, n_head, n, f"{name}/v"),
            n_head, n, name, style)

    def attend_heads(self, q, k, v, n_head, n, name, style):
        if style == "sdpa":
            y = op.scaled_dot_product_attention(q, k, v, causal=False, name=f"{name}/sdpa")
        else:
            if style == "openai":
                scale = (n // n_head) ** -0.25
                q, k = self.scale(q, scale, f"{name}/q_scale"), self.scale(k, scale, f"{name}/k_scale")
            scores = op.matmul(q, k, False, True, name=f"{name}/qk")
            y = op.matmul(op.softmax(scores, -1, name=f"{name}/softmax"), v, False, False, name=f"{name}/av")
        return self.merge(y, n, name)

    def attention(self, x, xa, n, n_head, name, style):
        q = self.linear(x, n, n, f"{name}.query")
        if style == "hf":
            q = self.scale(q, (n // n_head) ** -0.5, f"{name}/q_scale")
        k = self.linear(xa, n, n, f"{name}.key", bias=False)
        v = self.linear(xa, n, n, f"{name}.value")
        return self.linear(self.attend(q, k, v, n_head, n, name, style), n, n, f"{name}.out")

    def mlp(self, x, n, name):
        y = op.gelu(self.linear(x, n, 4 * n, f"{name}.0"), "erf", name=f"{name}/gelu")
        return self.linear(y, 4 * n, n, f"{name}.2")

    def residual(self, x, y, name):
        return op.add(x, y, name=name)

    def block(self, x, n, n_head, name, style, xa=None):
        norm = self.layer_norm(x, n, f"{name}.attn_ln")
        x = self.residual(x, self.attention(norm, norm, n, n_head, f"{name}.attn", style), f"{name}/sum1")
        if xa is not None:
            norm = self.layer_norm(x, n, f"{name}.cross_attn_ln")
            x = self.residual(x, self.attention(norm, xa, n, n_head, f"{name}.cross_attn", style), f"{name}/sum2")
        return self.residual(x, self.mlp(self.layer_norm(x, n, f"{name}.mlp_ln"), n, f"{name}.mlp"), f"{name}/sum3")


N, HEADS, LAYERS, MELS, VOCAB = 32, 4, 2, 16, 64


def parameter(shape, name, dtype=ov.Type.f32):
    p = op.parameter(ov.PartialShape(shape), dtype, name=name)
    p.output(0).get_tensor().set_names({name})
    return p


def model(results, parameters, name, sinks=()):
    m = ov.Model([op.result(r) for r in results], list(sinks), parameters, name)
    m.validate_nodes_and_infer_types()
    return m


def normal(rng, *shape):
    return (rng.standard_normal(shape) * 1.5 + 0.2).astype(np.float32)


def counts(groups, candidates, ignored):
    """SmoothQuant groups, layers with a bias to correct, nodes of ignored patterns."""
    return {"groups": groups, "candidates": candidates, "ignored": ignored}


def encoder(style, half=False, layers=LAYERS):
    b = Builder(1, half)
    mel = parameter([1, MELS, 40], "mel")
    x = mel
    for i, (n_in, stride) in enumerate([(MELS, 1), (N, 2)]):
        weight = b.constant((N, n_in, 3), (3 * n_in) ** -0.5, f"conv{i + 1}.weight")
        x = op.convolution(x, weight, [stride], [1], [1], [1], name=f"conv{i + 1}/Conv")
        x = op.add(x, b.constant((1, N, 1), 0.5, f"conv{i + 1}.bias"), name=f"conv{i + 1}/Add")
        x = op.gelu(x, "erf", name=f"gelu{i + 1}")
    x = op.transpose(x, op.constant(np.array([0, 2, 1], np.int64)), name="to_time_major")
    x = op.add(x, b.constant((1, 20, N), 0.3, "positional_embedding"), name="add_position")
    for layer in range(layers):
        x = b.block(x, N, HEADS, f"blocks.{layer}", style)
    y = b.layer_norm(x, N, "ln_post")
    return model([y], [mel], f"encoder_{style}"), [{"mel": normal(b.rng, 1, MELS, 40)} for _ in range(6)]


def encoder_openai():
    return Case(*encoder("openai"), {"smooth_quant_alpha": 0.5}, counts=counts(4 * LAYERS, 5 * LAYERS + 2, 3 * LAYERS))


def encoder_of_large():
    return Case(*encoder("openai", layers=32), counts=counts(128, 162, 96), oracle=False)


def encoder_hf():
    return Case(*encoder("hf"), {"smooth_quant_alpha": 0.5})


def encoder_sdpa():
    return Case(*encoder("sdpa"))


def encoder_half():
    # NNCF takes its ranges from a second pass, over a model whose smoothed weights were rounded to f16.
    return Case(*encoder("openai", half=True), {"smooth_quant_alpha": 0.5}, relative=1e-3)


def encoder_performance():
    return Case(*encoder("openai"), {"preset": "performance"})


def encoder_ignored():
    return Case(*encoder("openai"), {
        "ignored_names": ["blocks.0.mlp.0/MatMul"], "ignored_patterns": ["blocks.1.attn.q"], "ignored_types": ["Convolution"]})


def encoder_overflow():
    # At half range the largest weight of a channel falls exactly between two steps.
    return Case(*encoder("openai"), {"overflow_fix": "enable", "fast_bias_correction": False}, different=1e-3)


def encoder_no_smoothing():
    return Case(*encoder("openai"), {"smooth_quant_alpha": -1, "overflow_fix": "disable"})


def encoder_medians():
    return Case(*encoder("openai"), {"activation_range": ["median", "median", 1e-4], "quantize_outputs": True})


def encoder_no_outliers():
    return Case(*encoder("openai"), {"activation_range": ["mean_no_outliers", "median_no_outliers", 0.2],
                                     "ignored_subgraphs": [[["blocks.0.mlp_ln/Add"], ["blocks.0/sum3"]]]})


def encoder_extremes():
    return Case(*encoder("hf"), {"activation_range": ["min", "max", 1e-4], "compress_weights": False})


def encoder_smooth_convolutions():
    return Case(*encoder("openai"), {"smooth_quant_alpha_convolution": 0.05})


def encoder_full_correction():
    return Case(*encoder("openai"), {"full_bias_correction": True})


def decoder_full_correction():
    return Case(*decoder("openai"), {"full_bias_correction": True})


def shape_dim(x, axis):
    return op.gather(op.shape_of(x), op.constant(np.array([axis], np.int64)), op.constant(np.array(0, np.int64)))


def embed(b, tokens, past_length, table):
    """Token rows plus the rows of the positions that follow the cache."""
    x = op.gather(table, tokens, op.constant(np.array(0, np.int64)), name="embed_tokens")
    end = op.add(past_length, shape_dim(tokens, 1))
    positions = op.slice(b.constant((24, N), 0.3, "positional_embedding"), past_length, end,
                         op.constant(np.array([1], np.int64)), op.constant(np.array([0], np.int64)), name="positions")
    return op.add(x, positions, name="add_position")


def decoder(style, half=False, tied=True, result_on_concat=True, layers=LAYERS):
    """The notebook's decoder: self-attention K and V come in and go out, xa is projected at every step."""
    b = Builder(2, half)
    tokens, xa = parameter([1, -1], "tokens", ov.Type.i64), parameter([1, 20, N], "xa")
    parameters, results = [tokens, xa], []
    for layer in range(layers):
        parameters += [parameter([1, -1, N], f"past_{kv}_{layer}") for kv in "kv"]
    table = b.constant((VOCAB, N), 0.5, "token_embedding")
    x = embed(b, tokens, shape_dim(parameters[2], 1), table)
    for layer in range(layers):
        name = f"blocks.{layer}"
        norm = b.layer_norm(x, N, f"{name}.attn_ln")
        q = b.linear(norm, N, N, f"{name}.attn.query")
        k, v = b.linear(norm, N, N, f"{name}.attn.key", bias=False), b.linear(norm, N, N, f"{name}.attn.value")
        new = [k, v]
        k, v = (op.concat([parameters[2 + 2 * layer + i], y], 1, name=f"{name}/{kv}_cache") for i, (kv, y) in enumerate(zip("kv", new)))
        results += [k, v] if result_on_concat else new
        if style == "hf":
            q = b.scale(q, (N // HEADS) ** -0.5, f"{name}/q_scale")
        y = b.linear(b.attend(q, k, v, HEADS, N, f"{name}.attn", style), N, N, f"{name}.attn.out")
        x = b.residual(x, y, f"{name}/sum1")
        norm = b.layer_norm(x, N, f"{name}.cross_attn_ln")
        x = b.residual(x, b.attention(norm, xa, N, HEADS, f"{name}.cross_attn", style), f"{name}/sum2")
        x = b.residual(x, b.mlp(b.layer_norm(x, N, f"{name}.mlp_ln"), N, f"{name}.mlp"), f"{name}/sum3")
    x = b.layer_norm(x, N, "ln")
    weight = table if tied else b.constant((VOCAB, N), 0.2, "logits.weight")
    logits = op.matmul(x, weight, False, True, name="logits")
    inputs = []
    for sentence in range(3):
        encoded = normal(b.rng, 1, 20, N)
        for step in range(3):
            # NNCF reads uninitialized memory where it observes the empty cache itself, not its concatenation.
            n_past, n_new = (0 if result_on_concat else 2, 4) if step == 0 else (3 + step, 1)
            sample = {"tokens": b.rng.integers(0, VOCAB, (1, n_new)), "xa": encoded}
            sample |= {p.get_friendly_name(): normal(b.rng, 1, n_past, N) for p in parameters[2:]}
            inputs.append(sample)
    return model([logits, *results], parameters, f"decoder_{style}"), inputs


def decoder_openai():
    return Case(*decoder("openai"))


def decoder_hf():
    return Case(*decoder("hf"))


def decoder_sdpa():
    return Case(*decoder("sdpa"))


def decoder_untied():
    return Case(*decoder("openai", tied=False), counts=counts(6 * LAYERS + 2, 8 * LAYERS, 6 * LAYERS))


def decoder_of_large():
    return Case(*decoder("openai", tied=False, layers=32), counts=counts(194, 256, 192), oracle=False)


def decoder_half():
    return Case(*decoder("openai", half=True), relative=1e-3)


def decoder_cache_inside():
    return Case(*decoder("hf", result_on_concat=False))


def stateful():
    """optimum-intel's decoder: caches in state, cross-attention K and V computed where their state starts."""
    b = Builder(10)
    tokens, xa, beam = parameter([-1, -1], "tokens", ov.Type.i64), parameter([-1, -1, N], "xa"), parameter([-1], "beam_idx", ov.Type.i32)
    d, sinks = N // HEADS, []

    def state(initial, name):
        return op.read_value(initial, name, ov.Type.f32, ov.PartialShape([-1, HEADS, -1, d]), name=f"{name}/ReadValue")

    def keep(value, past, name):
        sinks.append(op.assign(value, name, name=f"{name}/Assign"))

    empty = op.broadcast(op.constant(np.float32(0)), op.concat([shape_dim(tokens, 0), op.constant(np.array([HEADS, 0, d], np.int64))], 0), name="empty")
    table = b.constant((VOCAB, N), 0.5, "token_embedding")
    x, scale = None, (N // HEADS) ** -0.5
    for layer in range(LAYERS):
        name = f"blocks.{layer}"
        past = [state(empty, f"{name}.past_{kv}") for kv in "kv"]
        cross = [state(b.heads(b.linear(xa, N, N, f"{name}.cross_attn.{w}", bias=w == "value"), HEADS, N, f"{name}.cross_attn.{w}"),
                       f"{name}.cross_{w}") for w in ("key", "value")]
        if x is None:
            x = embed(b, tokens, shape_dim(past[0], 2), table)
        norm = b.layer_norm(x, N, f"{name}.attn_ln")
        q, k, v = (b.linear(norm, N, N, f"{name}.attn.{w}", bias=w != "key") for w in ("query", "key", "value"))
        q = b.heads(b.scale(q, scale, f"{name}.attn/scale"), HEADS, N, f"{name}.attn.query")
        kv = []
        for p, new, w in zip(past, (k, v), "kv"):
            rows = op.gather(p, beam, op.constant(np.array(0, np.int64)), name=f"{name}.past_{w}/Gather")
            kv.append(op.concat([rows, b.heads(new, HEADS, N, f"{name}.attn.{w}")], 2, name=f"{name}.past_{w}/Concat"))
            keep(kv[-1], p, f"{name}.past_{w}")
        x = b.residual(x, b.linear(b.attend_heads(q, *kv, HEADS, N, f"{name}.attn", "sdpa"), N, N, f"{name}.attn.out"), f"{name}/sum1")
        norm = b.layer_norm(x, N, f"{name}.cross_attn_ln")
        q = b.scale(b.linear(norm, N, N, f"{name}.cross_attn.query"), scale, f"{name}.cross_attn/scale")
        y = b.attend_heads(b.heads(q, HEADS, N, f"{name}.cross_attn.query"), *cross, HEADS, N, f"{name}.cross_attn", "sdpa")
        for c, w in zip(cross, ("key", "value")):
            keep(c, c, f"{name}.cross_{w}")
        x = b.residual(x, b.linear(y, N, N, f"{name}.cross_attn.out"), f"{name}/sum2")
        x = b.residual(x, b.mlp(b.layer_norm(x, N, f"{name}.mlp_ln"), N, f"{name}.mlp"), f"{name}/sum3")
    logits = op.matmul(b.layer_norm(x, N, "ln"), table, False, True, name="logits")
    inputs = []
    for sentence in range(3):
        encoded = normal(b.rng, 1, 20, N)
        for step in range(4):
            inputs.append({"tokens": b.rng.integers(0, VOCAB, (1, 4 if step == 0 else 1)), "xa": encoded,
                           "beam_idx": np.zeros(1, np.int32), "nncf_reset_state": step == 0})
    return Case(model([logits], [tokens, xa, beam], "stateful", sinks), inputs)


def fused_qkv():
    b = Builder(3)
    x = parameter([1, -1, N], "x")
    y = b.linear(x, N, 3 * N, "qkv")
    y = op.reshape(y, op.constant(np.array([0, 0, 3, HEADS, N // HEADS], np.int64)), True, name="split_heads")
    y = op.transpose(y, op.constant(np.array([2, 0, 3, 1, 4], np.int64)), name="qkv_first")
    y = op.split(y, op.constant(np.array(0, np.int64)), 3, name="split")
    q, k, v = (op.squeeze(y.output(i), op.constant(np.array([0], np.int64)), name=f"squeeze_{i}") for i in range(3))
    y = b.linear(b.attend_heads(q, k, v, HEADS, N, "attn", "hf"), N, N, "out")
    return Case(model([y], [x], "fused_qkv"), [{"x": normal(b.rng, 1, n, N)} for n in (5, 7, 1)])


def fused_qkv_reshaped():
    b = Builder(4)
    x = parameter([1, -1, N], "x")
    y = op.variadic_split(b.linear(x, N, 3 * N, "qkv"), op.constant(np.array(2, np.int64)),
                          op.constant(np.array([N, N, N], np.int64)), name="split")
    y = b.linear(b.attend(y.output(0), y.output(1), y.output(2), HEADS, N, "attn", "openai"), N, N, "out")
    return Case(model([y], [x], "fused_qkv"), [{"x": normal(b.rng, 1, n, N)} for n in (5, 7, 1)])


def post_norm():
    b = Builder(5)
    x = parameter([1, -1, N], "x")
    y = x
    for layer in range(2):
        name = f"blocks.{layer}"
        y = b.layer_norm(op.add(y, b.attention(y, y, N, HEADS, f"{name}.attn", "hf"), name=f"{name}/sum1"), N, f"{name}.ln1")
        y = b.layer_norm(op.add(y, b.mlp(y, N, f"{name}.mlp"), name=f"{name}/sum2"), N, f"{name}.ln2")
    return Case(model([y], [x], "post_norm"), [{"x": normal(b.rng, 1, n, N)} for n in (5, 7, 1, 9)])


def post_norm_no_smoothing():
    case = post_norm()
    case.options["smooth_quant_alpha"] = -1
    return case


def convolutions():
    b = Builder(6)
    x = parameter([1, 8, 12, 12], "x")
    y = op.convolution(x, b.constant((16, 8, 3, 3), 0.1, "stem.weight"), [1, 1], [1, 1], [1, 1], [1, 1], name="stem")
    y = op.relu(op.add(y, b.constant((1, 16, 1, 1), 0.5), name="stem_bias"), name="relu1")
    y = op.group_convolution(y, b.constant((16, 1, 1, 3, 3), 0.3), [2, 2], [1, 1], [1, 1], [1, 1], name="depthwise")
    y = op.relu(op.add(y, b.constant((1, 16, 1, 1), 0.5), name="depthwise_bias"), name="relu2")
    y = op.group_convolution(y, b.constant((2, 8, 8, 1, 1), 0.3), [1, 1], [0, 0], [0, 0], [1, 1], name="grouped")
    y = op.relu(op.add(y, b.constant((1, 16, 1, 1), 0.5), name="grouped_bias"), name="relu3")
    y = op.convolution_backprop_data(y, b.constant((16, 8, 2, 2), 0.2), [2, 2], name="up")
    y = op.relu(op.add(y, b.constant((1, 8, 1, 1), 0.5), name="up_bias"), name="relu4")
    y = op.convolution(op.max_pool(y, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0),
                       b.constant((8, 8, 3, 3), 0.1, "last.weight"), [1, 1], [0, 1], [1, 0], [1, 1], name="last")
    return Case(model([op.add(y, b.constant((1, 8, 1, 1), 0.5), name="last_bias")], [x], "convolutions"),
                [{"x": normal(b.rng, 1, 8, 12, 12)} for _ in range(4)])


def concatenation():
    b = Builder(7)
    x, z = parameter([1, 6, 10], "x"), parameter([1, 10, 10], "z")
    y = [op.relu(op.convolution(p, b.constant((8, n, 3), 0.2), [1], [1], [1], [1], name=f"conv_{n}"), name=f"relu_{n}")
         for p, n in ((x, 6), (z, 10))]
    y = op.concat([*y, z], 1, name="concat")
    y = op.convolution(y, b.constant((8, 26, 1), 0.2), [1], [0], [0], [1], name="mix")
    return Case(model([op.add(y, b.constant((1, 8, 1), 0.5), name="mix_bias")], [x, z], "concatenation"),
                [{"x": normal(b.rng, 1, 6, 10), "z": 3 * normal(b.rng, 1, 10, 10)} for _ in range(4)])


def squeeze_excite():
    b = Builder(8)
    x = parameter([1, 8, 12, 12], "x")
    y = op.relu(op.convolution(x, b.constant((16, 8, 3, 3), 0.1), [1, 1], [1, 1], [1, 1], [1, 1], name="stem"), name="relu")
    g = op.reduce_mean(y, op.constant(np.array([2, 3], np.int64)), True, name="pool")
    g = op.add(op.convolution(g, b.constant((4, 16, 1, 1), 0.3), [1, 1], [0, 0], [0, 0], [1, 1], name="squeeze"),
               b.constant((1, 4, 1, 1), 0.5), name="squeeze_bias")
    g = op.add(op.convolution(op.relu(g, name="relu_g"), b.constant((16, 4, 1, 1), 0.3), [1, 1], [0, 0], [0, 0], [1, 1], name="excite"),
               b.constant((1, 16, 1, 1), 0.5), name="excite_bias")
    y = op.multiply(y, op.sigmoid(g, name="gate"), name="gated")
    y = op.convolution(y, b.constant((4, 16, 1, 1), 0.3), [1, 1], [0, 0], [0, 0], [1, 1], name="head")
    return Case(model([y], [x], "squeeze_excite"), [{"x": normal(b.rng, 1, 8, 12, 12)} for _ in range(3)])


def rotary():
    b = Builder(9)
    x, positions = parameter([1, -1, N], "x"), parameter([1, 1, -1], "positions")
    d = N // HEADS
    angles = op.matmul(op.reshape(b.constant((d // 2,)), op.constant(np.array([1, d // 2, 1], np.int64)), False), positions, False, False, name="angles")
    angles = op.transpose(angles, op.constant(np.array([0, 2, 1], np.int64)), name="angles_t")
    angles = op.concat([angles, angles], 2, name="angles_c")
    cos, sin = (op.unsqueeze(f(angles), op.constant(np.array([1], np.int64))) for f in (op.cos, op.sin))

    def rotate(y):
        halves = op.split(y, op.constant(np.array(3, np.int64)), 2)
        swapped = op.concat([op.negative(halves.output(1)), halves.output(0)], 3)
        return op.add(op.multiply(y, cos), op.multiply(swapped, sin))

    q, k, v = (b.heads(b.linear(x, N, N, n), HEADS, N, n) for n in ("q", "k", "v"))
    y = b.linear(b.attend_heads(rotate(q), rotate(k), v, HEADS, N, "attn", "hf"), N, N, "out")
    # NNCF multiplies the positions, of one channel, by a scale that belongs to the frequencies.
    return Case(model([y], [x, positions], "rotary"),
                [{"x": normal(b.rng, 1, n, N), "positions": np.arange(n, dtype=np.float32).reshape(1, 1, n)} for n in (5, 7, 2)],
                {"smooth_quant_alpha": -1})


def pattern_position_encoding():
    """SAM's: MatMul → Multiply → sine and cosine → Concat."""
    b = Builder(11)
    x = parameter([1, -1, 8], "x")
    angles = op.multiply(b.linear(x, 8, N // 2, "frequencies", bias=False), b.literal([[[6.28]]]), name="turns")
    y = op.concat([op.sin(angles, name="sine"), op.cos(angles, name="cosine")], 2, name="waves")
    y = b.linear(y, N, N, "out")
    return Case(model([y], [x], "position_encoding"), [{"x": normal(b.rng, 1, n, 8)} for n in (5, 7, 3)])


def pattern_batch_norm():
    """A batch normalization behind a linear layer: Unsqueeze → Multiply → Add → Squeeze."""
    b = Builder(12)
    x = parameter([4, N], "x")
    axis = op.constant(np.array([2], np.int64))
    y = op.unsqueeze(op.matmul(x, b.constant((N, N), N**-0.5), False, True, name="first"), axis, name="as_image")
    y = op.multiply(y, b.literal(1 + 0.2 * b.rng.standard_normal((1, N, 1))), name="gain")
    y = op.squeeze(op.add(y, b.constant((1, N, 1), 0.3), name="offset"), axis, name="as_rows")
    y = op.add(op.matmul(op.relu(y, name="relu"), b.constant((N, N), N**-0.5), False, True, name="second"),
               b.constant((1, N), 0.5), name="second_bias")
    return Case(model([y], [x], "batch_norm"), [{"x": normal(b.rng, 4, N)} for _ in range(4)])


def pattern_mask():
    """Equal → LogicalNot, as masks of padding are made."""
    b = Builder(13)
    x = parameter([1, -1, N], "x")
    y = b.linear(x, N, N, "first")
    mask = op.logical_not(op.equal(y, op.constant(np.float32(0)), name="equal"), name="inverse")
    y = b.linear(op.multiply(y, op.convert(mask, ov.Type.f32), name="masked"), N, N, "second")
    return Case(model([y], [x], "mask"), [{"x": normal(b.rng, 1, n, N)} for n in (5, 7, 3)])


def depthwise_by_extremes():
    """Ranges by channel, with an estimator of their own."""
    case = convolutions()
    case.options |= {"activation_range": ["mean", "max", 1e-4], "preset": "performance"}
    return case


def changed(case, **options):
    case.options |= options
    return case


def encoder_symmetric_activations():
    return changed(encoder_openai(), activations_quantization_mode="symmetric")


def encoder_asymmetric_activations():
    return changed(encoder_sdpa(), activations_quantization_mode="asymmetric", preset="performance")


def encoder_asymmetric_weights():
    return changed(encoder_hf(), weights_quantization_mode="asymmetric", overflow_fix="disable")


def encoder_asymmetric_half():
    return changed(encoder_half(), weights_quantization_mode="asymmetric", overflow_fix="disable")


def encoder_asymmetric_quantizers():
    return changed(encoder_openai(), weights_quantization_mode="asymmetric", overflow_fix="disable", compress_weights=False)


def encoder_weights_per_tensor():
    return changed(encoder_openai(), weights_per_channel=False)


def encoder_weights_per_tensor_overflow():
    return changed(encoder_openai(), weights_per_channel=False, overflow_fix="enable")


def decoder_asymmetric_weights_per_tensor():
    return changed(decoder_openai(), weights_quantization_mode="asymmetric", weights_per_channel=False, overflow_fix="disable")


def depthwise_per_tensor():
    return changed(convolutions(), activations_per_channel=False)


def depthwise_asymmetric():
    return changed(convolutions(), weights_quantization_mode="asymmetric", activations_quantization_mode="symmetric",
                   overflow_fix="disable")


def depthwise_beside_convolution():
    b = Builder(14)
    x = parameter([1, 8, 12, 12], "x")
    y = op.relu(op.convolution(x, b.constant((8, 8, 3, 3), 0.1), [1, 1], [1, 1], [1, 1], [1, 1], name="stem"), name="relu")
    u = op.group_convolution(y, b.constant((8, 1, 1, 3, 3), 0.3), [1, 1], [1, 1], [1, 1], [1, 1], name="depthwise")
    v = op.convolution(y, b.constant((8, 8, 3, 3), 0.1), [1, 1], [1, 1], [1, 1], [1, 1], name="beside")
    return Case(model([u, v], [x], "beside"), [{"x": normal(b.rng, 1, 8, 12, 12)} for _ in range(4)])


CASES = {f.__name__: f for f in [
    encoder_openai, encoder_of_large, encoder_hf, encoder_sdpa, encoder_half, encoder_performance, encoder_ignored, encoder_overflow,
    encoder_no_smoothing, encoder_medians, encoder_no_outliers, encoder_extremes, encoder_smooth_convolutions, encoder_full_correction,
    decoder_full_correction, decoder_openai, decoder_hf, decoder_sdpa, decoder_untied, decoder_of_large,
    decoder_half, decoder_cache_inside, stateful, fused_qkv, fused_qkv_reshaped, post_norm, post_norm_no_smoothing,
    convolutions, concatenation, squeeze_excite, rotary, pattern_position_encoding,
    pattern_batch_norm, pattern_mask, depthwise_by_extremes, encoder_symmetric_activations, encoder_asymmetric_activations,
    encoder_asymmetric_weights, encoder_asymmetric_half, encoder_asymmetric_quantizers, encoder_weights_per_tensor,
    encoder_weights_per_tensor_overflow, decoder_asymmetric_weights_per_tensor, depthwise_per_tensor, depthwise_asymmetric,
    depthwise_beside_convolution]}
