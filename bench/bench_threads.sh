#!/bin/sh
# Speed-up and efficiency from one thread to as many as there are processors, and what more of them than that cost: rows of
# `ryot bench`, whose options follow (a model or a shape, kernels, --json ...).
cpus=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
threads=1 n=2
while [ "$n" -le "$cpus" ]; do
    threads=$threads,$n
    n=$((n * 2))
done
[ "$((n / 2))" = "$cpus" ] || threads=$threads,$cpus
exec "${RYOT:-./ryot}" bench -p 128 -n 32 -t "$threads,$((cpus * 2)),$((cpus * 4))" "$@"
