#!/usr/bin/env python3
"""Quantizing with NNCF and with sotto, on the same models and speech: time, memory, size and what it cost."""

import argparse
import json
import sys

import numpy as np
import openvino as ov

import common
import nncf_flow
import words

CALIBRATION = common.ROOT / "demo" / "data" / "calibration"
TEST = common.ROOT / "demo" / "data" / "test"
NAMES = ("nncf", "parity", "default")


def f32_mb(directory):
    """Both parts' weights in f32: the .bin files of the FP16 model hold two bytes a weight."""
    return 2 * (common.bin_bytes(directory, "encoder") + common.bin_bytes(directory, "decoder")) / 1e6


def planted_demo():
    """The bundled model with activation outliers planted: the same function, harder to quantize."""
    directory = common.WORK / "models" / "planted-fp16"
    if common.is_older_than_demo(directory):
        checkpoint = common.WORK / "models" / "planted-hf"
        common.Run([sys.executable, common.ROOT / "demo" / "train" / "plant_outliers.py", common.ROOT / "demo" / "model", checkpoint])
        common.Run([common.SOTTO, "convert", checkpoint, "-o", directory])
    return directory


def find_model(name):
    """The FP16 IR of "demo", "planted" or a true size with random weights."""
    if name == "demo":
        return common.converted_demo()
    return planted_demo() if name == "planted" else common.converted(name.removeprefix("whisper-"))


def held_out_speech(n):
    """So many test utterances that no bundled set has, made once."""
    directory = common.WORK / f"held-out-{n}"
    if not directory.exists():
        common.Run([sys.executable, common.ROOT / "bench" / "held_out_speech.py", directory, n])
    return directory


def speech_files(directory, n):
    """The first n utterances in the order sotto hears them."""
    return sorted(directory.glob("*/*/*.flac"), key=lambda path: path.stem)[:n]


def log_mels(model, files, name):
    """A folder with one .npy window a file."""
    mels = common.WORK / f"mels-{name}"
    for old in mels.glob("*.npy"):
        old.unlink()
    n_mels = json.loads((model / "preprocessor_config.json").read_text())["feature_size"]
    common.Run([common.LOG_MEL, n_mels, mels, *files])
    return mels


class Quantizing:
    """One model quantized by NNCF's flow and by sotto, twice: equal to NNCF, and as sotto does by default."""

    def __init__(self, name, samples, n_tokens):
        self.name, self.fp = name, find_model(name)
        self.samples, self.n_tokens = samples, n_tokens
        self.models = {who: common.WORK / "models" / f"{name}-{who}" for who in NAMES}
        # What both transcribe with: greedy English of at most so many tokens, no fallback.
        self.config = common.WORK / "quantize.json"
        self.config.write_text(json.dumps({"transcribe": {"language": "en", "temperatures": [0], "sample_len": n_tokens}}))
        self.heard = ["--language", "en", "--temperature-increment-on-fallback", "None", "--sample-len", n_tokens]

    def run_nncf(self):
        mels = log_mels(self.fp, speech_files(CALIBRATION, self.samples), "calibration")
        report = common.WORK / "nncf.json"
        run = common.Run(
            [sys.executable, common.ROOT / "bench" / "nncf_flow.py", self.fp, mels, self.models["nncf"], report, self.n_tokens])
        return run, json.loads(report.read_text())

    def run_sotto(self, who, *options):
        report = common.WORK / f"quantize-{who}.json"
        run = common.Run(
            [common.SOTTO, "quantize", self.fp, "-o", self.models[who], "--config", self.config, "--calibration", CALIBRATION]
            + ["--samples", self.samples, "--report", report, *options])
        return run, json.loads(report.read_text())

    def transcription_seconds(self, model, *options):
        """Transcribing the calibration speech once, without loading."""
        out = common.WORK / "transcription.json"
        common.Run([common.SOTTO, "compare", model, "--test", CALIBRATION, "--take", self.samples, "--json", out]
                   + [*self.heard, *options])
        return json.loads(out.read_text())["models"][0]["speed"]["transcription_total_s"]

    def words(self, speech, take, jobs):
        """Of FP and the three INT8 models, each hearing the speech as a user would have it heard."""
        n = len(list(speech.glob("*/*/*.flac")) + list(speech.glob("*/*/*.wav")))
        return words.judged({"fp": self.fp, **self.models}, speech, min(n, take or n), jobs)


def sqnr_db(reference, values):
    """Signal to quantization noise ratio."""
    return 10 * np.log10(np.sum(reference.astype(np.float64) ** 2) / np.sum((reference.astype(np.float64) - values) ** 2))


class Outputs:
    """What a model's two graphs give for the same windows and tokens, in f32."""

    def __init__(self, directory):
        core, config = ov.Core(), {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32"}
        self.encoder = core.compile_model(core.read_model(directory / "openvino_encoder_model.xml"), "CPU", config)
        decoder = core.compile_model(core.read_model(directory / "openvino_decoder_model.xml"), "CPU", config)
        self.decoder = decoder.create_infer_request()

    def hidden(self, mel):
        return self.encoder({"input_features": mel})[0].copy()

    def logits(self, tokens, hidden):
        self.decoder.reset_state()
        feed = {"input_ids": np.array([tokens], np.int64), "encoder_hidden_states": hidden, "beam_idx": np.zeros(1, np.int32)}
        return self.decoder.infer(feed)[0].copy()


def next_tokens(tokens, end):
    """The positions of a transcript that say what comes next: from the prompt's last token to the one before the end."""
    return slice(2, len(tokens) - 1 if tokens[-1] == end else len(tokens))


def log_probabilities(logits):
    logits = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def next_token_error(reference, logits):
    """How far the distributions of the next token are from FP's, and how often the likeliest is another one."""
    kl, other = [], []
    for fp, found in zip(map(log_probabilities, reference), map(log_probabilities, logits)):
        kl.append((np.exp(fp) * (fp - found)).sum(-1))
        other.append(fp.argmax(-1) != found.argmax(-1))
    kl, other = np.concatenate(kl), np.concatenate(other)
    return {"n_positions": len(kl), "kl_mean": float(kl.mean()), "kl_median": float(np.median(kl)),
            "other_token_percent": 100 * float(other.mean())}


def output_errors(quantizing, windows, names):
    """Against FP on held-out windows, both hearing FP's transcripts: {who: (encoder, decoder)} in dB, where the decoder
    hears FP's windows, and {who: next_token_error()} of encoder and decoder together."""
    mels = sorted(log_mels(quantizing.fp, speech_files(TEST, windows), "test").glob("*.npy"))
    decoder = nncf_flow.with_cache_inputs(ov.Core().read_model(quantizing.fp / "openvino_decoder_model.xml"))
    recorder = nncf_flow.Recorder(quantizing.fp, decoder, quantizing.n_tokens)
    tokens = [recorder.transcribe(np.load(mel)) for mel in mels]
    heard = [next_tokens(t, recorder.generation["eos_token_id"]) for t in tokens]
    del recorder
    fp = Outputs(quantizing.fp)
    hidden = [fp.hidden(np.load(mel)) for mel in mels]
    logits = [fp.logits(t, h) for t, h in zip(tokens, hidden)]
    del fp
    sqnr, next_token = {}, {}
    for who in names:
        model = Outputs(quantizing.models[who])
        own = [model.hidden(np.load(mel)) for mel in mels]
        encoder = [sqnr_db(h, o) for h, o in zip(hidden, own)]
        decoder = [sqnr_db(x, model.logits(t, h)) for x, t, h in zip(logits, tokens, hidden)]
        sqnr[who] = (float(np.mean(encoder)), float(np.mean(decoder)))
        next_token[who] = next_token_error([x[0, at] for x, at in zip(logits, heard)],
                                           [model.logits(t, o)[0, at] for t, o, at in zip(tokens, own, heard)])
    return sqnr, next_token


def measure(name, arguments):
    """All figures of one model."""
    quantizing = Quantizing(name, arguments.samples, arguments.tokens)
    names = ["default"] if arguments.skip_nncf else NAMES
    nncf, their_report = quantizing.run_nncf() if "nncf" in names else (None, None)
    sotto, report = quantizing.run_sotto("default")
    if "parity" in names:
        quantizing.run_sotto("parity", "--parity", "nncf")
    fp_s = quantizing.transcription_seconds(quantizing.fp, "--inference-precision", "f32")
    int8_s = quantizing.transcription_seconds(quantizing.models["default"])
    phases = {"calibrate": report["calibration"]["seconds"], "encoder": report["encoder"]["seconds"],
              "decoder": report["decoder"]["seconds"], "save": report["save_seconds"]}
    figures = {
        "model": name,
        "seconds_sotto": sum(phases.values()),
        "peak_mb_sotto": sotto.peak_mb,
        "phases_sotto": phases,
        "decoder_inferences_sotto": report["calibration"]["n_decoder_samples"],
        "fp_transcription_s": fp_s,
        "int8_transcription_s": int8_s,
        "ratio_to_fp_transcription": sum(phases.values()) / fp_s,
        "ratio_to_int8_transcription": sum(phases.values()) / int8_s,
        "fp_f32_mb": f32_mb(quantizing.fp),
        **{f"size_ratio_{part}": common.bin_bytes(quantizing.fp, part) / common.bin_bytes(quantizing.models["default"], part)
           for part in ("encoder", "decoder")},
    }
    figures["sqnr_db"], figures["next_token"] = output_errors(quantizing, arguments.windows, names)
    if nncf:
        figures["seconds_nncf"] = sum(their_report["phases"].values())
        figures["peak_mb_nncf"] = nncf.peak_mb
        figures["phases_nncf"] = their_report["phases"]
        figures["decoder_inferences_nncf"] = their_report["decoder_inferences"]
    if name in ("demo", "planted") and nncf:
        figures["bundled_test"] = quantizing.words(TEST, arguments.take, arguments.jobs)
        figures["wer"] = figures["bundled_test"]["wer"]
        if arguments.test_utterances:
            figures["held_out_test"] = quantizing.words(held_out_speech(arguments.test_utterances), 0, arguments.jobs)
    return figures


def print_words(name, f):
    """Word errors, what the difference to NNCF's is worth, and how far transcripts are FP's."""
    print(f"  {name}, {f['n_utterances']} utterances, {f['n_words']} words")
    print("    WER             " + ", ".join(f"{who} {rate:.2f} %" for who, rate in f["wer"].items()))
    for other in ("nncf", "fp"):
        d = f[f"default_minus_{other}"]
        print(f"    default - {other:4}  {d['points']:+.2f} points, 95 % interval {d['interval'][0]:+.2f} to {d['interval'][1]:+.2f}")
    print("    the same as FP  " + ", ".join(f"{who} {share:.1f} %" for who, share in f["agreement_with_fp"].items()))


def print_figures(f):
    """A table for people."""
    def phases(who):
        return ", ".join(f"{name} {seconds:.1f}" for name, seconds in f[f"phases_{who}"].items())

    print(f"\n{f['model']}")
    if "seconds_nncf" in f:
        print(f"  NNCF     {f['seconds_nncf']:8.1f} s  {f['peak_mb_nncf']:7.0f} MB  {phases('nncf')}; "
              f"{f['decoder_inferences_nncf']} decoder inferences")
    print(f"  sotto    {f['seconds_sotto']:8.1f} s  {f['peak_mb_sotto']:7.0f} MB  {phases('sotto')}; "
          f"{f['decoder_inferences_sotto']} decoder inferences")
    if "seconds_nncf" in f:
        print(f"  NNCF / sotto      {f['seconds_nncf'] / f['seconds_sotto']:6.1f} x time, "
              f"{f['peak_mb_nncf'] / f['peak_mb_sotto']:.1f} x memory     (to hold: 8 and, at small, 3)")
    print(f"  sotto / one FP transcription in f32 ({f['fp_transcription_s']:.1f} s): {f['ratio_to_fp_transcription']:.2f}   (to hold: 1.5)")
    print(f"  sotto / one INT8 transcription ({f['int8_transcription_s']:.1f} s): {f['ratio_to_int8_transcription']:.2f}   (aim, at large-v2: 4)")
    print(f"  peak of sotto beyond FP in f32: {f['peak_mb_sotto'] - f['fp_f32_mb']:.0f} MB   (to hold: 1000)")
    print(f"  size FP16 / INT8  {f['size_ratio_encoder']:.2f} encoder, {f['size_ratio_decoder']:.2f} decoder")
    for who, (encoder, decoder) in f["sqnr_db"].items():
        print(f"  SQNR, {who:8}    {encoder:6.2f} dB encoder, {decoder:6.2f} dB logits")
    for who, e in f["next_token"].items():
        print(f"  next token, {who:8} KL from FP's {1000 * e['kl_mean']:.2f} thousandths in the mean, {1000 * e['kl_median']:.3f} "
              f"in the median, {e['other_token_percent']:.2f} % of {e['n_positions']} another")
    for name in ("bundled_test", "held_out_test"):
        if name in f:
            print_words(name, f[name])


def closing(figures):
    """Times of the last, largest model; word errors of the two that hear."""
    last = figures[-1]
    result = {key: round(last[key], 3) for key in (
        "seconds_nncf", "seconds_sotto", "peak_mb_nncf", "peak_mb_sotto", "size_ratio_encoder", "size_ratio_decoder")
              if key in last}
    for f in figures:
        prefix = "planted_" if f["model"] == "planted" else ""
        result.update({f"{prefix}wer_{who}": round(rate, 3) for who, rate in f.get("wer", {}).items()})
    return {**result, "models": figures}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="demo,planted,whisper-base",
                        help="demo, planted, or a size with random weights (whisper-small, ...); a comma list, the largest last")
    parser.add_argument("--samples", type=int, default=10, help="calibration utterances")
    parser.add_argument("--tokens", type=int, default=24, help="most tokens decoded of an utterance while calibrating")
    parser.add_argument("--windows", type=int, default=4,
                        help="held-out utterances for the SQNR and the next tokens, which tell models apart from a hundred on")
    parser.add_argument("--take", type=int, default=0, help="test utterances for the word error rate; 0: all")
    parser.add_argument("--test-utterances", type=int, default=0,
                        help="measure words on so many more held-out utterances too, which espeak-ng, flite and festival speak")
    parser.add_argument("--jobs", type=int, default=2, help="processes that hear test speech at the same time, one thread each")
    parser.add_argument("--skip-nncf", action="store_true",
                        help="sotto alone: NNCF's flow on large-v2 needs more memory than most machines have")
    arguments = parser.parse_args()
    common.print_machine()
    figures = []
    for name in arguments.size.split(","):
        figures.append(measure(name, arguments))
        print_figures(figures[-1])
    common.finish(closing(figures))


if __name__ == "__main__":
    sys.exit(main())
