#!/bin/sh
# The layer rules of the house, read from the sources: who may include whom, and who may use which library.
# Prints each breach as file:line and fails if there is one.
cd "${srcdir:-.}" || exit 1
bad=0
breach() { # PATTERN(extended regexp) FILES-ALLOWED(regexp) MESSAGE FILES...
    pat=$1 allow=$2 msg=$3; shift 3
    out=$(grep -nE "$pat" "$@" /dev/null 2>/dev/null | grep -vE "^($allow):")
    if [ -n "$out" ]; then printf '%s:\n%s\n' "$msg" "$out"; bad=1; fi
}
c() { find "$@" -name '*.[ch]' 2>/dev/null; }

# L1 knows nobody above it.
breach '^[ \t]*#[ \t]*include "(engine|store|ui|src/(app|cmd))/' 'none' 'src/base includes upwards' $(c src/base)
# The wings are blind to each other and to the hall.
breach '^[ \t]*#[ \t]*include "(store|ui|src/(app|cmd))/' 'none' 'engine includes another wing or the hall' $(c engine)
breach '^[ \t]*#[ \t]*include "(engine|ui|src/(app|cmd))/' 'none' 'store includes another wing or the hall' $(c store)
breach '^[ \t]*#[ \t]*include "(engine|store|src/(app|cmd))/' 'none' 'ui includes another wing or the hall' $(c ui)
# Only a wing's public header is seen from outside.
out=$(grep -nE '^[ \t]*#[ \t]*include "(engine|store|ui)/' $(c src) /dev/null | grep -vE '"(engine/engine|store/vault|ui/ui)\.h"')
if [ -n "$out" ]; then printf 'private header of a wing included by the hall:\n%s\n' "$out"; bad=1; fi
# Libraries have one home.
breach '#[ \t]*include <(sqlite3|zstd|zdict)\.h>' 'store/[^:]*|tests/[^:]*|bench/[^:]*' 'sqlite and zstd belong to store/' $(c src engine ui)
breach '#[ \t]*include <(ncursesw/)?(curses|ncurses|term)\.h>' 'ui/(term|draw)\.[ch]' 'curses belongs to ui/term.c and ui/draw.c' $(c src engine ui store)
breach '#[ \t]*pragma[ \t]+omp|#[ \t]*include <omp\.h>' 'engine/par\.c' 'OpenMP belongs to engine/par.c' $(c src engine ui store)
breach '#[ \t]*include <curl/' 'src/app/remote\.c' 'curl belongs to src/app/remote.c' $(c src engine ui store)
breach '(^|[^_a-zA-Z])(malloc|calloc|realloc|free|strdup|strndup|aligned_alloc|posix_memalign)[ \t]*\(' \
    'src/base/mem\.c' 'only src/base/mem.c calls malloc' $(c src engine ui store)
breach 'atomic_thread_fence' 'none' 'no fences: ThreadSanitizer cannot see them' $(c src engine ui store)
breach 'tests/.*\.c"' 'none' 'a test includes a .c file' $(c tests)
# Wide instructions stay in the tiers' own files.
breach '#[ \t]*include <(immintrin|x86intrin|emmintrin)\.h>' 'engine/kern/kern_(avx2|avx512|avxvnni|amx)[a-z0-9_]*\.[ch]' \
    'intrinsics belong to a tier'"'"'s own files' $(c src engine ui store)
[ $bad = 0 ] && echo 'layers: every include points down, every library is at home'
exit $bad
