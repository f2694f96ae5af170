#!/bin/sh
# A trainable in shell: three results, the last the least. $1: where on the curve it starts.
for step in 3 2 1; do
    "$SWEEP_TOOL" report loss="$(awk "BEGIN { print ($1 - 0.25) * ($1 - 0.25) + $step / 100 }")" || exit 0
done
