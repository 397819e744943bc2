#!/bin/sh
# Every header compiles alone, as C11, without warnings.
cd "${srcdir:-.}" || exit 1
CC=${CC:-cc}
flags=$(pkg-config --cflags ncursesw sqlite3 libzstd libutf8proc md4c libcjson inih libxxhash check 2>/dev/null)
bad=0 n=0
for h in $(find src engine store ui tests bench -name '*.h'); do
    case $h in
    *kern_avx512*|*kern_avxvnni*|*kern_amx*) arch='-mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx512vbmi -mavxvnni -mamx-tile -mamx-int8' ;;
    *kern_avx2*|*kern/wide_*) arch='-mavx2 -mfma -mf16c' ;;
    *) arch= ;;
    esac
    [ "$(uname -m)" = x86_64 ] || { [ -n "$arch" ] && continue; }
    n=$((n + 1))
    # shellcheck disable=SC2086
    printf '#include "%s"\n#include "%s"\ntypedef int ry_not_empty;\n' "$h" "$h" |
        $CC -std=c11 -D_GNU_SOURCE -DRYOT_SRCDIR='"."' -I. ${builddir:+-I"$builddir"} $flags $arch -Wall -Wextra -Werror \
            -Wno-unused-function -fsyntax-only -x c - || { echo "does not compile alone: $h"; bad=1; }
done
[ $bad = 0 ] && echo "headers: $n compile alone"
exit $bad
