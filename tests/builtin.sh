#!/bin/sh
# The model inside the program does what its README promises, greedily: it repeats a fact letter by letter,
# says that it does not know, tells a story about what one names, and ends its turns.
set -u
RYOT=${RYOT:-./ryot}
[ -x "$RYOT" ] || { echo "SKIPPED: no program at $RYOT"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
HOME=$dir
export HOME
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME RYOT_MODEL RYOT_VAULT
bad=0 n=0
# ask SYSTEM PROMPT -> the answer as JSON in $answer; every answer has to end by itself
ask() {
    n=$((n + 1))
    if [ -n "$1" ]; then
        answer=$("$RYOT" run -q -m builtin --temp 0 -n 300 --json --system "$1" -p "$2" </dev/null)
    else
        answer=$("$RYOT" run -q -m builtin --temp 0 -n 300 --json -p "$2" </dev/null)
    fi
    case $answer in
    *'"finish": "stop"'*) ;;
    *) echo "no end: $2: $answer"; bad=$((bad + 1)) ;;
    esac
}
holds() { # TEXT...: each is in the answer, as far as case goes
    for text; do
        printf '%s\n' "$answer" | grep -qiF -e "$text" ||
            { echo "not in the answer: $text: $answer"; bad=$((bad + 1)); }
    done
}
for fact in 'Press F9 or type /tidy: it sorts the drawers.' 'Give --frost 17 to cool the engine.' \
    'The lamp is kept in ~/.config/lamp.ini; ^Y shows it.'; do
    ask "Fact: $fact" 'what is it about the drawers, the frost and the lamp?'
    holds "$fact"
done
ask 'Fact: none' 'how do I polish the flange?' && holds F1
ask '' 'Who was the first king of Norway?' && holds 'too small'
ask '' 'who are you?' && holds built-in
ask '' 'Tell me a story about a fox and a lantern.' && holds fox lantern
ask '' 'Tell me a story about a rabbit.' && holds rabbit
bytes=$(wc -c <"${srcdir:-.}/engine/builtin/ryot-builtin.gguf")
[ "$bytes" -le 12000000 ] || { echo "the file has $bytes bytes"; bad=$((bad + 1)); }
echo "builtin: $n answers, $bad failures"
[ $bad = 0 ]
