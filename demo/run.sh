#!/usr/bin/env bash
# The main job on the bundled model and media: convert, quantize, subtitle a video with both, compare.
# Usage: demo/run.sh SOTTO_BINARY OUTPUT_DIR
set -euo pipefail

sotto=$1
out=$2
demo=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$out"

say() { printf '\n== %s\n' "$1"; }

say "1/4 convert: demo/model (Hugging Face safetensors) → OpenVINO IR"
"$sotto" convert "$demo/model" -o "$out/fp16"

say "2/4 quantize: 30 utterances of calibration speech → INT8"
"$sotto" quantize "$out/fp16" -o "$out/int8" --calibration "$demo/data/calibration" --samples 30 \
  --report "$out/quantize.json"

say "3/4 transcribe: demo/media/demo.mp4 (English, German, Spanish, French) → subtitles, with both models"
for precision in fp16 int8; do
  "$sotto" transcribe "$demo/media/demo.mp4" --model "$out/$precision" --output-dir "$out/subtitles-$precision" \
    --multilingual --output-format srt,vtt,json --quiet
done

say "subtitles of the INT8 model in ${out#"$PWD"/}/subtitles-int8/ (FP16: subtitles-fp16/)"
cat "$out/subtitles-int8/demo.srt"

say "4/4 compare: size, speed and word accuracy on the bundled test set"
"$sotto" compare "$out/fp16" "$out/int8" --test "$demo/data/test" --json "$out/compare.json" \
  --report "$out/report.html" --quantize-report "$out/quantize.json" | tee "$out/compare.txt"
