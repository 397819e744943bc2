/* `ryot run`: one answer to stdout, then the end. Synchronous; a signal stops the answer and is
 * raised again after what came was printed. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/app/json.h"
#include "src/app/lookup.h"
#include "src/app/out.h"
#include "src/app/paths.h"
#include "src/app/signals.h"
#include "src/cmd/cmd.h"

enum { DEFAULT_TOKENS = 512, PROMPT_MAX_BYTES = 64 << 20 };

struct run {
    const struct ry_setup *setup;
    ry_engine *engine; /* owned like the following */
    ry_session *session;
    ry_guide *guide; /* NULL for a model that takes no facts, and with --raw */
    ry_buf prompt;
    ry_ids ids;
    struct ry_live live;
    uint64_t seed;
};

struct answer {
    bool json, kept;
    bool at_start; /* of a text without prompt: an SPM word's own space is no part of it */
    ry_buf text;   /* where kept */
};

static void on_text(void *user, const char *text, size_t len)
{
    struct answer *a = user;
    if (a->at_start && len > 0) {
        size_t skip = *text == ' ';
        a->at_start = false;
        text += skip;
        len -= skip;
    }
    if (a->kept)
        ry_buf_add(&a->text, text, len);
    if (!a->json)
        ry_out_text(text, len);
}

static bool interrupted(void)
{
    return ry_signals_ending() != 0;
}

/* stdin counts when it is a file or a pipe, and without -p when it is anything but a terminal. */
static bool stdin_counts(bool has_prompt)
{
    struct stat st;
    if (fstat(STDIN_FILENO, &st) != 0 || isatty(STDIN_FILENO))
        return false;
    return !has_prompt || S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode);
}

static ry_rc read_prompt(const struct ry_opts *o, ry_buf *out, ry_err *err)
{
    if (stdin_counts(o->prompt != NULL)) {
        struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
        if (poll(&p, 1, 2000) == 0)
            ry_out_note("waiting for stdin to end (</dev/null gives none)");
        ry_rc rc = ry_path_read_fd(STDIN_FILENO, "stdin", PROMPT_MAX_BYTES, interrupted, out, err);
        if (rc != RY_OK)
            return rc;
    }
    if (o->prompt)
        ry_buf_adds(out, o->prompt);
    if (out->failed)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the prompt");
    if (out->len == 0 && !o->raw)
        return ry_err_set(err, RY_ERR_USAGE,
                          "the prompt is empty: give -p TEXT or text on stdin "
                          "(--raw begins without any)");
    return RY_OK;
}

/* The fact that the built-in model reads before the prompt. */
static ry_rc look_up(const struct run *run, ry_buf *fact, ry_err *err)
{
    const char *prompt = ry_buf_str(&run->prompt);
    ry_buf said = {0};
    ry_lookup_text(run->guide, prompt, run->prompt.len, fact);
    ry_lookup_say(run->guide, prompt, run->prompt.len, &said);
    ry_out_notes(ry_buf_str(&said));
    ry_buf_done(&said);
    return fact->failed ? ry_err_set(err, RY_ERR_MEMORY, "out of memory for the prompt") : RY_OK;
}

/* What stands behind an answer that was to hold a fact and does not. */
static void check_fact(const struct run *run, const ry_buf *answer)
{
    ry_buf said = {0};
    ry_lookup_check(run->guide, ry_buf_str(&run->prompt), run->prompt.len, ry_buf_str(answer),
                    answer->len, &said);
    ry_out_notes(ry_buf_str(&said));
    ry_buf_done(&said);
}

static ry_rc to_ids(struct run *run, ry_err *err)
{
    const struct ry_opts *o = run->setup->opts;
    const ry_buf *prompt = &run->prompt;
    ry_ids *ids = &run->ids;
    ry_buf fact = {0};
    if (!o->raw) {
        struct ry_message m[3];
        size_t n = 0;
        if (o->system)
            m[n++] = (struct ry_message){RY_ROLE_SYSTEM, o->system, strlen(o->system)};
        ry_rc rc = run->guide ? look_up(run, &fact, err) : RY_OK;
        if (fact.len)
            m[n++] = (struct ry_message){RY_ROLE_SYSTEM, fact.data, fact.len};
        m[n++] = (struct ry_message){RY_ROLE_USER, ry_buf_str(prompt), prompt->len};
        if (rc == RY_OK)
            rc = ry_engine_render_chat(run->engine, m, n, ids, err);
        ry_buf_done(&fact);
        return rc;
    }
    ry_rc rc =
        ry_engine_tokenize(run->engine, ry_buf_str(prompt), prompt->len, RY_TOK_BOS, ids, err);
    int32_t bos = ry_engine_info(run->engine)->bos;
    if (rc == RY_OK && ids->n == 0 && bos >= 0 && !ry_ids_push(ids, bos))
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the prompt");
    if (rc == RY_OK && ids->n == 0)
        return ry_err_set(err, RY_ERR_USAGE,
                          "the prompt is empty, and this model has no BOS to begin at");
    return rc;
}

static double per_second(size_t n, double ms)
{
    return ms > 0 ? (double)n * 1e3 / ms : 0;
}

static void print_json(const struct answer *a, const struct ry_generated *g,
                       const struct ry_live *live, uint64_t seed, const char *model)
{
    ry_buf out = {0};
    ry_buf_adds(&out, "{\"text\": ");
    ry_json_string(&out, ry_buf_str(&a->text), a->text.len);
    ry_buf_adds(&out, ", ");
    ry_json_field(&out, "finish", ry_finish_name(g->finish));
    ry_buf_addf(&out, ", \"prompt_tokens\": %zu, \"generated_tokens\": %zu, ", g->n_prompt,
                g->n_generated);
    ry_json_number(&out, "ttft_ms", g->ttft_ms);
    ry_buf_adds(&out, ", ");
    ry_json_number(&out, "prefill_tok_s", per_second(g->n_prompt - g->n_reused, g->prefill_ms));
    ry_buf_adds(&out, ", ");
    ry_json_number(&out, "decode_tok_s",
                   g->n_generated > 1 ? per_second(g->n_generated - 1, g->decode_ms) : 0);
    ry_buf_adds(&out, ", ");
    ry_json_field(&out, "kernel", ry_tier_name((enum ry_tier)atomic_load(&live->tier)));
    ry_buf_addf(&out, ", \"threads\": %d, \"seed\": %llu, ", atomic_load(&live->n_threads),
                (unsigned long long)seed);
    ry_json_field(&out, "model", model);
    ry_buf_adds(&out, "}\n");
    ry_out_bytes(ry_buf_str(&out), out.len);
    ry_buf_done(&out);
}

/* What was not as a person might expect, after the answer. */
static void remark(const struct run *run, const struct ry_generated *g, const struct answer *a)
{
    const struct ry_opts *o = run->setup->opts;
    if (g->finish == RY_FINISH_CONTEXT)
        ry_out_note(
            "the context is full (%u tokens): the answer ends here; --ctx N makes it longer",
            ry_session_n_ctx(run->session));
    if (g->finish == RY_FINISH_LENGTH && o->max_tokens < 0 && !a->json)
        ry_out_note("the answer was ended after %d tokens: -n N changes that", DEFAULT_TOKENS);
    if (g->finish == RY_FINISH_STOP && run->guide)
        check_fact(run, &a->text);
}

static ry_rc generate(struct run *run, ry_err *err)
{
    const struct ry_opts *o = run->setup->opts;
    const struct ry_model_info *info = ry_engine_info(run->engine);
    struct answer a = {.json = o->json,
                       .kept = o->json || run->guide,
                       .at_start = run->ids.n == 1 && run->ids.v[0] == info->bos &&
                                   strcmp(info->tokenizer, "SPM") == 0};
    struct ry_generated g = {0};
    struct ry_generate options = {
        .prompt = run->ids.v,
        .n_prompt = run->ids.n,
        .max_tokens = o->max_tokens < 0 ? DEFAULT_TOKENS : o->max_tokens,
        .seed = run->seed,
        .stops = o->stops,
        .n_stops = o->n_stops,
        .cancel = ry_signals_cancel(),
        .user = &a,
        .on_text = on_text,
    };
    /* What is kept may not be grown while tokens are made: room for the whole answer comes
     * first. */
    if (a.kept && !ry_buf_reserve(&a.text, 1 << 20))
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the answer");
    ry_rc rc = ry_generate(run->session, &options, &g, err);
    if (!a.json)
        ry_out_text_end();
    else if (rc == RY_OK)
        print_json(&a, &g, &run->live, run->seed, run->setup->model);
    if (rc == RY_OK)
        remark(run, &g, &a);
    ry_buf_done(&a.text);
    return rc;
}

ry_rc ry_cmd_run(struct ry_setup *s, int *sig, ry_err *err)
{
    struct run run = {.setup = s};
    struct ry_session_options options;
    ry_rc rc = ry_setup_live(s, &run.live, &run.seed, err);
    if (rc == RY_OK)
        rc = ry_setup_model(s, err);
    if (rc == RY_OK)
        rc = ry_signals_init(RY_SIGNALS_CANCEL, err);
    if (rc == RY_OK)
        rc = read_prompt(s->opts, &run.prompt, err);
    if (rc == RY_OK)
        rc = ry_setup_open(s, false, &run.engine, err);
    if (rc == RY_OK && !s->opts->raw && ry_lookup_applies(ry_engine_info(run.engine)->path))
        rc = ry_guide_new(&run.guide, NULL, 0, err);
    if (rc == RY_OK)
        rc = to_ids(&run, err);
    ry_setup_session(s, &options);
    options.live = &run.live;
    if (rc == RY_OK)
        rc = ry_session_new(&run.session, run.engine, &options, err);
    if (rc == RY_OK)
        rc = generate(&run, err);
    *sig = ry_signals_ending();
    ry_guide_free(run.guide);
    ry_session_free(run.session);
    ry_engine_close(run.engine);
    ry_ids_done(&run.ids);
    ry_buf_done(&run.prompt);
    return rc;
}
