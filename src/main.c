/* The front door: locale, options, the command, and how the process ends. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <string.h>

#include "src/app/out.h"
#include "src/app/signals.h"
#include "src/cmd/cmd.h"
#include "src/commit.h"

static ry_rc (*const commands[RY_CMD_COUNT])(struct ry_setup *setup, int *sig, ry_err *err) = {
    [RY_CMD_CHAT] = ry_cmd_chat,
    [RY_CMD_RUN] = ry_cmd_run,
    [RY_CMD_BENCH] = ry_cmd_bench,
    [RY_CMD_SESSIONS] = ry_cmd_sessions,
    [RY_CMD_MODELS] = ry_cmd_models,
    [RY_CMD_INFO] = ry_cmd_info,
    [RY_CMD_TOKENIZE] = ry_cmd_tokenize,
    [RY_CMD_LOGITS] = ry_cmd_logits,
    [RY_CMD_PERPLEXITY] = ry_cmd_perplexity,
    [RY_CMD_DOCTOR] = ry_cmd_doctor,
    [RY_CMD_COMPLETION] = ry_cmd_completion,
    [RY_CMD_HELP] = ry_cmd_help,
};

/* --help and --version need neither config nor model. */
static bool answered_by_tables(const struct ry_opts *opts)
{
    ry_buf out = {0};
    if (opts->version)
        ry_buf_addf(&out, "ryot %s (%s)\n", PACKAGE_VERSION, RYOT_COMMIT);
    else if (opts->help)
        ry_opts_help(opts->cmd == RY_CMD_CHAT && !opts->given_command ? RY_CMD_COUNT : opts->cmd,
                     &out);
    else
        return false;
    ry_out_bytes(ry_buf_str(&out), out.len);
    ry_buf_done(&out);
    return true;
}

static ry_rc run(struct ry_opts *opts, ry_err *err)
{
    struct ry_setup setup = {0};
    int sig = 0;
    if (answered_by_tables(opts))
        return RY_OK;
    ry_rc rc = ry_setup_init(&setup, opts, err);
    if (rc == RY_OK)
        rc = commands[opts->cmd](&setup, &sig, err);
    if (sig)
        ry_signals_reraise(
            sig); /* before anything is freed: a worker left behind may still read it */
    ry_setup_done(&setup);
    return rc;
}

int main(int argc, char **argv)
{
    struct ry_opts opts;
    ry_err err = {0};
    int why = 0;
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C"); /* numbers are read and written the same everywhere */
    signal(SIGPIPE,
           SIG_IGN); /* a reader that left is seen by write, after which the vault is flushed */
    ry_rc rc = ry_opts_parse(&opts, argc, argv, &err);
    if (rc == RY_OK)
        rc = run(&opts, &err);
    ry_opts_done(&opts);
    if (ry_out_broken(&why)) {
        if (why == EPIPE)
            ry_signals_reraise(SIGPIPE);
        ry_out_error("cannot write to stdout: %s", strerror(why));
        return ry_rc_exit_code(RY_ERR_IO);
    }
    if (rc != RY_OK && err.text[0])
        ry_out_error("%s", err.text);
    return ry_rc_exit_code(rc);
}
