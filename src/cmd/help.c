/* `ryot help` and `ryot completion`: what the tables say. */
#include <string.h>

#include "src/app/out.h"
#include "src/app/suggest.h"
#include "src/cmd/cmd.h"

ry_rc ry_cmd_help(struct ry_setup *s, int *sig, ry_err *err)
{
    ry_buf out = {0};
    int cmd = RY_CMD_COUNT;
    (void)sig;
    if (s->opts->n_args) {
        struct ry_suggest near = {.wanted = s->opts->args[0]};
        for (cmd = 0; cmd < RY_CMD_COUNT && strcmp(s->opts->args[0], ry_cmd_name((enum ry_cmd)cmd));
             cmd++)
            ry_suggest_offer(&near, ry_cmd_name((enum ry_cmd)cmd));
        if (cmd == RY_CMD_COUNT)
            return ry_err_set(err, RY_ERR_USAGE, "unknown command %s%s%s", s->opts->args[0],
                              near.best ? ": did you mean " : "", near.best ? near.best : "");
    }
    ry_opts_help((enum ry_cmd)cmd, &out);
    ry_out_bytes(ry_buf_str(&out), out.len);
    ry_buf_done(&out);
    return RY_OK;
}

ry_rc ry_cmd_completion(struct ry_setup *s, int *sig, ry_err *err)
{
    ry_buf out = {0};
    (void)sig;
    ry_rc rc = ry_opts_completion(s->opts->args[0], &out, err);
    if (rc == RY_OK)
        ry_out_bytes(ry_buf_str(&out), out.len);
    ry_buf_done(&out);
    return rc;
}
