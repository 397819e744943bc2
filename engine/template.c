/* Chat templates: which row, and rendering it. One walk over the conversation serves text and ids: it yields runs of
 * template text and of message text, and only in the former do control tokens count.
 * const tables; any thread. Must not know models. */
#include "engine/template.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/template_rows.h"
#include "engine/tok_pre.h"
#include "src/base/clock.h"
#include "src/base/utf8.h"

const char *ry_template_name(enum ry_template t)
{
    return (unsigned)t < RY_TEMPLATE_COUNT ? ry_template_row_at(t)->name : "unknown";
}

/* ---- detection --------------------------------------------------------------------------------------- */

static bool holds(const char *jinja, size_t len, const char *literal)
{
    return memmem(jinja, len, literal, strlen(literal)) != NULL;
}

static bool fits(const struct ry_template_telltale *t, const char *jinja, size_t len)
{
    for (int i = 0; i < RY_TELLTALE_LITERALS && t->want[i]; i++)
        if (!holds(jinja, len, t->want[i]))
            return false;
    for (int i = 0; i < RY_TELLTALE_LITERALS && t->without[i]; i++)
        if (holds(jinja, len, t->without[i]))
            return false;
    return true;
}

static bool has_token(const ry_tok *tok, const char *text)
{
    return tok && ry_tok_find(tok, text, strlen(text)) >= 0;
}

/* The likeliest row of a file without a template, by the tokens that only one family has. */
static enum ry_template guess_by_tokens(const ry_tok *tok)
{
    if (has_token(tok, "<|im_start|>"))
        return RY_TEMPLATE_CHATML;
    if (has_token(tok, "<|start_header_id|>"))
        return RY_TEMPLATE_LLAMA3;
    if (has_token(tok, "<start_of_turn>"))
        return RY_TEMPLATE_GEMMA;
    if (has_token(tok, "<|end|>") && has_token(tok, "<|user|>"))
        return RY_TEMPLATE_PHI3;
    return RY_TEMPLATE_CHATML;
}

enum ry_template ry_template_detect(const char *jinja, size_t len, const char *arch,
                                    const ry_tok *tok, bool *known)
{
    *known = true;
    if (arch && strncmp(arch, "bitnet", 6) == 0 && tok && ry_tok_n_vocab(tok) == 128256)
        return RY_TEMPLATE_BITNET_2B4T;
    const struct ry_template_telltale *t;
    for (size_t i = 0; len && (t = ry_template_telltale_at(i)); i++) {
        if (!fits(t, jinja, len))
            continue;
        *known = !t->nearest_only;
        return t->row;
    }
    *known = false;
    return guess_by_tokens(tok);
}

/* ---- rendering --------------------------------------------------------------------------------------- */

struct render {
    const struct ry_template_row *row;
    ry_buf text;
    ry_buf spans; /* struct ry_tok_span[] */
    struct ry_str eos;
    char date[16];
    bool last_special; /* of the last span */
};

static void emit(struct render *r, const char *text, size_t len, bool special)
{
    if (!len || !ry_buf_add(&r->text, text, len))
        return;
    if (r->spans.len && r->last_special == special) {
        struct ry_tok_span last;
        char *at = r->spans.data + r->spans.len - sizeof last;
        memcpy(&last, at, sizeof last);
        last.len += len;
        memcpy(at, &last, sizeof last);
        return;
    }
    const struct ry_tok_span span = {len, special};
    ry_buf_add(&r->spans, &span, sizeof span);
    r->last_special = special;
}

/* Template text; the placeholders in it are filled in. */
static void emit_literal(struct render *r, const char *s)
{
    while (s && *s) {
        size_t n = strcspn(s, RY_ROW_EOS RY_ROW_DATE);
        emit(r, s, n, true);
        s += n;
        if (*s == *RY_ROW_EOS)
            emit(r, r->eos.s, r->eos.len, true);
        else if (*s == *RY_ROW_DATE)
            emit(r, r->date, strlen(r->date), true);
        s += *s != 0;
    }
}

static bool trimmable(int32_t cp)
{
    return ry_pre_is_space(cp) || (cp >= 0x1C && cp <= 0x1F);
}

/* White space off both ends, or off the start only, as Jinja's trim and Python's lstrip do. */
static struct ry_str trim(struct ry_str s, bool both)
{
    size_t begin = s.len, end = 0;
    for (size_t i = 0; i < s.len;) {
        int32_t cp;
        size_t n = ry_utf8_decode(s.s + i, s.len - i, &cp);
        if (cp < 0 || !trimmable(cp)) {
            begin = begin == s.len ? i : begin;
            end = i + n;
        }
        i += n;
    }
    if (!both)
        end = s.len;
    return (struct ry_str){s.s + begin, end > begin ? end - begin : 0};
}

/* What of an earlier answer goes into the prompt. */
static struct ry_str answer_text(const struct ry_template_row *row, struct ry_str s)
{
    static const char mark[] = "</think>";
    const size_t n = sizeof mark - 1;
    for (size_t i = s.len >= n ? s.len - n + 1 : 0; row->flags & RY_ROW_CUT_THINK && i-- > 0;) {
        if (memcmp(s.s + i, mark, n) != 0)
            continue;
        s = (struct ry_str){s.s + i + n, s.len - i - n};
        while (row->flags & RY_ROW_LSTRIP_LINES && s.len && *s.s == '\n')
            s = (struct ry_str){s.s + 1, s.len - 1};
        break;
    }
    if (row->flags & RY_ROW_LSTRIP_ANSWER)
        s = trim(s, false);
    return row->flags & RY_ROW_TRIM_ANSWER ? trim(s, true) : s;
}

/* A user's message, with the system text before it where the row has no system turn. */
static void emit_user(struct render *r, struct ry_str text, const struct ry_message *system)
{
    emit_literal(r, r->row->user_pre);
    if (system) {
        emit(r, system->text, system->len, false);
        emit_literal(r, "\n\n");
    }
    if (r->row->flags & RY_ROW_TRIM_USER)
        text = trim(text, true);
    emit(r, text.s, text.len, false);
    emit_literal(r, r->row->user_post);
}

/* Index of the user's message that takes the system text, n when there is none. */
static size_t host_of_system(const struct ry_template_row *row, const struct ry_message *messages,
                             size_t n)
{
    size_t host = n;
    for (size_t i = 1; i < n; i++) {
        if (messages[i].role != RY_ROLE_USER)
            continue;
        host = i;
        if (row->flags & RY_ROW_SYSTEM_IN_FIRST_USER)
            break;
    }
    return host;
}

static ry_rc walk(struct render *r, const struct ry_message *messages, size_t n, bool open_answer,
                  ry_err *err)
{
    const struct ry_template_row *row = r->row;
    bool begins_with_system = n && messages[0].role == RY_ROLE_SYSTEM;
    bool inside_user = row->flags & (RY_ROW_SYSTEM_IN_FIRST_USER | RY_ROW_SYSTEM_IN_LAST_USER);
    size_t host = n;
    if (begins_with_system && inside_user) {
        host = host_of_system(row, messages, n);
        if (host == n)
            return ry_err_set(err, RY_ERR_INPUT,
                              "the %s template has no place for a system text without a message of "
                              "the user",
                              row->name);
    }
    emit_literal(r, row->head);
    if (!begins_with_system)
        emit_literal(r, row->no_system);
    for (size_t i = 0; i < n; i++) {
        struct ry_str text = {messages[i].len ? messages[i].text : "", messages[i].len};
        switch (messages[i].role) {
        case RY_ROLE_SYSTEM:
            if (i && !(row->flags & RY_ROW_SYSTEM_ANYWHERE))
                return ry_err_set(err, RY_ERR_INPUT,
                                  "message %zu is a system text; the %s template has one at the "
                                  "beginning only",
                                  i + 1, row->name);
            if (inside_user)
                break;
            if (row->flags & RY_ROW_TRIM_SYSTEM)
                text = trim(text, true);
            emit_literal(r, row->system_pre);
            emit(r, text.s, text.len, false);
            emit_literal(r, row->system_post);
            break;
        case RY_ROLE_USER:
            emit_user(r, text, i == host ? &messages[0] : NULL);
            break;
        case RY_ROLE_ASSISTANT:
            text = answer_text(row, text);
            emit_literal(r, row->answer_pre);
            emit(r, text.s, text.len, false);
            emit_literal(r, row->answer_post);
            break;
        default:
            return ry_err_set(err, RY_ERR_INPUT, "message %zu has the unknown role %d", i + 1,
                              (int)messages[i].role);
        }
    }
    if (open_answer)
        emit_literal(r, row->open);
    if (r->text.failed || r->spans.failed)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory while rendering %zu messages", n);
    return RY_OK;
}

static ry_rc render_init(struct render *r, enum ry_template t, ry_err *err)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    memset(r, 0, sizeof *r);
    if ((unsigned)t >= RY_TEMPLATE_COUNT)
        return ry_err_set(err, RY_ERR_INPUT, "there is no chat template number %d", (int)t);
    r->row = ry_template_row_at(t);
    time_t now = (time_t)(ry_clock_wall_ms() / 1000);
    struct tm tm = {.tm_mday = 1, .tm_year = 70};
    localtime_r(&now, &tm);
    snprintf(r->date, sizeof r->date, "%02u %s %u", (unsigned)tm.tm_mday % 100,
             months[(unsigned)tm.tm_mon % 12], (unsigned)(tm.tm_year + 1900) % 10000);
    return RY_OK;
}

static void render_done(struct render *r)
{
    ry_buf_done(&r->text);
    ry_buf_done(&r->spans);
}

ry_rc ry_template_render_text(enum ry_template t, const struct ry_message *messages, size_t n,
                              bool open_answer, const char *bos, const char *eos, ry_buf *out,
                              ry_err *err)
{
    struct render r;
    ry_rc rc = render_init(&r, t, err);
    if (rc)
        return rc;
    r.eos = (struct ry_str){eos, strlen(eos)};
    if (r.row->flags & RY_ROW_BOS)
        emit(&r, bos, strlen(bos), true);
    rc = walk(&r, messages, n, open_answer, err);
    if (!rc && !ry_buf_add(out, ry_buf_str(&r.text), r.text.len))
        rc = ry_err_set(err, RY_ERR_MEMORY, "out of memory while rendering %zu messages", n);
    render_done(&r);
    return rc;
}

ry_rc ry_template_render(enum ry_template t, const ry_tok *tok, const struct ry_message *messages,
                         size_t n, bool open_answer, ry_ids *out, ry_err *err)
{
    struct render r;
    ry_rc rc = render_init(&r, t, err);
    if (rc)
        return rc;
    size_t n_before = out->n;
    r.eos.s = ry_tok_text(tok, ry_tok_eos(tok), &r.eos.len);
    rc = walk(&r, messages, n, open_answer, err);
    bool bos = (r.row->flags & RY_ROW_BOS && ry_tok_bos(tok) >= 0) || ry_tok_adds_bos(tok);
    if (!rc && bos && !ry_ids_push(out, ry_tok_bos(tok)))
        rc = ry_err_set(err, RY_ERR_MEMORY, "out of memory while rendering %zu messages", n);
    /* The spans were copied in bytewise; ry_buf's memory comes from malloc and is aligned for them. */
    if (!rc)
        rc = ry_tok_encode_spans(tok, ry_buf_str(&r.text),
                                 (const struct ry_tok_span *)(const void *)r.spans.data,
                                 r.spans.len / sizeof(struct ry_tok_span), 0, out, err);
    if (rc)
        out->n = n_before;
    render_done(&r);
    return rc;
}
