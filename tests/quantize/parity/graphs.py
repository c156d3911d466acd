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


def encoder(style, half=False):
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
    for layer in range(LAYERS):
        x = b.block(x, N, HEADS, f"blocks.{layer}", style)
    y = b.layer_norm(x, N, "ln_post")
    return model([y], [mel], f"encoder_{style}"), [{"mel": normal(b.rng, 1, MELS, 40)} for _ in range(6)]


def encoder_openai():
    return Case(*encoder("openai"), {"smooth_quant_alpha": 0.5})


def encoder_hf():
    return Case(*encoder("hf"), {"smooth_quant_alpha": 0.5})


def encoder_sdpa():
    return Case(*encoder("sdpa"))


def encoder_half():
    # NNCF takes its ranges from a second pass, over a model whose smoothed weights were rounded to f16.
    return Case(*encoder("openai", half=True), {"smooth_quant_alpha": 0.5}, relative=1e-3)


CASES = {f.__name__: f for f in [encoder_openai, encoder_hf, encoder_sdpa, encoder_half]}
