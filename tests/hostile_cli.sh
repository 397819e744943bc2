#!/bin/sh
# Runs the program on every bad model file of the catalogue: each must be refused at once, with exit status 3, the
# file's name and the right words on stderr, and nothing on stdout; a good one must be described.
: "${builddir:=.}"
RYOT=${RYOT:-$builddir/ryot}
make_bad=$builddir/tests/make_bad
if [ ! -x "$RYOT" ]; then
    echo "SKIPPED: $RYOT is not there, so nothing was run on the bad files" >&2
    exit 77
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bad"
"$make_bad" bad "$dir/bad" || exit 1
tab=$(printf '\t')
export HOME="$dir" XDG_DATA_HOME="$dir/data" XDG_CONFIG_HOME="$dir/config" XDG_STATE_HOME="$dir/state"

bad=0 n=0
# check COMMAND FILE STATUS WORDS PROGRAM ARGUMENTS...
check() {
    what="$1 $2" name=$2 status=$3 said=$4; shift 4
    timeout 20 "$@" >"$dir/out" 2>"$dir/err" </dev/null
    got=$?
    n=$((n + 1))
    if [ $got -ne "$status" ]; then
        echo "$what: exit status $got, not $status: $(head -c 300 "$dir/err")"; bad=1
    elif [ -s "$dir/out" ]; then
        echo "$what: stdout is not empty: $(head -c 100 "$dir/out")"; bad=1
    elif ! grep -qF -- "$name" "$dir/err"; then
        echo "$what: the message does not name it: $(head -c 300 "$dir/err")"; bad=1
    elif ! grep -qF -- "$said" "$dir/err"; then
        echo "$what: not said: $said; but: $(head -c 300 "$dir/err")"; bad=1
    fi
}
while IFS="$tab" read -r file want words; do
    check info "$file" "$want" "$words" "$RYOT" info "$dir/bad/$file"
done <"$dir/bad/manifest"
# The other ways in, for some of them.
for file in empty version-swapped no-embedding heads-0; do
    line=$(grep "^$file.gguf$tab" "$dir/bad/manifest")
    words=${line##*"$tab"}
    check run "$file.gguf" 3 "$words" "$RYOT" run -m "$dir/bad/$file.gguf" -n 1 -p hello
    check logits "$file.gguf" 3 "$words" "$RYOT" logits -m "$dir/bad/$file.gguf" --tokens 1,2 -o "$dir/l.f32"
done
mkfifo "$dir/fifo.gguf" && check info fifo.gguf 3 'is a FIFO' "$RYOT" info "$dir/fifo.gguf"
check info "$dir" 3 'is a directory' "$RYOT" info "$dir"

"$make_bad" good "$dir/good.gguf" bitnet TQ2_0 || exit 1
if ! timeout 20 "$RYOT" info "$dir/good.gguf" >"$dir/out" 2>"$dir/err" || ! grep -q bitnet "$dir/out"; then
    echo "info of a good file failed: $(head -c 300 "$dir/err")"; bad=1
fi
[ $bad = 0 ] && echo "hostile_cli: $n refusals with their words, one good file described"
exit $bad
