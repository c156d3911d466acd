#!/usr/bin/env bash
# Copies the minified builds that third_party/npm/package.json pins. Needs npm; nothing else of the build does.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/third_party/npm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/package.json" "$work"
npm install --prefix "$work" --ignore-scripts --no-audit --no-fund --silent
cp "$work/node_modules/@observablehq/plot/dist/plot.umd.min.js" "$here"
cp "$work/node_modules/@observablehq/plot/LICENSE" "$here/plot.LICENSE"
cp "$work/node_modules/d3/dist/d3.min.js" "$here"
cp "$work/node_modules/d3/LICENSE" "$here/d3.LICENSE"
(cd "$here" && sha256sum ./*.min.js >SHA256SUMS && cat SHA256SUMS)
