#!/usr/bin/env bash
# Formatting, lint and layers; with --fix the formatting is mended. With --tidy clang-tidy runs as well (slow).
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.deps/tools
[ -x $venv/bin/clang-format ] || {
  python3 -m venv $venv
  $venv/bin/python -m pip install -q --disable-pip-version-check -r tools/requirements.txt
}

mapfile -t sources < <(git ls-files '*.h' '*.cpp')
if [ "${1:-}" = --fix ]; then
  $venv/bin/clang-format -i "${sources[@]}"
else
  $venv/bin/clang-format --dry-run --Werror "${sources[@]}"
fi
echo "format ok"

python3 tools/check_layers.py

if [ "${1:-}" = --tidy ]; then
  [ -e build/release/compile_commands.json ] || {
    echo "check: run ./run build first: clang-tidy needs build/release/compile_commands.json" >&2
    exit 1
  }
  git ls-files 'src/*.cpp' | xargs -P "$(nproc)" -n 4 $venv/bin/clang-tidy --quiet -p build/release
  echo "lint ok"
fi
