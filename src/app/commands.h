/* Slash commands: one table of name, arguments, help and handler feeds running, completion and
 * help. Main thread. */
#ifndef RYOT_APP_COMMANDS_H
#define RYOT_APP_COMMANDS_H

#include "src/app/chat.h"

struct ry_command {
    const char *name; /* without the slash */
    const char *args; /* "scalar|avx2|avxvnni|avx512|amx", "N", "" */
    const char *help; /* one line */
    /* arg: what stands behind the name, trimmed, "" for nothing. */
    ry_rc (*run)(ry_chat *chat, const char *arg, ry_err *err);
};

/* Sorted by name; static storage. */
const struct ry_command *ry_command_table(size_t *n);

/* Runs "/name argument". RY_ERR_USAGE with the nearest name for an unknown one. */
ry_rc ry_command_run(ry_chat *chat, const char *text, size_t len, ry_err *err);

/* The next usable kernel tier, as ^K cycles; and one thread more or less. */
void ry_command_cycle_kernel(ry_chat *chat);
void ry_command_step_threads(ry_chat *chat, int step);

#endif
