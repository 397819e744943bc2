/* What `ryot info` prints. One walk over the parsed file for each of the two forms. Any thread.
 *
 * Everything here comes from an untrusted file: strings are escaped as JSON strings in both forms, so that no value
 * can pretend to be a line of its own, and bytes that are no UTF-8 become U+FFFD. Must not know terminals. */
#include "engine/describe.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "src/base/utf8.h"

enum { SHOWN_ELEMS = 8, SHOWN_TEXT_BYTES = 100, SHOWN_CTX = 4096 };

/* ---- values ------------------------------------------------------------------------------------------ */

static void add_string(ry_buf *out, const char *s, size_t len)
{
    ry_buf_addc(out, '"');
    while (len) {
        int32_t cp;
        size_t n = ry_utf8_decode(s, len, &cp);
        if (cp < 0)
            ry_buf_adds(out, "\xef\xbf\xbd");
        else if (cp == '"' || cp == '\\')
            ry_buf_addf(out, "\\%c", (int)cp);
        else if (cp == '\n')
            ry_buf_adds(out, "\\n");
        else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
            ry_buf_addf(out, "\\u%04x", (unsigned)cp);
        else
            ry_buf_add(out, s, n);
        s += n;
        len -= n;
    }
    ry_buf_addc(out, '"');
}

/* Text lines show the beginning of a long string, JSON the whole. */
static void add_shown_string(ry_buf *out, struct ry_str s, bool json)
{
    if (json || s.len <= SHOWN_TEXT_BYTES) {
        add_string(out, s.s, s.len);
        return;
    }
    add_string(out, s.s, ry_utf8_complete(s.s, SHOWN_TEXT_BYTES));
    ry_buf_addf(out, "... (%zu bytes)", s.len);
}

/* JSON has no NaN and no infinity. */
static void add_float(ry_buf *out, double v, bool json)
{
    if (json && !isfinite(v))
        ry_buf_adds(out, "null");
    else
        ry_buf_addf(out, "%.9g", v);
}

static uint64_t load_le(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

static void add_scalar(ry_buf *out, enum ry_gguf_type type, const uint8_t *p, bool json)
{
    int64_t i;
    if (type == RY_GGUF_U64) {
        ry_buf_addf(out, "%" PRIu64, load_le(p, 8));
    } else if (type == RY_GGUF_BOOL) {
        ry_buf_adds(out, p[0] ? "true" : "false");
    } else if (type == RY_GGUF_F32) {
        uint32_t bits = (uint32_t)load_le(p, 4);
        float v;
        memcpy(&v, &bits, sizeof v);
        add_float(out, (double)v, json);
    } else if (type == RY_GGUF_F64) {
        uint64_t bits = load_le(p, 8);
        double v;
        memcpy(&v, &bits, sizeof v);
        add_float(out, v, json);
    } else if (ry_gguf_load_int(type, p, &i)) {
        ry_buf_addf(out, "%" PRId64, i);
    }
}

/* The first elements of an array; lengths of strings are checked again, the file may have changed. */
static void add_elements(ry_buf *out, const struct ry_gguf_kv *kv, bool json)
{
    uint64_t n = kv->count < SHOWN_ELEMS ? kv->count : SHOWN_ELEMS, pos = 0;
    uint64_t size = kv->count ? kv->data_bytes / kv->count : 0;
    for (uint64_t i = 0; i < n; i++) {
        if (i)
            ry_buf_adds(out, ", ");
        if (kv->elem != RY_GGUF_STRING) {
            add_scalar(out, kv->elem, kv->data + i * size, json);
            continue;
        }
        uint64_t left = kv->data_bytes - pos, len = left < 8 ? 0 : load_le(kv->data + pos, 8);
        if (left < 8 || len > left - 8)
            return;
        add_shown_string(out, (struct ry_str){(const char *)kv->data + pos + 8, len}, json);
        pos += 8 + len;
    }
}

static void add_value(ry_buf *out, const struct ry_gguf_kv *kv, bool json)
{
    const char *elem = ry_gguf_type_name(kv->elem);
    if (kv->type == RY_GGUF_STRING) {
        struct ry_str s = {(const char *)kv->data + 8, kv->data_bytes - 8};
        add_shown_string(out, s, json);
    } else if (kv->type != RY_GGUF_ARRAY) {
        add_scalar(out, kv->type, kv->data, json);
    } else {
        if (json)
            ry_buf_addf(out, "{\"elem\": \"%s\", \"count\": %" PRIu64 ", \"first\": [", elem,
                        kv->count);
        else
            ry_buf_addc(out, '[');
        add_elements(out, kv, json);
        ry_buf_adds(out, json ? "]}" : kv->count > SHOWN_ELEMS ? ", ...]" : "]");
    }
}

static const char *tensor_type(const struct ry_gguf_tensor *t)
{
    return t->fmt < RY_FMT_COUNT ? ry_fmt_info(t->fmt)->name : "unknown";
}

static uint64_t tensor_bytes(const ry_gguf *gguf)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < ry_gguf_n_tensors(gguf); i++)
        sum += ry_gguf_tensor_at(gguf, i)->n_bytes;
    return sum;
}

/* Bytes of keys and values of one position, as f16. */
static uint64_t kv_bytes_per_token(const struct ry_hparams *hp)
{
    return 2 * (uint64_t)hp->n_layer * hp->n_head_kv * ((uint64_t)hp->head_dim_k + hp->head_dim_v);
}

static uint32_t shown_ctx(const struct ry_hparams *hp)
{
    return hp->n_ctx_train < SHOWN_CTX ? hp->n_ctx_train : SHOWN_CTX;
}

/* ---- text -------------------------------------------------------------------------------------------- */

static void add_size(ry_buf *out, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double v = (double)bytes;
    size_t u = 0;
    for (; v >= 1024.0 && u + 1 < sizeof units / sizeof units[0]; u++)
        v /= 1024.0;
    ry_buf_addf(out, u ? "%.1f %s" : "%.0f %s", v, units[u]);
}

static void text_string_key(const ry_gguf *gguf, const char *label, const char *key, ry_buf *out)
{
    struct ry_str s;
    if (ry_gguf_get_str(gguf, key, &s, NULL) != RY_OK)
        return;
    ry_buf_addf(out, "%-14s", label);
    add_shown_string(out, s, false);
    ry_buf_addc(out, '\n');
}

static void text_formats(const ry_gguf *gguf, ry_buf *out)
{
    size_t counts[RY_FMT_COUNT + 1] = {0};
    bool first = true;
    for (size_t i = 0; i < ry_gguf_n_tensors(gguf); i++)
        counts[ry_gguf_tensor_at(gguf, i)->fmt]++;
    ry_buf_adds(out, "tensor types  ");
    for (int fmt = 0; fmt <= RY_FMT_COUNT; fmt++) {
        if (!counts[fmt])
            continue;
        const char *name = fmt < RY_FMT_COUNT ? ry_fmt_info((enum ry_fmt)fmt)->name : "unknown";
        ry_buf_addf(out, "%s%zu %s", first ? "" : ", ", counts[fmt], name);
        first = false;
    }
    ry_buf_adds(out, first ? "none\n" : "\n");
}

static void text_model(const struct ry_model *m, ry_buf *out)
{
    const struct ry_hparams *hp = &m->hp;
    ry_buf_addf(out, "architecture  %s\n", m->arch->name);
    ry_buf_addf(out, "parameters    %.1f M\n", (double)m->n_params / 1e6);
    ry_buf_addf(out, "shape         %u layers, %u wide, FFN %u, vocabulary %u\n", hp->n_layer,
                hp->n_embd, hp->n_ff, hp->n_vocab);
    ry_buf_addf(out, "attention     %u heads of %u, %u for keys and values", hp->n_head,
                hp->head_dim_k, hp->n_head_kv);
    if (hp->window)
        ry_buf_addf(out, ", window %u", hp->window);
    if (hp->window && hp->window_every)
        ry_buf_addf(out, " (one layer in %u sees everything)", hp->window_every);
    ry_buf_addf(out, "\ncontext       %u tokens%s\n", hp->n_ctx_train,
                hp->longrope ? " (what the short factors of this longrope model serve)" : "");
    uint64_t kv = kv_bytes_per_token(hp) * shown_ctx(hp);
    ry_buf_adds(out, "memory        weights ");
    add_size(out, tensor_bytes(m->gguf));
    ry_buf_adds(out, ", KV cache (f16) ");
    add_size(out, kv);
    ry_buf_addf(out, " for %u tokens; a token reads ", shown_ctx(hp));
    add_size(out, m->weight_bytes);
    ry_buf_adds(out, " of weights\n");
}

static void text_tokenizer(const ry_tok *tok, ry_buf *out)
{
    if (!tok) {
        ry_buf_adds(out, "tokenizer     none\n");
        return;
    }
    ry_buf_addf(out, "tokenizer     %s", ry_tok_model_name(tok));
    if (ry_tok_pre_name(tok)[0]) {
        ry_buf_adds(out, ", ");
        add_string(out, ry_tok_pre_name(tok), strlen(ry_tok_pre_name(tok)));
    }
    ry_buf_addf(out, ", %u tokens, bos %d, eos %d\n", ry_tok_n_vocab(tok), ry_tok_bos(tok),
                ry_tok_eos(tok));
}

static void text_keys(const ry_gguf *gguf, ry_buf *out)
{
    ry_buf_addf(out, "\nkeys (%zu)\n", ry_gguf_n_kv(gguf));
    for (size_t i = 0; i < ry_gguf_n_kv(gguf); i++) {
        const struct ry_gguf_kv *kv = ry_gguf_kv_at(gguf, i);
        ry_buf_adds(out, "  ");
        add_string(out, kv->key.s, kv->key.len);
        if (kv->type == RY_GGUF_ARRAY)
            ry_buf_addf(out, " %s[%" PRIu64 "] ", ry_gguf_type_name(kv->elem), kv->count);
        else
            ry_buf_addf(out, " %s ", ry_gguf_type_name(kv->type));
        add_value(out, kv, false);
        ry_buf_addc(out, '\n');
    }
}

static void text_tensors(const ry_gguf *gguf, ry_buf *out)
{
    ry_buf_addf(out, "\ntensors (%zu)\n", ry_gguf_n_tensors(gguf));
    for (size_t i = 0; i < ry_gguf_n_tensors(gguf); i++) {
        const struct ry_gguf_tensor *t = ry_gguf_tensor_at(gguf, i);
        ry_buf_adds(out, "  ");
        add_string(out, t->name.s, t->name.len);
        ry_buf_addf(out, " %s [", tensor_type(t));
        for (uint32_t d = 0; d < t->n_dims; d++)
            ry_buf_addf(out, "%s%" PRIu64, d ? ", " : "", t->ne[d]);
        ry_buf_addf(out, "] %" PRIu64 " bytes at %" PRIu64 "\n", t->n_bytes, t->offset);
    }
}

static void describe_text(const ry_gguf *gguf, const struct ry_model *model, const ry_tok *tok,
                          const char *template_name, bool template_known, ry_buf *out)
{
    ry_buf_adds(out, "file          ");
    add_string(out, ry_gguf_name(gguf), strlen(ry_gguf_name(gguf)));
    ry_buf_addf(out, "\nformat        GGUF version %u, ", ry_gguf_version(gguf));
    add_size(out, ry_gguf_file_bytes(gguf));
    ry_buf_addf(out, ", fingerprint %016" PRIx64 "\n", ry_gguf_fingerprint(gguf));
    text_string_key(gguf, "name", "general.name", out);
    text_string_key(gguf, "licence", "general.license", out);
    if (model)
        text_model(model, out);
    else
        text_string_key(gguf, "architecture", "general.architecture", out);
    text_formats(gguf, out);
    text_tokenizer(tok, out);
    ry_buf_addf(out, "template      %s%s\n", template_name[0] ? template_name : "none",
                template_name[0] && !template_known ? " (stands in for one that ryot does not know)"
                                                    : "");
    text_keys(gguf, out);
    text_tensors(gguf, out);
}

/* ---- JSON -------------------------------------------------------------------------------------------- */

static void json_model(const struct ry_model *m, ry_buf *out)
{
    if (!m) {
        ry_buf_adds(out, ", \"n_params\": null, \"model\": null, \"memory\": null");
        return;
    }
    const struct ry_hparams *hp = &m->hp;
    ry_buf_addf(out,
                ", \"n_params\": %" PRIu64 ", \"model\": {\"arch\": \"%s\", \"n_vocab\": %u, "
                "\"n_ctx_train\": %u, \"n_embd\": %u, \"n_layer\": %u, \"n_head\": %u, "
                "\"n_head_kv\": %u, \"head_dim_k\": %u, \"head_dim_v\": %u, \"n_ff\": %u, "
                "\"n_rot\": %u, \"window\": %u, \"norm_eps\": ",
                m->n_params, m->arch->name, hp->n_vocab, hp->n_ctx_train, hp->n_embd, hp->n_layer,
                hp->n_head, hp->n_head_kv, hp->head_dim_k, hp->head_dim_v, hp->n_ff, hp->n_rot,
                hp->window);
    add_float(out, (double)hp->norm_eps, true);
    ry_buf_adds(out, ", \"rope_base\": ");
    add_float(out, (double)hp->rope_base, true);
    ry_buf_adds(out, ", \"rope_scale\": ");
    add_float(out, (double)hp->rope_scale, true);
    ry_buf_addf(out,
                "}, \"memory\": {\"weight_bytes\": %" PRIu64
                ", \"weight_bytes_per_token\": %" PRIu64 ", \"kv_bytes_per_token\": %" PRIu64
                ", \"ctx\": %u, \"kv_bytes\": %" PRIu64 "}",
                tensor_bytes(m->gguf), m->weight_bytes, kv_bytes_per_token(hp), shown_ctx(hp),
                kv_bytes_per_token(hp) * shown_ctx(hp));
}

static void json_tokenizer(const ry_tok *tok, ry_buf *out)
{
    if (!tok) {
        ry_buf_adds(out, ", \"tokenizer\": null");
        return;
    }
    ry_buf_addf(out, ", \"tokenizer\": {\"model\": \"%s\", \"pre\": ", ry_tok_model_name(tok));
    add_string(out, ry_tok_pre_name(tok), strlen(ry_tok_pre_name(tok)));
    ry_buf_addf(out, ", \"n_vocab\": %u, \"bos\": %d, \"eos\": %d}", ry_tok_n_vocab(tok),
                ry_tok_bos(tok), ry_tok_eos(tok));
}

static void json_keys(const ry_gguf *gguf, ry_buf *out)
{
    ry_buf_adds(out, ", \"keys\": [");
    for (size_t i = 0; i < ry_gguf_n_kv(gguf); i++) {
        const struct ry_gguf_kv *kv = ry_gguf_kv_at(gguf, i);
        ry_buf_adds(out, i ? ", {\"key\": " : "{\"key\": ");
        add_string(out, kv->key.s, kv->key.len);
        ry_buf_addf(out, ", \"type\": \"%s\", \"value\": ", ry_gguf_type_name(kv->type));
        add_value(out, kv, true);
        ry_buf_addc(out, '}');
    }
    ry_buf_addc(out, ']');
}

static void json_tensors(const ry_gguf *gguf, ry_buf *out)
{
    ry_buf_adds(out, ", \"tensors\": [");
    for (size_t i = 0; i < ry_gguf_n_tensors(gguf); i++) {
        const struct ry_gguf_tensor *t = ry_gguf_tensor_at(gguf, i);
        ry_buf_adds(out, i ? ", {\"name\": " : "{\"name\": ");
        add_string(out, t->name.s, t->name.len);
        ry_buf_addf(out, ", \"type\": \"%s\", \"shape\": [", tensor_type(t));
        for (uint32_t d = 0; d < t->n_dims; d++)
            ry_buf_addf(out, "%s%" PRIu64, d ? ", " : "", t->ne[d]);
        ry_buf_addf(out, "], \"bytes\": %" PRIu64 ", \"offset\": %" PRIu64 "}", t->n_bytes,
                    t->offset);
    }
    ry_buf_addc(out, ']');
}

static void describe_json(const ry_gguf *gguf, const struct ry_model *model, const ry_tok *tok,
                          const char *template_name, bool template_known, ry_buf *out)
{
    ry_buf_adds(out, "{\"path\": ");
    add_string(out, ry_gguf_name(gguf), strlen(ry_gguf_name(gguf)));
    ry_buf_addf(out,
                ", \"gguf_version\": %u, \"file_bytes\": %" PRIu64 ", \"tensor_bytes\": %" PRIu64
                ", \"fingerprint\": \"%016" PRIx64 "\"",
                ry_gguf_version(gguf), ry_gguf_file_bytes(gguf), tensor_bytes(gguf),
                ry_gguf_fingerprint(gguf));
    json_model(model, out);
    json_tokenizer(tok, out);
    ry_buf_adds(out, ", \"template\": {\"name\": ");
    add_string(out, template_name, strlen(template_name));
    ry_buf_addf(out, ", \"known\": %s}", template_known ? "true" : "false");
    json_keys(gguf, out);
    json_tensors(gguf, out);
    ry_buf_adds(out, "}\n");
}

ry_rc ry_describe(const ry_gguf *gguf, const struct ry_model *model, const ry_tok *tok,
                  const char *template_name, bool template_known, bool json, ry_buf *out,
                  ry_err *err)
{
    if (json)
        describe_json(gguf, model, tok, template_name, template_known, out);
    else
        describe_text(gguf, model, tok, template_name, template_known, out);
    if (out->failed)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory while %s was described",
                          ry_gguf_name(gguf));
    if (ry_gguf_faulted(gguf))
        return ry_gguf_fail(gguf, RY_GGUF_NO_OFFSET, err,
                            "the file was truncated while it was read");
    return RY_OK;
}
