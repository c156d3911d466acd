"""Quantizes small graphs with NNCF and with sotto and compares what came out.

Usage: compare.py SOTTO_QUANTIZE_IR [PATTERN...], with patterns of the cases in graphs.py such as "encoder_*".

Equal means: the same FakeQuantize operations at the same places with the same levels and shapes, bounds and
SmoothQuant scales within 1e-5 relative, i8 weights at least 99.99 % equal and never off by more than 1, the
same biases corrected to within one weight step of input. After full bias correction the same biases are corrected,
and the mean outputs of their layers are those of the FP model, which NNCF's are no nearer to: where two corrected
layers lead to a third, it corrects that by an input from before the second was corrected.
"""

import fnmatch
import json
import pathlib
import subprocess
import sys
import tempfile

import nncf
import numpy as np
import openvino as ov
from nncf.quantization.advanced_parameters import (AdvancedQuantizationParameters, AdvancedSmoothQuantParameters, OverflowFix,
                                                   QuantizationMode, QuantizationParameters)
from nncf.quantization.range_estimator import AggregatorType, RangeEstimatorParameters, StatisticsCollectorParameters, StatisticsType

import graphs


def keep_caches_in_f32():
    """NNCF would observe a stateful decoder through attention caches that the plugin rounds to u8."""
    compile_model = ov.Core.compile_model

    def compile_exactly(core, model, device_name=None, config=None):
        return compile_model(core, model, device_name, {**(config or {}), "KV_CACHE_PRECISION": "f32"})

    ov.Core.compile_model = compile_exactly


def quantization_parameters(options, of):
    mode = options.get(f"{of}_quantization_mode")
    return QuantizationParameters(mode=QuantizationMode(mode) if mode else None, per_channel=options.get(f"{of}_per_channel"))


def nncf_quantize(case):
    o = case.options
    fixes = {"enable": OverflowFix.ENABLE, "disable": OverflowFix.DISABLE, "first_layer_only": OverflowFix.FIRST_LAYER}
    advanced = AdvancedQuantizationParameters(
        smooth_quant_alphas=AdvancedSmoothQuantParameters(
            matmul=o.get("smooth_quant_alpha", 0.95), convolution=o.get("smooth_quant_alpha_convolution", -1)),
        overflow_fix=fixes[o.get("overflow_fix", "first_layer_only")],
        disable_bias_correction=not o.get("fast_bias_correction", True))
    advanced.activations_quantization_params = quantization_parameters(o, "activations")
    advanced.weights_quantization_params = quantization_parameters(o, "weights")
    advanced.quantize_outputs = o.get("quantize_outputs", False)
    if "activation_range" in o:
        low, high, probability = o["activation_range"]
        advanced.activations_range_estimator_params = RangeEstimatorParameters(
            min=StatisticsCollectorParameters(StatisticsType.MIN, AggregatorType(low), quantile_outlier_prob=probability),
            max=StatisticsCollectorParameters(StatisticsType.MAX, AggregatorType(high), quantile_outlier_prob=probability))
    if not o.get("compress_weights", True):
        advanced.backend_params["compress_weights"] = False
    preset = nncf.QuantizationPreset.PERFORMANCE if o.get("preset") == "performance" else nncf.QuantizationPreset.MIXED
    scope = nncf.IgnoredScope(names=o.get("ignored_names", []), patterns=o.get("ignored_patterns", []),
                              types=o.get("ignored_types", []),
                              subgraphs=[nncf.Subgraph(*part) for part in o.get("ignored_subgraphs", [])])
    return nncf.quantize(case.model, nncf.Dataset(case.inputs), subset_size=len(case.inputs), preset=preset,
                         model_type=nncf.ModelType.TRANSFORMER, ignored_scope=scope,
                         fast_bias_correction=not o.get("full_bias_correction", False), advanced_parameters=advanced)


def sotto_quantize(tool, case, directory):
    ov.save_model(case.model, directory / "fp.xml", compress_to_fp16=False)
    for i, sample in enumerate(case.inputs):
        folder = directory / "inputs" / f"{i:04}"
        folder.mkdir(parents=True)
        for name, values in sample.items():
            if name == "nncf_reset_state":
                if not values:
                    (folder / "keep_state").touch()
            else:
                np.save(folder / f"{name}.npy", np.ascontiguousarray(values))
    (directory / "options.json").write_text(json.dumps(case.options))
    done = subprocess.run([tool, directory / "fp.xml", directory / "inputs", directory / "options.json",
                           directory / "int8.xml"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"sotto_quantize_ir: {done.stderr.strip()}")
    return ov.Core().read_model(directory / "int8.xml"), json.loads((directory / "int8.json").read_text())


def constant(node):
    """The values of a Constant, seen through Convert, or None."""
    while node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    return np.asarray(node.data) if node.get_type_name() == "Constant" else None


def operands(node):
    return [node.input_value(i).get_node() for i in range(node.get_input_size())]


class Summary:
    """What quantization did to a model, by name."""

    def __init__(self, model):
        self.quantizers, self.weights, self.zero_points, self.scales, self.biases = {}, {}, {}, {}, {}
        for node in model.get_ordered_ops():
            name, kind = node.get_friendly_name(), node.get_type_name()
            if kind == "FakeQuantize":
                consumers = sorted(t.get_node().get_friendly_name() for t in node.output(0).get_target_inputs())
                bounds = [constant(n) for n in operands(node)[1:]]
                self.quantizers[name] = (node.get_attributes()["levels"], consumers, bounds)
            elif kind == "Multiply" and "/fq_weights_" in name:
                value, scale = operands(node)
                if value.get_type_name() == "Subtract":
                    value, self.zero_points[name] = operands(value)[0], constant(operands(value)[1])
                self.weights[name] = (constant(value), constant(scale))
            elif kind == "Multiply" and name.endswith("nncf_smooth_quant"):
                self.scales[name] = constant(operands(node)[1])
            elif kind == "Add":
                values = [v for v in map(constant, operands(node)) if v is not None]
                if values:
                    layer = [n.get_friendly_name() for n in operands(node) if constant(n) is None]
                    self.biases[name] = (layer[0] if layer else "", values[0])


    def weight_step(self, layer):
        """The step of a layer's weights, or None if they are not quantized."""
        for name, (_, scale) in self.weights.items():
            if name.rsplit("/", 1)[0] == layer:
                return scale
        for name, (levels, _, bounds) in self.quantizers.items():
            if name.rsplit("/", 1)[0] == layer and "/fq_weights_" in name:
                return (bounds[1] - bounds[0]) / (levels - 1)
        return None


def mean_outputs(model, names, inputs):
    """Of Adds of a bias: the mean of each channel over the inputs, with activations as they are."""
    model = model.clone()
    nodes = {node.get_friendly_name(): node for node in model.get_ordered_ops()}
    for name, node in nodes.items():
        if node.get_type_name() == "FakeQuantize" and "/fq_weights_" not in name:
            for target in node.output(0).get_target_inputs():
                target.replace_source_output(node.input_value(0))
    results = [ov.opset13.result(nodes[name].output(0)) for name in names]
    part = ov.Model(results, model.get_parameters())
    request = ov.Core().compile_model(part, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
    means = []
    for sample in inputs:
        request.infer(sample)
        outputs = [request.get_output_tensor(i).data for i in range(len(names))]
        means.append([np.mean(x, axis=(0, 2) if name.startswith("conv") else (0, 1)) for name, x in zip(names, outputs)])
    return {name: np.mean([m[i] for m in means], axis=0) for i, name in enumerate(names)}


class Comparison:
    def __init__(self, case, theirs, ours):
        self.fp, self.theirs, self.ours = Summary(case.model), Summary(theirs), Summary(ours)
        self.relative, self.different = case.relative, case.different
        self.is_full = case.options.get("full_bias_correction", False)
        self.failures, self.counts = [], case.counts

    def compare_counts(self, steps):
        found = {"groups": len(self.ours.scales),
                 "candidates": sum(s["algorithm"] == "fast_bias_correction" for s in steps),
                 "ignored": sum(s["reason"].startswith("part of a pattern") for s in steps)}
        for what, expected in self.counts.items():
            self.expect(found[what] == expected, f"{what}: expected {expected}, found {found[what]}")

    def expect(self, condition, message):
        if not condition:
            self.failures.append(message)

    def same_names(self, what, theirs, ours):
        self.expect(theirs.keys() == ours.keys(),
                    f"{what}: only NNCF has {sorted(theirs.keys() - ours.keys())}, only sotto {sorted(ours.keys() - theirs.keys())}")
        return sorted(theirs.keys() & ours.keys())

    def close(self, what, theirs, ours):
        theirs, ours = np.asarray(theirs, np.float64), np.asarray(ours, np.float64)
        if theirs.shape != ours.shape:
            self.failures.append(f"{what}: shape {theirs.shape} in NNCF, {ours.shape} in sotto")
            return
        difference = np.max(np.abs(theirs - ours) / np.maximum(np.abs(theirs), 1e-9), initial=0)
        self.worst = max(self.worst, difference)
        self.expect(difference <= self.relative, f"{what}: relative difference {difference:.2e}")

    def run(self):
        self.worst = 0.0
        for name in self.same_names("FakeQuantize", self.theirs.quantizers, self.ours.quantizers):
            theirs, ours = self.theirs.quantizers[name], self.ours.quantizers[name]
            self.expect(theirs[:2] == ours[:2], f"{name}: {theirs[:2]} in NNCF, {ours[:2]} in sotto")
            for i, (a, b) in enumerate(zip(theirs[2], ours[2])):
                self.close(f"{name}, bound {i}", a, b)
        for name in self.same_names("SmoothQuant", self.theirs.scales, self.ours.scales):
            self.close(name, self.theirs.scales[name], self.ours.scales[name])
        self.compare_weights()
        self.compare_biases()
        return self

    def compare_weights(self):
        n_weights = n_different = 0
        self.same_names("zero points", self.theirs.zero_points, self.ours.zero_points)
        for name in self.same_names("weights", self.theirs.weights, self.ours.weights):
            (theirs, scale), (ours, our_scale) = self.theirs.weights[name], self.ours.weights[name]
            self.close(f"{name}, scale", scale, our_scale)
            if name in self.theirs.zero_points and name in self.ours.zero_points:
                # OpenVINO leaves the rounding of low / scale in them.
                difference = np.abs(self.theirs.zero_points[name] - self.ours.zero_points[name]).max()
                self.expect(difference <= 1e-3, f"{name}: zero points differ by {difference:.2e}")
            if theirs.shape != ours.shape:
                self.failures.append(f"{name}: shape {theirs.shape} in NNCF, {ours.shape} in sotto")
                continue
            difference = np.abs(theirs.astype(np.int32) - ours.astype(np.int32))
            self.expect(difference.max() <= 1, f"{name}: an i8 weight is off by {difference.max()}")
            n_weights += theirs.size
            n_different += np.count_nonzero(difference)
        self.n_weights, self.n_different = n_weights, n_different
        self.expect(n_different <= self.different * n_weights, f"{n_different} of {n_weights} i8 weights differ")

    def compare_biases(self):
        changed = {"NNCF": set(), "sotto": set()}
        for name in self.same_names("Add", self.theirs.biases, self.ours.biases):
            layer, before = self.fp.biases[name]
            theirs, ours = self.theirs.biases[name][1], self.ours.biases[name][1]
            for who, values in (("NNCF", theirs), ("sotto", ours)):
                if not np.array_equal(values, before):
                    changed[who].add(name)
            if self.is_full:
                continue
            scale = self.theirs.weight_step(layer)
            if scale is None:
                self.expect(np.array_equal(theirs, ours), f"{name}: changed though its layer is not quantized")
                continue
            step = float(np.max(scale))
            shift = float(np.max(np.abs(theirs.astype(np.float64) - before)))
            difference = float(np.max(np.abs(theirs.astype(np.float64) - ours)))
            self.expect(difference <= max(step, 2e-3 * shift), f"{name}: biases differ by {difference:.2e}, a weight step is {step:.2e}")
        self.expect(changed["NNCF"] == changed["sotto"], f"corrected biases: only NNCF {sorted(changed['NNCF'] - changed['sotto'])}, "
                    f"only sotto {sorted(changed['sotto'] - changed['NNCF'])}")
        self.n_corrected = len(changed["sotto"])

    def compare_means(self, case, theirs, ours):
        """Largest difference to the FP model's mean outputs, of each model, over the samples it was corrected with."""
        names = sorted(name for name, (layer, _) in self.fp.biases.items() if self.ours.weight_step(layer) is not None)
        inputs = case.inputs[:max(len(case.inputs) // 5, 1)]
        fp = mean_outputs(case.model, names, inputs)
        errors = [max(float(np.max(np.abs(means[name] - fp[name]))) for name in names)
                  for means in (mean_outputs(theirs, names, inputs), mean_outputs(ours, names, inputs))]
        largest = max(float(np.max(np.abs(mean))) for mean in fp.values())
        print(f"  mean outputs differ from FP's by {errors[0]:.1e} in NNCF, {errors[1]:.1e} in sotto")
        self.expect(errors[1] <= 1e-4 * largest, f"mean outputs differ from FP's by {errors[1]:.1e}")


def main():
    tool, patterns = sys.argv[1], sys.argv[2:] or ["*"]
    names = [name for name in graphs.CASES if any(fnmatch.fnmatch(name, p) for p in patterns)]
    if not names:
        print(f"no case matches {patterns}; there are {', '.join(graphs.CASES)}")
        return 2
    keep_caches_in_f32()
    failed = False
    for name in names:
        case = graphs.CASES[name]()
        with tempfile.TemporaryDirectory() as directory:
            ours, steps = sotto_quantize(tool, case, pathlib.Path(directory))
            theirs = nncf_quantize(case) if case.oracle else ours
            c = Comparison(case, theirs, ours).run()
            if c.is_full:
                c.compare_means(case, theirs, ours)
            c.compare_counts(steps)
        print(f"{name}: {len(c.ours.quantizers)} FakeQuantize, {len(c.ours.scales)} SmoothQuant groups, "
              f"{len(c.ours.weights)} weights ({c.n_different} of {c.n_weights} values differ), "
              f"{c.n_corrected} biases corrected, worst relative difference {c.worst:.1e}: "
              + ("ok" if not c.failures else "FAILED"))
        for failure in c.failures:
            print(f"  {failure}")
        failed |= bool(c.failures)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
