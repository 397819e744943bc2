/* The configuration file: `key = value` lines, the keys being the long options, and [model NAME]
 * sections.
 *
 *   model = bitnet                 # a path, "builtin" or a section's name
 *   temp = 0.6
 *   [model bitnet]
 *   path = /data/bitnet-2b.gguf
 *   ctx = 4096
 *
 * This room reads syntax; what a key means is the option table's business. Main thread. */
#ifndef RYOT_APP_CONFIG_H
#define RYOT_APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/arena.h"
#include "src/base/err.h"

struct ry_config_entry {
    const char *section; /* "" at the top, else the NAME of [model NAME] */
    const char *key, *value;
    int line;
};

typedef struct ry_config {
    ry_arena arena;                  /* owns every string */
    const char *path;                /* "" when no file was read */
    struct ry_config_entry *entries; /* [n], owned, in the order of the file */
    size_t n, cap;
} ry_config;

/* Ready to use when zeroed. Reads `path`; a file that is absent is an error only when `required`.
 * RY_ERR_USAGE with path and line for what cannot be understood. */
ry_rc ry_config_load(ry_config *config, const char *path, bool required, ry_err *err);

/* Parses text as if it were the file `path` (for tests and for load). */
ry_rc ry_config_parse(ry_config *config, const char *path, const char *text, size_t len,
                      ry_err *err);

void ry_config_done(ry_config *config);

/* The last value of a key in a section, or NULL. Borrowed until done. */
const char *ry_config_get(const ry_config *config, const char *section, const char *key);

#endif
