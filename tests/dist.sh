#!/bin/sh
# A release can be made, and holds every file that is kept under version control: what an ignore rule or a forgotten list
# leaves out shows here. Builds nothing.
src=${srcdir:-.}
dir=$(mktemp -d) || exit 1
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
[ -f Makefile ] || { echo "SKIPPED: no Makefile here"; exit 77; }
unset MAKEFLAGS MFLAGS MAKELEVEL
make -s distdir distdir="$dir/ryot" >"$dir/log" 2>&1 || { echo "no release can be made:"; tail -n 5 "$dir/log"; exit 1; }
git -C "$src" rev-parse --git-dir >/dev/null 2>&1 || { echo "SKIPPED: not under version control"; exit 77; }
bad=0 n=0
for f in $(cd "$src" && git ls-files); do
    case $f in
    .gitignore) continue ;;
    esac
    n=$((n + 1))
    [ -e "$dir/ryot/$f" ] || { echo "not in a release: $f"; bad=1; }
done
[ $bad = 0 ] && echo "dist: a release holds all $n files"
exit $bad
