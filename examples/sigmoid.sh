#!/bin/sh
# The same curve from a shell: `assay report` says with status 10 that the trial is to stop.
#
#   command: "sh sigmoid.sh {width} {height}"
width=${1:-1} height=${2:-1} timestep=0
while :; do
    timestep=$((timestep + 1))
    value=$(awk -v t="$timestep" -v w="$width" -v h="$height" \
        'BEGIN { x = t / w; if (x > 300) x = 300; e = exp(2 * x); print (e - 1) / (e + 1) * h }')
    assay report episode_reward_mean="$value"
    case $? in
    0) ;;
    10) exit 0 ;;
    *) exit 1 ;;
    esac
done
