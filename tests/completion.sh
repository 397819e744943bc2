#!/bin/sh
# The completion scripts are read by their shells without complaint, and bash's completes commands, options and values.
RYOT=${RYOT:-./ryot}
[ -x "$RYOT" ] || { echo "SKIPPED: no program at $RYOT"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
bad=0
for shell in bash zsh fish; do
    "$RYOT" completion $shell >"$dir/$shell" && [ -s "$dir/$shell" ] || { echo "no script for $shell"; bad=1; }
    command -v $shell >/dev/null 2>&1 || { echo "$shell is not here: its script is not read"; continue; }
    $shell -n "$dir/$shell" || { echo "$shell cannot read its script"; bad=1; }
done
"$RYOT" completion tcsh >/dev/null 2>&1
[ $? = 2 ] || { echo 'an unknown shell is no usage error'; bad=1; }

complete() { # WANTED WORD...: bash's answers for the line, the last word being completed
    want=$1; shift
    got=$(bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ryot; printf "%s " "${COMPREPLY[@]}"' \
        bash "$dir/bash" "$@")
    case " $got " in
    *" $want "*) ;;
    *) echo "bash: no $want for: $* (but: $got)"; bad=1 ;;
    esac
}
if command -v bash >/dev/null 2>&1; then
    complete tokenize ryot tok
    complete --kernel ryot run --ker
    complete scalar ryot run --kernel sc
    complete list ryot sessions l
fi
exit $bad
