#!/bin/sh
# After `make check`: what was skipped and why, each suite's own summary line, and their sum, in check's words.
cd "${builddir:-.}" || exit 1
grep -hE '^SKIPPED: ' tests/*.log 2>/dev/null | sort | uniq -c | sed 's/^ *\([0-9]*\) SKIPPED:/skipped (\1):/'
checks=0 failures=0 errors=0 found=0
for log in tests/*.log; do
    line=$(grep -hE '^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+' "$log" | tail -n 1)
    [ -n "$line" ] || continue
    found=1
    name=${log#tests/}
    printf '%-24s %s\n' "${name%.log}" "$line"
    # shellcheck disable=SC2046
    set -- $(printf '%s\n' "$line" | sed 's/[^0-9]\{1,\}/ /g')
    checks=$((checks + $2)) failures=$((failures + $3)) errors=$((errors + $4))
done
[ $found = 1 ] || { echo 'no suite left a summary'; exit 1; }
percent=100
[ $checks -gt 0 ] && percent=$(((checks - failures - errors) * 100 / checks))
printf '%d%%: Checks: %d, Failures: %d, Errors: %d\n' $percent $checks $failures $errors
[ $((failures + errors)) = 0 ]
