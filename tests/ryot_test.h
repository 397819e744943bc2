/* What every test program shares: check, a main that runs one suite, and loud skips.
 *
 * A test program is tests/test_<room>.c; it defines suites and ends with RY_TEST_MAIN(suite_fn).
 * CK_FORK=no runs it in one process (for a debugger or valgrind).
 */
#ifndef RYOT_TEST_H
#define RYOT_TEST_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Exit status that automake's harness shows as SKIP. */
#define RY_TEST_SKIP 77

/* Path of a file of the development checkout's shared folder, or NULL (and a line on stderr) when that
 * folder is absent, as in a fresh clone. The result is a static buffer, valid until the next call. */
static inline const char *ry_test_shared(const char *rel)
{
    static char path[4096];
    const char *dir = getenv("RYOT_SHARED");
    if (dir)
        snprintf(path, sizeof path, "%s/%s", dir, rel);
    else
        snprintf(path, sizeof path, "%s/../shared/%s", RYOT_SRCDIR, rel);
    if (access(path, R_OK) == 0)
        return path;
    fprintf(stderr, "SKIPPED: %s is not there (set RYOT_SHARED to the folder that holds it)\n",
            rel);
    return NULL;
}

/* Runs one suite; the process status is 0 only when nothing failed. */
#define RY_TEST_MAIN(suite_fn)                                                                     \
    int main(void)                                                                                 \
    {                                                                                              \
        SRunner *runner = srunner_create(suite_fn());                                              \
        srunner_run_all(runner, CK_ENV);                                                           \
        int n_failed = srunner_ntests_failed(runner);                                              \
        srunner_free(runner);                                                                      \
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;                                             \
    }                                                                                              \
    typedef int ry_test_main_semicolon

#endif
