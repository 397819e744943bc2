#!/bin/sh
# Real trained models: the greedy text that their original programs print, and perplexities on held-out stories computed
# in double precision, through the program itself. Skips where the models are not there (a fresh clone).
RYOT=${RYOT:-./ryot}
shared=${RYOT_SHARED:-${srcdir:-.}/../shared}
[ -x "$RYOT" ] || { echo "SKIPPED: no program at $RYOT"; exit 77; }
[ -d "$shared/models" ] || { echo "SKIPPED: models are not there (set RYOT_SHARED to the folder that holds them)"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
bad=0

greedy() { # MODEL GOLDEN TOKENS KERNEL: what comes out is how the golden text begins (all of it with TOKENS = all)
    n=$3
    [ "$n" = all ] && n=200
    "$RYOT" run -q -m "$shared/models/$1" --raw --temp 0 -n "$n" --kernel "$4" </dev/null >"$dir/out" 2>"$dir/err" ||
        { echo "FAIL $1 $4: $(cat "$dir/err")"; bad=1; return; }
    # the program may end its output with a newline that is not the model's
    printf '%s' "$(cat "$dir/out")" >"$dir/got"
    len=$(wc -c <"$dir/got")
    if [ "$3" = all ]; then
        printf '%s' "$(cat "$shared/models/$2")" >"$dir/want"
    else
        head -c "$len" "$shared/models/$2" >"$dir/want"
    fi
    if [ "$len" -gt 100 ] && cmp -s "$dir/got" "$dir/want"; then
        echo "ok   $1 $4: $len bytes as the original prints them"
    else
        echo "FAIL $1 $4: another text"; diff "$dir/want" "$dir/got"; bad=1
    fi
}

for kernel in scalar auto; do
    greedy stories260K-f32.gguf golden_stories260K_t0_n200.txt all $kernel
    greedy stories260K-f16.gguf golden_stories260K_t0_n200.txt 100 $kernel
    greedy bitllama2-3M-tq2_0.gguf golden_bitllama2_3M.txt 60 $kernel
    greedy bitllama2-3M-tq1_0.gguf golden_bitllama2_3M.txt 60 $kernel
done

# A switch that must not change a token: greedy and drawn, with a penalty too.
switched() { # MODEL OPTION...
    file=$1; shift
    for sampling in '--temp 0' '--temp 0.8 --seed 7' '--temp 1.2 --top-k 8 --repeat-penalty 1.2 --seed 8'; do
        # shellcheck disable=SC2086
        "$RYOT" run -q -m "$shared/models/$file" --raw $sampling -n 150 -p 'One day' </dev/null >"$dir/want" 2>"$dir/err" &&
            "$RYOT" run -q -m "$shared/models/$file" --raw $sampling -n 150 -p 'One day' "$@" </dev/null >"$dir/got" 2>"$dir/err" ||
            { echo "FAIL $file $*: $(cat "$dir/err")"; bad=1; return; }
        cmp -s "$dir/want" "$dir/got" || { echo "FAIL $file $sampling: another text with $*"; bad=1; return; }
    done
    echo "ok   $file: the same text with $*"
}

for model in stories260K-f32 stories260K-f16 bitllama2-3M-f16 bitllama2-3M-tq1_0 bitllama2-3M-tq2_0; do
    switched $model.gguf --head full
    switched $model.gguf --speculate ngram
    switched $model.gguf --kernel scalar --repack off --prefetch off --threads 2
done

# Stories 20..23 of the corpus, first 1,200 characters each, BOS and ids, the first 250 of them.
# The F32 model is compared closely. The ternary one rounds its activations to eight bits: one sum that lies next to a tie
# goes the other way with another order of summation, and the text goes on a little differently from there. The six pairs of
# attention and cache give 0.05 to 0.14 % below the reference (0.06 % for the best-known peer), so that 0.3 % is a difference
# and 0.1 % is not.
perplexity() { # MODEL WANTED TOLERANCE ATTENTION
    nll=0 n=0
    for i in 1 2 3 4; do
        line=$("$RYOT" perplexity -q -m "$shared/models/$1" --attention "$4" -n 250 "$dir/story$i" 2>"$dir/err") ||
            { echo "FAIL $1: $(cat "$dir/err")"; bad=1; return; }
        nll=$(echo "$line $nll" | awk '{ print $5 * 0 + $NF + log($2) * $4 }' OFMT=%.17g)
        n=$(echo "$line $n" | awk '{ print $NF + $4 }')
    done
    echo "$nll $n $2 $1 $3 $4" | awk '{
        p = exp($1 / $2); d = p / $3 - 1; if (d < 0) d = -d
        printf "%s %s %s: perplexity %.6f over %d tokens, %.6f wanted\n", (d <= $5 ? "ok  " : "FAIL"), $4, $6, p, $2, $3
        exit d > $5 }' || bad=1
}
if [ -f "$shared/corpus/corpus.tar.xz" ] && command -v xz >/dev/null 2>&1; then
    tar -xJf "$shared/corpus/corpus.tar.xz" -O --wildcards '*stories_tinystories_cased.txt' >"$dir/corpus" 2>/dev/null
    awk -v dir="$dir" 'BEGIN { RS = "<\\|endoftext\\|>" } NR >= 21 && NR <= 24 {
        gsub(/^[ \t\r\n]+|[ \t\r\n]+$/, ""); printf "%s", substr($0, 1, 1200) > (dir "/story" (NR - 20)) }' "$dir/corpus"
    for attention in standard flash; do
        perplexity stories260K-f32.gguf 3.5201945756554873 1e-6 $attention
        perplexity bitllama2-3M-tq2_0.gguf 3.1735628468015653 3e-3 $attention
    done
else
    echo "SKIPPED: perplexity: the corpus is not there"
fi
exit $bad
