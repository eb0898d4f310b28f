#!/usr/bin/env bash
# Trains the same weights on the same batches here and in plain PyTorch and compares the losses step by step.
#
#   scripts/parity/curve.sh CONFIG STEPS FOLDER [key=value …]
#
# PYTHON names a Python with torch; DTYPE is fp32 (default) or bf16, DEVICE cpu (default) or cuda;
# RUN_DEVICE is where we train if not on DEVICE; MAX and MEAN are the largest and the mean difference allowed.
# SECOND names an attention kernel of PyTorch's (torch_curve.py --attention): PyTorch then runs twice, and ours passes if its mean difference
# is at most 1.5 times that of PyTorch's two runs, or MEAN: with a hot schedule runs drift apart that differ in nothing but roundings.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
longhaul=${LONGHAUL:-$here/scripts/longhaul}
config=$1 steps=$2 folder=$3
shift 3
mkdir -p "$folder"
"$longhaul" train "$config" "$@" output="$folder/run" stop_after="$steps" checkpoint.save_initial=true \
  checkpoint.resume=never device.kind="${RUN_DEVICE:-${DEVICE:-cpu}}" validation.every=0 spikes.action=watch
"$longhaul" checkpoint export-hf "$folder/run/checkpoints/step-00000000" "$folder/weights" --dtype f32
"$longhaul" bench batches "$config" "$@" output="$folder/run" --steps "$steps" --out "$folder/batches.bin"
torch_curve=$here/scripts/parity/torch_curve.py
"${PYTHON:-python3}" "$torch_curve" --weights "$folder/weights" --batches "$folder/batches.bin" --out "$folder/torch.jsonl" \
  --dtype "${DTYPE:-fp32}" --device "${DEVICE:-cpu}"
if [ -n "${SECOND:-}" ]; then
  "${PYTHON:-python3}" "$torch_curve" --weights "$folder/weights" --batches "$folder/batches.bin" --out "$folder/torch-second.jsonl" \
    --dtype "${DTYPE:-fp32}" --device "${DEVICE:-cpu}" --attention "$SECOND"
  "${PYTHON:-python3}" "$torch_curve" --compare "$folder/torch.jsonl" "$folder/run/metrics.jsonl" \
    --beside "$folder/torch-second.jsonl" --mean "${MEAN:-0.0002}"
else
  "${PYTHON:-python3}" "$torch_curve" --compare "$folder/torch.jsonl" "$folder/run/metrics.jsonl" \
    --max "${MAX:-0.001}" --mean "${MEAN:-0.0002}"
fi
