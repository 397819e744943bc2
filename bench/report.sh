#!/bin/sh
# All measurements of the engine, and bench/results/<cpu>-<date>.{json,md} from them (`make bench-report`).
#
#   SHAPES   what is measured                       (two of BitNet 2B4T, four of Llama 3.2 1B)
#   DEPTH    context of the long decode             (4096)
#   REPS     runs of each row after one to warm up  (5)
#   RUN      a command before each measurement, to keep other programs quiet
#   OUT      the folder of the results
set -eu
RYOT=${RYOT:-./ryot}
KERN=${KERN:-./bench/bench_kern}
here=$(cd "$(dirname "$0")" && pwd)
OUT=${OUT:-$here/results}
SHAPES=${SHAPES:-bitnet-2b4t:tq2_0 bitnet-2b4t:tq2_0/f16 llama-1b:q4_0 llama-1b:q8_0 llama-1b:q4_k llama-1b:q6_k}
DEPTH=${DEPTH:-4096}
REPS=${REPS:-5}
RUN=${RUN:-}
export RYOT
cpus=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
set -- $SHAPES
first=$1

# measure TABLE COMMAND...: rows as JSON lines behind those of the table
measure() {
    table=$1; shift
    echo "$*" >&2
    $RUN "$@" -q --json >>"$dir/$table"
}
section() { # TABLE TITLE
    printf '\n## %s\n\n' "$2"
    awk -v table="$1" -f "$here/report.awk" "$dir/$1"
}
array() { # TABLE: its lines as the elements of an array
    sed '$!s/$/,/' "$dir/$1"
}

for shape in $SHAPES; do
    measure decode "$here/bench_decode.sh" --shape "$shape" -t 1 -r "$REPS"
    [ "$cpus" = 1 ] || measure decode "$here/bench_decode.sh" --shape "$shape" -t "$cpus" -r "$REPS"
done
if "$RYOT" doctor | grep -q '^kernels.*avx2,'; then
    measure decode "$here/bench_decode.sh" --shape "$first" --kernel avx2 -t 1 -r "$REPS"
    [ "$cpus" = 1 ] || measure decode "$here/bench_decode.sh" --shape "$first" --kernel avx2 -t "$cpus" -r "$REPS"
fi
case " $SHAPES " in
*" $first/f16 "*) measure decode "$RYOT" bench --shape "$first/f16" --head full -p 0 -n 32 -t 1 -r "$REPS" ;;
esac
measure decode "$here/bench_decode.sh" -m builtin -t 1 -r "$REPS"
measure threads "$here/bench_threads.sh" --shape "$first" -r "$REPS"
for switches in '--attention standard' '--attention flash' '--attention flash --kv q8'; do
    # a build without one of them says so here, and its rows are left out
    measure depth "$RYOT" bench --shape "$first" -p 0 -n 16 -d "64,$DEPTH" -r "$REPS" $switches || echo "left out: $switches" >&2
done
echo "$KERN --json" >&2
$RUN "$KERN" --json --runs "$REPS" >"$dir/kernels"

cat "$dir/decode" "$dir/threads" "$dir/depth" >"$dir/machine"
cpu=$(sed -n 's/.*"cpu": "\([^"]*\)".*/\1/p' "$dir/decode" | head -n 1)
slug=$(printf '%s' "${cpu:-unknown}" | sed 's/([^)]*)//g' | tr '[:upper:]' '[:lower:]' | tr -cs 'a-z0-9' '-' | sed 's/^-//; s/-$//')
name=$OUT/$slug-$(date -u +%Y-%m-%d)
mkdir -p "$OUT"
{
    printf '# ryot, measured on %s\n\n' "$(date -u +%Y-%m-%d)"
    awk -v table=machine -f "$here/report.awk" "$dir/machine"
    printf '%s logical processors, %s, %s.\n' "$cpus" "$(uname -s) $(uname -r | cut -d. -f1,2)" "$(uname -m)"
    printf '\nMedians of %s runs after a warm-up; random weights in the shapes of known models (`ryot bench --shape`). ' "$REPS"
    printf '"Of read" is the share of the read bandwidth measured in the same run.\n'
    section decode 'Prefill and decode'
    section threads 'Threads'
    section depth 'Long contexts'
    section kernels 'Kernels alone, one thread'
} >"$name.md"
{
    echo '{"decode": ['
    array decode
    echo '], "threads": ['
    array threads
    echo '], "depth": ['
    array depth
    echo '], "kernels":'
    cat "$dir/kernels"
    echo '}'
} >"$name.json"
echo "$name.md"
