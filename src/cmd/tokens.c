/* `ryot tokenize`, `ryot logits`, `ryot perplexity`: what the engine does to ids, for scripts
 * and checks. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/app/out.h"
#include "src/app/paths.h"
#include "src/app/signals.h"
#include "src/base/mem.h"
#include "src/cmd/cmd.h"

enum { TEXT_MAX_BYTES = 1 << 30, LOGITS_MAX_BYTES = 64 << 20 };

static ry_rc read_text(const struct ry_opts *o, ry_buf *out, ry_err *err)
{
    return ry_path_read(o->n_args ? o->args[0] : "-", TEXT_MAX_BYTES, out, err);
}

/* ---- tokenize ---- */

static bool print_ids(const ry_ids *ids, ry_buf *line)
{
    ry_buf_clear(line);
    for (size_t i = 0; i < ids->n; i++)
        ry_buf_addf(line, "%s%d", i ? " " : "", (int)ids->v[i]);
    ry_buf_addc(line, '\n');
    return !line->failed && ry_out_bytes(ry_buf_str(line), line->len);
}

/* With --nul each record ends with a NUL (the last one may lack it); else all is one record. */
static ry_rc tokenize_records(const ry_engine *engine, const struct ry_opts *o, const ry_buf *text,
                              ry_err *err)
{
    unsigned flags = (o->bos ? RY_TOK_BOS : 0) | (o->special ? RY_TOK_SPECIAL : 0);
    const char *at = ry_buf_str(text), *end = at + text->len;
    ry_ids ids = {0};
    ry_buf line = {0};
    ry_rc rc = RY_OK;
    bool more = !o->nul || at < end;
    while (more && rc == RY_OK) {
        const char *nul = o->nul && at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;
        size_t len = (size_t)((nul ? nul : end) - at);
        ids.n = 0;
        rc = ry_engine_tokenize(engine, at, len, flags, &ids, err);
        if (rc == RY_OK && !print_ids(&ids, &line))
            break;
        at += len + (nul != NULL);
        more = o->nul && at < end;
    }
    ry_ids_done(&ids);
    ry_buf_done(&line);
    return rc;
}

ry_rc ry_cmd_tokenize(struct ry_setup *s, int *sig, ry_err *err)
{
    ry_engine *engine = NULL;
    ry_buf text = {0};
    (void)sig;
    ry_rc rc = ry_setup_model(s, err);
    if (rc == RY_OK)
        rc = ry_setup_open(s, true, &engine, err);
    if (rc == RY_OK && !ry_engine_info(engine)->has_tokenizer)
        rc = ry_err_set(err, RY_ERR_MODEL, "%s: holds no tokenizer", s->model);
    if (rc == RY_OK)
        rc = read_text(s->opts, &text, err);
    if (rc == RY_OK)
        rc = tokenize_records(engine, s->opts, &text, err);
    ry_engine_close(engine);
    ry_buf_done(&text);
    return rc;
}

/* ---- sessions for both below ---- */

static ry_rc open_session(struct ry_setup *s, uint32_t least_ctx, struct ry_live *live,
                          ry_engine **engine, ry_session **session, ry_err *err)
{
    struct ry_session_options options;
    uint64_t seed;
    ry_rc rc = ry_setup_live(s, live, &seed, err);
    if (rc == RY_OK)
        rc = ry_setup_model(s, err);
    if (rc == RY_OK)
        rc = ry_signals_init(RY_SIGNALS_CANCEL, err);
    if (rc == RY_OK)
        rc = ry_setup_open(s, false, engine, err);
    if (rc != RY_OK)
        return rc;
    ry_setup_session(s, &options);
    options.live = live;
    /* The reference path rounds nothing that the file does not round: a cache in f16 moves
     * values across the borders of int8 activations. */
    if (!ry_opts_given(s->opts, "kv"))
        options.kv = RY_KV_F32;
    if (!options.n_ctx && least_ctx)
        options.n_ctx = least_ctx;
    return ry_session_new(session, *engine, &options, err);
}

/* ---- logits ---- */

static ry_rc parse_ids(const char *list, ry_ids *out, ry_err *err)
{
    const char *p = list;
    for (;;) {
        char *end;
        errno = 0;
        long v = strtol(p, &end, 10);
        if (end == p || errno || v < 0 || v > INT32_MAX || (*end && *end != ','))
            return ry_err_set(err, RY_ERR_USAGE, "tokens: \"%.32s\" is no id: write them as 1,2,3",
                              p);
        if (!ry_ids_push(out, (int32_t)v))
            return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the ids");
        if (!*end)
            return RY_OK;
        p = end + 1;
    }
}

/* Rows little-endian whatever the machine, into a private file, or "-": standard output. */
static ry_rc write_logits(const char *path, const float *rows, size_t n, ry_err *err)
{
    const bool is_stdout = !strcmp(path, "-");
    FILE *f = is_stdout ? stdout : fopen(path, "wb");
    if (!f)
        return ry_err_set(err, RY_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        uint32_t bits;
        memcpy(&bits, &rows[i], sizeof bits);
        unsigned char le[4] = {(unsigned char)bits, (unsigned char)(bits >> 8),
                               (unsigned char)(bits >> 16), (unsigned char)(bits >> 24)};
        ok = fwrite(le, 1, sizeof le, f) == sizeof le;
    }
    int saved = errno;
    if ((is_stdout ? fflush(f) : fclose(f)) != 0 || !ok)
        return ry_err_set(err, RY_ERR_IO, "%s: cannot write: %s",
                          is_stdout ? "standard output" : path, strerror(ok ? errno : saved));
    return RY_OK;
}

ry_rc ry_cmd_logits(struct ry_setup *s, int *sig, ry_err *err)
{
    ry_engine *engine = NULL;
    ry_session *session = NULL;
    ry_ids ids = {0};
    float *rows = NULL;
    struct ry_live live;
    size_t n;
    if (!s->opts->tokens || !s->opts->out)
        return ry_err_set(err, RY_ERR_USAGE,
                          "an option is missing: ryot logits -m MODEL --tokens IDS -o FILE");
    if (!strcmp(s->opts->out, "-") && isatty(STDOUT_FILENO))
        return ry_err_set(err, RY_ERR_USAGE,
                          "the logits are bytes that no terminal can show: name a file with -o, "
                          "or send standard output to one");
    ry_rc rc = parse_ids(s->opts->tokens, &ids, err);
    if (rc == RY_OK)
        rc = open_session(s, (uint32_t)ids.n, &live, &engine, &session, err);
    if (rc != RY_OK)
        goto end;
    if (!ry_mem_mul(ids.n, ry_engine_info(engine)->n_vocab, &n) ||
        !(rows = ry_mem_alloc(n, sizeof *rows))) {
        rc = ry_err_set(err, RY_ERR_MEMORY, "out of memory for the logits of %zu tokens", ids.n);
        goto end;
    }
    struct ry_eval eval = {
        .ids = ids.v, .n = ids.n, .all_logits = rows, .cancel = ry_signals_cancel()};
    rc = ry_session_eval(session, &eval, err);
    if (rc == RY_OK)
        rc = write_logits(s->opts->out, rows, n, err);
end:
    *sig = ry_signals_ending();
    ry_mem_free(rows);
    ry_session_free(session);
    ry_engine_close(engine);
    ry_ids_done(&ids);
    return rc;
}

/* ---- perplexity ---- */

/* -log softmax(logits)[id], in double; the maximum is taken out first. */
static double surprise(const float *logits, size_t n_vocab, int32_t id)
{
    double max = logits[0], sum = 0;
    for (size_t i = 1; i < n_vocab; i++)
        if (logits[i] > max)
            max = logits[i];
    for (size_t i = 0; i < n_vocab; i++)
        sum += exp((double)logits[i] - max);
    return log(sum) + max - logits[id];
}

struct likelihood {
    double sum;
    size_t n;
};

/* One window: BOS where the model has one, then ids[0..n): each of them is predicted from all
 * before it, but without a BOS the first has nothing before it and is not counted. rows: space
 * for n_rows rows of logits. */
static ry_rc add_window(ry_session *session, const struct ry_model_info *info, const int32_t *ids,
                        size_t n, float *rows, size_t n_rows, int32_t *input,
                        struct likelihood *out, ry_err *err)
{
    size_t n_in = 0;
    bool bos = info->bos >= 0;
    if (bos)
        input[n_in++] = info->bos;
    memcpy(input + n_in, ids, n * sizeof *ids);
    n_in += n;
    if (n_in < 2)
        return RY_OK;
    ry_session_truncate(session, 0);
    for (size_t at = 0; at + 1 < n_in; at += n_rows) {
        size_t m = n_in - 1 - at < n_rows ? n_in - 1 - at : n_rows;
        struct ry_eval eval = {
            .ids = input + at, .n = m, .all_logits = rows, .cancel = ry_signals_cancel()};
        ry_rc rc = ry_session_eval(session, &eval, err);
        if (rc != RY_OK)
            return rc;
        for (size_t i = 0; i < m; i++)
            out->sum += surprise(rows + i * info->n_vocab, info->n_vocab, input[at + i + 1]);
    }
    out->n += n_in - 1;
    return RY_OK;
}

static ry_rc measure_perplexity(const ry_engine *engine, ry_session *session, const ry_ids *ids,
                                struct likelihood *out, ry_err *err)
{
    const struct ry_model_info *info = ry_engine_info(engine);
    size_t step = ry_session_n_ctx(session) - (info->bos >= 0);
    size_t n_rows = LOGITS_MAX_BYTES / (info->n_vocab * sizeof(float));
    n_rows = n_rows < 1 ? 1 : n_rows;
    if (ids->n < step)
        step = ids->n;
    ry_rc rc = RY_OK;
    float *rows = ry_mem_alloc(n_rows * info->n_vocab, sizeof *rows);
    int32_t *input = ry_mem_alloc(step + 1, sizeof *input);
    if (!rows || !input)
        rc = ry_err_set(err, RY_ERR_MEMORY, "out of memory for %zu rows of logits", n_rows);
    for (size_t at = 0; at < ids->n && rc == RY_OK; at += step) {
        size_t n = ids->n - at < step ? ids->n - at : step;
        rc = add_window(session, info, ids->v + at, n, rows, n_rows, input, out, err);
    }
    ry_mem_free(rows);
    ry_mem_free(input);
    return rc;
}

ry_rc ry_cmd_perplexity(struct ry_setup *s, int *sig, ry_err *err)
{
    ry_engine *engine = NULL;
    ry_session *session = NULL;
    ry_buf text = {0};
    ry_ids ids = {0};
    struct ry_live live;
    struct likelihood sum = {0};
    ry_rc rc = open_session(s, 0, &live, &engine, &session, err);
    if (rc == RY_OK)
        rc = read_text(s->opts, &text, err);
    if (rc == RY_OK)
        rc = ry_engine_tokenize(engine, ry_buf_str(&text), text.len, 0, &ids, err);
    if (rc == RY_OK && ry_opts_given(s->opts, "first")) {
        size_t most = (size_t)s->opts->max_tokens, bos = ry_engine_info(engine)->bos >= 0;
        most = most > bos ? most - bos : 0;
        ids.n = ids.n < most ? ids.n : most;
    }
    if (rc == RY_OK)
        rc = measure_perplexity(engine, session, &ids, &sum, err);
    if (rc == RY_OK && sum.n == 0)
        rc = ry_err_set(err, RY_ERR_INPUT, "the text is too short: no token has another before it");
    if (rc == RY_OK) {
        char line[96];
        int n = snprintf(line, sizeof line, "perplexity %.6f over %zu tokens\n",
                         exp(sum.sum / (double)sum.n), sum.n);
        ry_out_bytes(line, (size_t)n);
    }
    *sig = ry_signals_ending();
    ry_session_free(session);
    ry_engine_close(engine);
    ry_buf_done(&text);
    ry_ids_done(&ids);
    return rc;
}
