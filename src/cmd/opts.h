/* The command line: one table of commands and one of options feed parsing, the config file,
 * --help, shell completion and the manual. Knows no wing. Main thread. */
#ifndef RYOT_CMD_OPTS_H
#define RYOT_CMD_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/buf.h"
#include "src/base/err.h"

enum ry_cmd {
    RY_CMD_CHAT,
    RY_CMD_RUN,
    RY_CMD_BENCH,
    RY_CMD_SESSIONS,
    RY_CMD_MODELS,
    RY_CMD_INFO,
    RY_CMD_TOKENIZE,
    RY_CMD_LOGITS,
    RY_CMD_PERPLEXITY,
    RY_CMD_DOCTOR,
    RY_CMD_COMPLETION,
    RY_CMD_HELP,
    RY_CMD_COUNT
};

enum { RY_OPTS_MAX_STOPS = 16, RY_OPTS_MAX = 64 };

/* What was asked for. Strings are borrowed from argv or owned by the arena; NULL or 0 where not
 * given, unless a default is said here. */
struct ry_opts {
    enum ry_cmd cmd;
    bool given_command; /* the command was named */
    bool help, version; /* print that and end */
    const char *model, *config, *vault, *log;
    const char *kernel, *attention, *prefetch, *repack, *head, *kv,
        *speculate; /* checked against their words */
    const char *prompt, *session, *system, *out, *tokens;
    const char *bench_threads, *bench_kernels;          /* lists "1,2" and "scalar,avx2" */
    const char *bench_prompt, *bench_gen, *bench_depth; /* lists of lengths */
    const char *shape;                                  /* instead of a model */
    const char *theme, *mouse;
    const char *stops[RY_OPTS_MAX_STOPS];
    size_t n_stops;
    int n_threads, n_ctx, n_ubatch;
    int max_tokens; /* -n of chat and run; -1: not given */
    int bench_reps; /* 5 */
    float temp, top_p, min_p, repeat_penalty;
    int top_k;
    uint64_t seed;
    bool cont, ephemeral, plain, raw, json, csv, md, nul, bos, special, fresh, quiet;
    const char **args; /* [n_args] what is no option, behind the command; owned */
    size_t n_args;
    uint64_t given;   /* bit per option row: on the command line or, later, by the config */
    uint64_t on_line; /* the same for the command line alone */
    ry_arena arena;
};

/* Parses argv. Options stand before or behind the command, `--` ends them. RY_ERR_USAGE with the
 * nearest word for what is unknown. The caller calls done either way. */
ry_rc ry_opts_parse(struct ry_opts *opts, int argc, char **argv, ry_err *err);
void ry_opts_done(struct ry_opts *opts);

/* Whether the option was given, by its long name. */
bool ry_opts_given(const struct ry_opts *opts, const char *name);
/* The same for the command line alone: what a resumed session's own settings give way to. */
bool ry_opts_on_line(const struct ry_opts *opts, const char *name);

/* Takes `key = value` of a config file as a default: ignored when the option was given before.
 * The value is copied. RY_ERR_USAGE for unknown keys and bad values. */
ry_rc ry_opts_set_default(struct ry_opts *opts, const char *key, const char *value, ry_err *err);

const char *ry_cmd_name(enum ry_cmd cmd);

/* --help: of one command, or with RY_CMD_COUNT the overview. */
void ry_opts_help(enum ry_cmd cmd, ry_buf *out);

/* The completion script of "bash", "zsh" or "fish", or with "man" the COMMANDS, OPTIONS and
 * CONFIGURATION sections of the manual in man(7) macros. RY_ERR_USAGE for another word. */
ry_rc ry_opts_completion(const char *shell, ry_buf *out, ry_err *err);

#endif
