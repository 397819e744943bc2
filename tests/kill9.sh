#!/bin/sh
# kill -9 while an answer streams: the question and the answer up to the last quarter of a second are there
# afterwards, and the session goes on.
: "${builddir:=.}"
RYOT=${RYOT:-$builddir/ryot}
if [ ! -x "$RYOT" ]; then
    echo "SKIPPED: $RYOT is not there, so nothing was killed" >&2
    exit 77
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export HOME="$dir" TERM=dumb LC_ALL=C.UTF-8
unset XDG_DATA_HOME XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME RYOT_MODEL RYOT_VAULT
"$builddir/tests/make_endless" "$dir/m.gguf" || exit 1
rounds=${1:-5}
bad=0 least=100000000
now_ms() { echo $(($(date +%s%N) / 1000000)); }
for round in $(seq 1 "$rounds"); do
    mkfifo "$dir/in"
    "$RYOT" --plain -m "$dir/m.gguf" --kernel scalar -t 1 --temp 0 --ctx 16384 <"$dir/in" >"$dir/out" 2>"$dir/err" &
    pid=$!
    exec 3>"$dir/in"
    printf 'Question number %d\n' "$round" >&3
    # Until the answer has begun, and then for a time that differs from round to round.
    tries=0
    while [ ! -s "$dir/out" ] && [ $tries -lt 300 ]; do sleep 0.1; tries=$((tries + 1)); done
    sleep "0.$(((round * 37 + 40) % 90 + 10))"
    early=$(wc -c <"$dir/out")
    sleep 0.3
    kill -9 $pid
    wait $pid 2>/dev/null
    exec 3>&-
    rm "$dir/in"
    "$RYOT" sessions show "$round" >"$dir/shown" 2>>"$dir/err" || { echo "round $round: no session: $(tail -n 2 "$dir/err")"; bad=1; continue; }
    if ! grep -qx "Question number $round" "$dir/shown"; then
        echo "round $round: the question is gone"; bad=1
    fi
    if ! grep -qx '## Answer (cut off)' "$dir/shown"; then
        echo "round $round: no partial answer"; bad=1
    fi
    sed '1,/^## Answer/d' "$dir/shown" | sed 1d >"$dir/answer"
    saved=$(wc -c <"$dir/answer")
    # What was on stdout 0.3 s before the kill is in the vault, and is what was shown.
    if [ "$saved" -lt "$early" ]; then
        echo "round $round: $saved bytes saved of $early that had come 0.3 s before"; bad=1
    fi
    head -c "$early" "$dir/out" >"$dir/a"; head -c "$early" "$dir/answer" >"$dir/b"
    if ! cmp -s "$dir/a" "$dir/b"; then
        echo "round $round: the saved text is not the one that came"; bad=1
    fi
    [ "$early" -lt "$least" ] && least=$early
done
printf 'Still there?\n' | "$RYOT" -c --plain -m "$dir/m.gguf" -n 8 --ctx 16384 -q >"$dir/out" 2>"$dir/err" || { echo "the session does not go on: $(cat "$dir/err")"; bad=1; }
"$RYOT" sessions show "$rounds" >"$dir/shown"
grep -qx 'Still there?' "$dir/shown" && grep -qx "Question number $rounds" "$dir/shown" ||
    { echo 'the session did not go on where it was'; bad=1; }
[ $bad = 0 ] && echo "kill9: $rounds kills, questions and answers kept (at least $least bytes each)"
exit $bad
