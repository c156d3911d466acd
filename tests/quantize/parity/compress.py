"""Compresses the weights of a small graph with NNCF and with sotto and compares what came out.

Usage: compress.py SOTTO_QUANTIZE_IR. Equal means: the same layers in the same element types, integers and zero
points at least 99.99 % equal and never off by more than 1, scales within 1e-3 relative (they are stored in f16).
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import nncf
import numpy as np
import openvino as ov
from openvino import opset13 as op

MODES = {m.value: m for m in (nncf.CompressWeightsMode.INT8_ASYM, nncf.CompressWeightsMode.INT8_SYM,
                              nncf.CompressWeightsMode.INT4_ASYM, nncf.CompressWeightsMode.INT4_SYM)}


def make_model():
    """ids → token table → two layers → tied-size logits; random weights, one with an outlier and one row of zeros."""
    random = np.random.default_rng(5)

    def weight(shape, name):
        values = random.normal(0, 0.1, shape).astype(np.float32)
        values[1, 3] = 4.0
        values[2] = 0.0
        constant = op.constant(values)
        constant.set_friendly_name(name)
        return constant

    ids = op.parameter([1, -1], np.int64, "ids")
    x = op.gather(weight((50, 128), "table"), ids, op.constant(0))
    x.set_friendly_name("embedding")
    for i, shape in enumerate([(256, 128), (128, 256), (50, 128)]):
        x = op.matmul(x, weight(shape, f"weight_{i}"), False, True)
        x.set_friendly_name(f"layer_{i}")
        x = op.gelu(x, "erf") if i < 2 else x
    return ov.Model([x], [ids], "compress")


def constants(model):
    """Layer → (element type, integers, zero points, scales) of each compressed weight."""
    found = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() not in ("MatMul", "Gather"):
            continue
        port = 1 if node.get_type_name() == "MatMul" else 0
        at, parts = node.input_value(port).get_node(), []
        while at.get_type_name() in ("Convert", "Reshape"):
            at = at.input_value(0).get_node()
        if at.get_type_name() != "Multiply":
            continue
        parts.append(("scale", at.input_value(1).get_node()))
        at = at.input_value(0).get_node()
        if at.get_type_name() == "Subtract":
            parts.append(("zero_point", at.input_value(1).get_node()))
            at = at.input_value(0).get_node()
        parts.append(("integers", at))
        values = {}
        for name, part in parts:
            while part.get_type_name() == "Convert":
                part = part.input_value(0).get_node()
            values[name] = np.asarray(part.get_data() if name == "scale" else part.get_data(dtype=np.int32))
            if name == "integers":
                values["type"] = part.get_element_type().get_type_name()
        found[node.get_friendly_name()] = values
    return found


def differences(theirs, ours):
    if theirs.keys() != ours.keys():
        return [f"layers: {sorted(theirs)} in NNCF, {sorted(ours)} in sotto"]
    problems = []
    for layer, a in theirs.items():
        b = ours[layer]
        if a["type"] != b["type"] or a.keys() != b.keys():
            problems.append(f"{layer}: {a['type']} {sorted(a)} in NNCF, {b['type']} {sorted(b)} in sotto")
            continue
        for name in a.keys() - {"type"}:
            x, y = a[name].astype(np.float64).ravel(), b[name].astype(np.float64).ravel()
            if x.shape != y.shape:
                problems.append(f"{layer}, {name}: {a[name].shape} in NNCF, {b[name].shape} in sotto")
            elif name == "scale" and not np.allclose(x, y, rtol=1e-3):
                problems.append(f"{layer}, scale: {np.max(np.abs(x - y))}")
            elif name != "scale" and (np.max(np.abs(x - y)) > 1 or np.mean(x != y) > 1e-4):
                problems.append(f"{layer}, {name}: {np.sum(x != y)} of {x.size} differ, by {np.max(np.abs(x - y))}")
    return problems


def main():
    tool, failed = sys.argv[1], False
    for mode, group_size, all_layers in [("int8_asym", -1, False), ("int8_sym", -1, False), ("int4_asym", 128, False),
                                         ("int4_sym", 64, True), ("int4_asym", -1, True)]:
        four = mode.startswith("int4")
        options = {"group_size": group_size, "all_layers": all_layers, "ratio": 1.0} if four else {}
        theirs = constants(nncf.compress_weights(make_model(), mode=MODES[mode], **options))
        with tempfile.TemporaryDirectory() as name:
            directory = pathlib.Path(name)
            ov.save_model(make_model(), directory / "fp.xml", compress_to_fp16=False)
            (directory / "options.json").write_text(
                json.dumps({"weight_mode": mode, "group_size": group_size, "all_layers": all_layers}))
            subprocess.run([tool, directory / "fp.xml", directory, directory / "options.json", directory / "out.xml"], check=True)
            ours = constants(ov.Core().read_model(directory / "out.xml"))
        problems = differences(theirs, ours)
        failed = failed or bool(problems)
        print(f"{mode}, groups of {group_size}: {len(ours)} weights: " + ("FAILED" if problems else "ok"))
        for problem in problems:
            print(f"  {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
