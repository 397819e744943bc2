#!/bin/sh
# The program from outside: exit codes, what goes to which stream, prompts, JSON, files and their modes, signals.
: "${builddir:=.}"
RYOT=${RYOT:-$builddir/ryot}
if [ ! -x "$RYOT" ]; then
    echo "SKIPPED: $RYOT is not there, so nothing was run" >&2
    exit 77
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export HOME="$dir" LC_ALL=C.UTF-8 TERM=xterm
unset XDG_DATA_HOME XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME RYOT_MODEL RYOT_VAULT
model=$dir/m.gguf
"$builddir/tests/make_endless" "$model" || exit 1
json_check=$builddir/tests/json_check
n=0 bad=0
fail() { echo "$what: $1"; bad=$((bad + 1)); }
# run STATUS ARGUMENTS...: stdin is what $in holds; leaves $dir/out and $dir/err.
in=
run() {
    want=$1; shift
    what="ryot $*"
    n=$((n + 1))
    printf '%s' "$in" | timeout 60 "$RYOT" "$@" >"$dir/out" 2>"$dir/err"
    got=$?
    [ $got = "$want" ] || fail "exit status $got, not $want: $(head -c 300 "$dir/err")"
}
says() { grep -qF -- "$1" "$dir/err" || fail "stderr does not say \"$1\": $(head -c 300 "$dir/err")"; }
prints() { grep -qF -- "$1" "$dir/out" || fail "stdout lacks \"$1\": $(head -c 300 "$dir/out")"; }
silent() { [ ! -s "$dir/out" ] || fail "stdout is not empty: $(head -c 100 "$dir/out")"; }
no_escape() {
    esc=$(printf '\033')
    grep -q "$esc" "$dir/out" "$dir/err" && fail 'an escape byte left'
}

# Usage.
run 0 --version; prints 'ryot '
run 0 --help; prints perplexity; prints --temp
run 0 help bench; prints 'prefill'; prints 'qwen3-8b'
for command in chat run bench sessions models info tokenize logits perplexity doctor completion help; do
    run 0 $command --help; prints "ryot $command"
done
run 2 frobnicate; says 'unknown command frobnicate'; silent
run 2 rnu; says 'did you mean run'
run 2 run --tempp 1; says 'did you mean --temp'
run 2 --temp 200; says 0..100
run 2 run --kernel neon -p x; says 'auto|scalar|avx2|avxvnni|avx512|amx'
run 2 sessions frob; says 'none of list'
run 2 sessions show nine; says 'no id'
run 2 logits -m "$model" --tokens 1,x -o "$dir/l"; says 'no id'
run 2 bench -m "$model" --json --csv; says exclude
run 2 run -m "$model"; says 'prompt is empty'; silent
run 1 --config "$dir/none.ini" models; says none.ini
for shell in bash zsh fish man; do run 0 completion $shell; prints ubatch; done
run 0 completion bash; bash -n "$dir/out" 2>"$dir/err" || fail "bash does not take it: $(cat "$dir/err")"

# Models that are not there or no models.
run 3 run -m nosuch -p hi; says 'no such model'; silent
run 3 run -m "$dir/none.gguf" -p hi; says none.gguf; silent
echo 'no model' >"$dir/bad.gguf"
run 3 info "$dir/bad.gguf"; says bad.gguf; silent
in='hello
'
run 3 --plain --ephemeral -m "$dir/bad.gguf"; says bad.gguf; silent
in=

# One answer. Prompts: argument, stdin, both.
run 0 run -m "$model" --temp 0 -n 12 -p hello; cp "$dir/out" "$dir/a"; no_escape
[ "$(tail -c 1 "$dir/out" | od -An -tx1 | tr -d ' ')" = 0a ] || fail 'the last line is not ended'
in=hello; run 0 run -m "$model" --temp 0 -n 12; cmp -s "$dir/out" "$dir/a" || fail 'stdin gives another answer'
in=hel; run 0 run -m "$model" --temp 0 -n 12 -p lo; cmp -s "$dir/out" "$dir/a" || fail 'stdin and argument are not joined in that order'
in=
run 0 run -m "$model" --temp 0 -n 12 -p hello --kernel scalar -t 2 --ubatch 3
cmp -s "$dir/out" "$dir/a" || fail 'another kernel, thread count and ubatch give another answer'
run 0 run -m "$model" --temp 1 --seed 5 -n 12 -p hello; cp "$dir/out" "$dir/b"
run 0 run -m "$model" --temp 1 --seed 5 -n 12 -p hello; cmp -s "$dir/out" "$dir/b" || fail 'the same seed gives another answer'
run 0 run -m "$model" --temp 0 -n 8 --raw
fields='text finish prompt_tokens generated_tokens ttft_ms prefill_tok_s decode_tok_s kernel threads seed model'
run 0 run -m "$model" --temp 1 --seed 3 -n 40 -p hello --json
"$json_check" $fields <"$dir/out" 2>"$dir/err" || fail "$(cat "$dir/err")"
prints '"finish": "length"'; prints '"generated_tokens": 40'; prints '"seed": 3'
run 0 run -m "$model" -n 100000 --ctx 64 --temp 0 -p hello --json; prints '"finish": "context"'
in=$(printf '%0200d' 7); run 4 run -m "$model" --ctx 64; silent; in=
run 0 run -m "$model" -q -n 4 -p x; [ ! -s "$dir/err" ] || fail "-q says: $(cat "$dir/err")"
RYOT_MODEL=$model; export RYOT_MODEL; run 0 run --temp 0 -n 12 -p hello; unset RYOT_MODEL
cmp -s "$dir/out" "$dir/a" || fail 'RYOT_MODEL is not obeyed'

# The config: values, sections, the models folder, and what is wrong in it.
mkdir -p "$dir/.config/ryot" "$dir/.local/share/ryot/models"
cp "$model" "$dir/.local/share/ryot/models/mine.gguf"
printf 'model = big\ntemp = 0\nmax-tokens = 12\n[model big]\npath = %s\n' "$model" >"$dir/.config/ryot/config.ini"
run 0 run -p hello; cmp -s "$dir/out" "$dir/a" || fail 'the config is not obeyed'
run 0 run -m mine -p hello; cmp -s "$dir/out" "$dir/a" || fail 'the models folder is not looked into'
run 0 models; prints mine; prints big
printf 'temp = 0\ntmep = 1\n' >"$dir/.config/ryot/config.ini"
run 2 run -m mine -p hello; says 'config.ini:2'; says 'did you mean temp'; silent
rm "$dir/.config/ryot/config.ini"
run 0 bench -m mine -p 4 -n 0 -r 1 --md; prints '|'

# Ids, logits, perplexity, bench, doctor.
printf 'one\0two\0' >"$dir/nul"
run 0 tokenize -m "$model" --nul "$dir/nul"; [ "$(wc -l <"$dir/out")" = 2 ] || fail 'two records gave another number of lines'
run 0 logits -m "$model" --tokens 1,2,3 -o "$dir/l"; [ "$(wc -c <"$dir/l")" = $((3 * 320 * 4)) ] || fail 'the file of logits has another size'
run 0 logits -m "$model" --tokens 1,2,3 -o -; cmp -s "$dir/l" "$dir/out" || fail 'standard output has other logits than the file'
run 1 logits -m "$model" --tokens 1,320 -o "$dir/l"
in='a few words to be surprised at'; run 0 perplexity -m "$model"; prints 'perplexity '; prints tokens; in=
run 0 info -m "$model" --json; tr -d '\n' <"$dir/out" >"$dir/one"; echo >>"$dir/one"
"$json_check" <"$dir/one" 2>"$dir/err" || fail "$(cat "$dir/err")"
fields='model format n_params kernel threads attention test n_prompt n_gen rate_tok_s_median rate_tok_s_best
    rate_tok_s_stdev ttft_ms runs read_bandwidth_gb_s weight_bytes_per_token share_of_bandwidth cpu commit
    n_depth kv prefetch head repack token_ms_p50 token_ms_p95 token_ms_p99 kv_bytes_per_token gmac_s product_gmac_s speed_up
    efficiency version date'
run 0 bench -m "$model" -p 16 -n 4 -r 2 -t 1,2 --kernel scalar,auto --json
"$json_check" $fields <"$dir/out" 2>"$dir/err" || fail "$(cat "$dir/err")"
[ "$(wc -l <"$dir/out")" = 8 ] || fail 'two kernels, two thread counts and two tests are not eight rows'
run 0 bench -m "$model" -p 16 -n 0 -r 1 --csv; [ "$(wc -l <"$dir/out")" = 2 ] || fail 'no head and row'
run 0 bench -m "$model" -p 99 -n 99 --ctx 32 -r 1; says clipped
run 0 bench -m "$model" -p 4,9 -n 5 -d 0,20 -r 1 -t 1 --csv; [ "$(wc -l <"$dir/out")" = 7 ] || fail 'three lengths at two depths are not six rows'; prints 'tg5@20'
run 0 bench --shape tiny:tq2_0 -p 8 -n 4 -r 1; prints 'tiny:tq2_0'
run 2 bench --shape tinny; says bitnet-2b4t
run 2 bench --shape tiny -m "$model"; says exclude
run 2 bench -m "$model" -p 0 -n 0; says nothing
run 0 doctor --json; "$json_check" cpu kernels threads memory read terminal model vault <"$dir/out" 2>"$dir/err" || fail "$(cat "$dir/err")"
run 0 doctor; prints kernels; prints 'measured before'
run 0 doctor -m "$model"; prints ': llama, F32, '
rm -f "$dir/.cache/ryot/read-bandwidth"; run 0 doctor; prints 'measured now'; [ -s "$dir/.cache/ryot/read-bandwidth" ] || fail 'nothing is remembered'
run 0 doctor --fresh; prints 'measured now'

# A chat through pipes: answers on stdout, the rest on stderr, everything in the vault.
umask 000
in='hello
/kernel scalar
/sessions
/quit
never read
'
run 0 -m "$model" --temp 0 -n 12; no_escape; says 'hello'
[ "$(wc -l <"$dir/out")" -ge 1 ] || fail 'no answer'
cmp -s "$dir/out" "$dir/a" || fail 'the answer in a chat is another than in run'
in=
vault=$dir/.local/share/ryot/vault.db
mode() { stat -c %a "$1"; }
[ "$(mode "$vault")" = 600 ] || fail "the vault has mode $(mode "$vault")"
run 0 sessions; prints hello
run 0 sessions show 1; prints '## You'; prints '## Answer (token limit)'; no_escape
run 0 sessions rename 1 'A better name'; silent
run 0 sessions list; prints 'A better name'
run 0 sessions fork 1 1; [ "$(cat "$dir/out")" = 2 ] || fail 'no id of the copy'
run 0 sessions show 2; prints hello; grep -q '## Answer' "$dir/out" && fail 'the copy is not cut at its position'
run 2 sessions fork 1 -1
run 0 sessions delete 2
in='and more
'; run 0 -c -m "$model" -n 4; in=
run 0 sessions show 1; prints 'and more'
run 1 sessions show 99
run 0 sessions delete 1; run 1 sessions show 1
in='hush
'; run 0 --ephemeral -m "$model" -n 4; run 0 sessions list; grep -q hush "$dir/out" && fail 'an ephemeral chat was kept'
run 5 --plain -m "$model" --vault "$model"; says --ephemeral
in=$(printf '%0200d\nx' 7); run 4 --plain --ephemeral -m "$model" --ctx 64; silent
in=
echo 'no vault' >"$dir/v.db"
in='/guide how do I quit
/guide who won the war
'; run 0 --plain --ephemeral -m "$model"; says "looked up in ryot's facts: Press ^D"; says 'nothing near that'; silent
in=
run 5 --plain -m "$model" --vault "$dir/v.db"; says v.db
run 5 sessions list --vault "$dir/v.db"; says v.db
[ "$(cat "$dir/v.db")" = 'no vault' ] || fail 'a file that is no vault was changed'
umask 022

# Signals and pipes that close.
# (SIGINT is in tests/pty: a script's background jobs ignore it, and ryot leaves an ignored signal ignored.)
for number in 15 1; do
    what="signal $number to run"; n=$((n + 1))
    "$RYOT" run -m "$model" --kernel scalar -t 1 --temp 0 --ctx 16384 -n 16000 -p hello >"$dir/out" 2>"$dir/err" </dev/null &
    pid=$!
    tries=0; while [ ! -s "$dir/out" ] && [ $tries -lt 300 ]; do sleep 0.1; tries=$((tries + 1)); done
    kill -$number $pid; wait $pid 2>/dev/null; got=$?
    [ $got = $((128 + number)) ] || fail "exit status $got, not $((128 + number))"
    [ -s "$dir/out" ] || fail 'the partial text is lost'
done
what='run into a closed pipe'; n=$((n + 1))
"$RYOT" run -m "$model" --temp 0 --ctx 4096 -n 4000 -p hello 2>"$dir/err" </dev/null | head -c 1 >/dev/null
[ ! -s "$dir/err" ] || fail "it says: $(head -c 200 "$dir/err")"
what='stdout on a full disk'; n=$((n + 1))
if [ -w /dev/full ]; then
    "$RYOT" --version >/dev/full 2>"$dir/err" </dev/null; got=$?
    [ $got = 1 ] || fail "exit status $got"
    says 'cannot write'
fi

[ $bad = 0 ] && echo "cli: $n runs as promised"
[ $bad = 0 ]
