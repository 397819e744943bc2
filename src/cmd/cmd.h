/* The subcommands: each does its work on the main thread and returns how it went. err->text may
 * be empty when the person was told already. *sig: 0, or the signal to be raised again at the
 * end. */
#ifndef RYOT_CMD_CMD_H
#define RYOT_CMD_CMD_H

#include "src/cmd/setup.h"

ry_rc ry_cmd_chat(struct ry_setup *setup, int *sig, ry_err *err);
ry_rc ry_cmd_run(struct ry_setup *setup, int *sig, ry_err *err);
ry_rc ry_cmd_bench(struct ry_setup *setup, int *sig, ry_err *err);
ry_rc ry_cmd_sessions(struct ry_setup *setup, int *sig, ry_err *err);
ry_rc ry_cmd_models(struct ry_setup *setup, int *sig, ry_err *err);
ry_rc ry_cmd_info(struct ry_setup *setup, int *sig, ry_err *err);
ry_rc ry_cmd_tokenize(struct ry_setup *setup, int *sig, ry_err *err);
ry_rc ry_cmd_logits(struct ry_setup *setup, int *sig, ry_err *err);
ry_rc ry_cmd_perplexity(struct ry_setup *setup, int *sig, ry_err *err);
ry_rc ry_cmd_doctor(struct ry_setup *setup, int *sig, ry_err *err);
ry_rc ry_cmd_completion(struct ry_setup *setup, int *sig, ry_err *err);
ry_rc ry_cmd_help(struct ry_setup *setup, int *sig, ry_err *err);

#endif
