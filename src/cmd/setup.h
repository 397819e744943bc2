/* What every command begins with: log, config file, model lookup, switches. Main thread. */
#ifndef RYOT_CMD_SETUP_H
#define RYOT_CMD_SETUP_H

#include "engine/engine.h"
#include "src/app/config.h"
#include "src/cmd/opts.h"

struct ry_setup {
    struct ry_opts *opts; /* borrowed */
    ry_config config;
    const char *model_word, *vault_word; /* borrowed: as asked for; NULL when nobody did */
    char *vault_path;                    /* owned */
    char *model;                         /* owned: what ry_engine_open takes; NULL until found */
};

/* Opens the log where one was asked for, reads the config file and takes its values as defaults. */
ry_rc ry_setup_init(struct ry_setup *setup, struct ry_opts *opts, ry_err *err);
void ry_setup_done(struct ry_setup *setup);

/* What ry_engine_open takes for a person's word: "builtin", a path, a [model NAME] of the
 * config, or NAME or NAME.gguf in the models folder. *path is the caller's, absolute where it is
 * a file. RY_ERR_MODEL. */
ry_rc ry_setup_find_model(const struct ry_setup *setup, const char *word, char **path, ry_err *err);

/* The model without which nothing goes, into setup->model: --shape where the command has it, -m,
 * else $RYOT_MODEL, else the config, else the built-in one. Also takes the values of its config
 * section. RY_ERR_MODEL with what to do. */
ry_rc ry_setup_model(struct ry_setup *setup, ry_err *err);

/* Kernel, threads, attention, prefetch and sampling as asked for. The seed is drawn when none
 * was given. */
ry_rc ry_setup_live(const struct ry_setup *setup, struct ry_live *live, uint64_t *seed,
                    ry_err *err);

/* Says so where they are more than this process may use. */
void ry_setup_note_threads(int n_threads);

/* Window, ubatch and KV type as asked for; live is left to the caller. */
void ry_setup_session(const struct ry_setup *setup, struct ry_session_options *out);

/* Path of the vault: --vault, else $RYOT_VAULT, else the config, else the data folder. Owned by
 * setup. */
ry_rc ry_setup_vault(struct ry_setup *setup, const char **path, ry_err *err);

/* Opens setup->model with progress on stderr when that is a terminal; signals cancel it. */
ry_rc ry_setup_open(struct ry_setup *setup, bool tokenizer_only, ry_engine **out, ry_err *err);

#endif
