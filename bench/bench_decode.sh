#!/bin/sh
# Prefill of a short and a long prompt and decode behind it, with times to the first token and of the tokens' quantiles:
# rows of `ryot bench`, whose options follow (a model or a shape, threads, kernels, --json ...).
exec "${RYOT:-./ryot}" bench -p 128,512 -n 32 "$@"
