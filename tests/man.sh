#!/bin/sh
# The examples of the man page are promises: each is run as it stands, in an empty home.
set -u
RYOT=${RYOT:-./ryot}
[ -x "$RYOT" ] || { echo "SKIPPED: no program at $RYOT"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin" "$dir/home" && ln -s "$(cd "$(dirname "$RYOT")" && pwd)/$(basename "$RYOT")" "$dir/bin/ryot"
page=$(cd "${srcdir:-.}" && pwd)/man/ryot.1
PATH=$dir/bin:$PATH HOME=$dir/home
export PATH HOME
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME RYOT_MODEL RYOT_VAULT
cd "$dir/home" || exit 1
sed -n '/^\.EX/,/^\.EE/s/^\$ //p' "$page" | sed 's/\\-/-/g' >"$dir/examples"
n=0 bad=0
# The page holds the commands, options and config keys just as the program's own table gives them.
ryot completion man >"$dir/table" && sed -n '/^\.SH COMMANDS/,/^\.SH KEYS/p' "$page" | sed '$d' | diff "$dir/table" - >"$dir/diff" || {
    echo 'man/ryot.1 differs from `ryot completion man`:'
    head -n 20 "$dir/diff"
    bad=1
}
while IFS= read -r line; do
    n=$((n + 1))
    sh -c "$line" >"$dir/out" 2>"$dir/err" </dev/null
    rc=$?
    if [ $rc != 0 ] || [ ! -s "$dir/out" ] && [ ! -s logits.f32 ]; then
        bad=$((bad + 1))
        printf 'example fails (%d): %s\n' $rc "$line"
        tail -n 3 "$dir/err"
    fi
done <"$dir/examples"
[ $n -ge 10 ] || { echo "only $n examples found in $page"; exit 1; }
echo "man: $n examples, $bad fail"
[ $bad = 0 ]
