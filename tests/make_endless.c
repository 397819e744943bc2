/* make_endless FILE: a random model that never ends an answer by itself, for scripts that
 * interrupt it. */
#include <stdlib.h>

#include "tests/endless_model.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: make_endless FILE\n", stderr);
        return 2;
    }
    return endless_model_write(argv[1], 16384) ? EXIT_SUCCESS : EXIT_FAILURE;
}
