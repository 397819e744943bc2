/* engine/tok: recorded vectors of real vocabularies, small vocabularies built in memory against a naive model, special
 * tokens, hostile files, long runs, and streaming detokenisation over every split. */
#include "ryot_test.h"

#include "engine/tok.h"
#include "engine/tok_int.h"
#include "src/base/mem.h"
#include "src/base/utf8.h"
#include "tests/text_vocab.h"

/* ---- files of the shared folder ---------------------------------------------------------------------- */

static char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "cannot open %s", path);
    ry_buf b = {0};
    char part[65536];
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        ry_buf_add(&b, part, n);
    fclose(f);
    ck_assert(!b.failed);
    *len = b.len;
    return ry_buf_take(&b);
}

/* NULL, loudly, where the file is absent. *gguf is to be closed by the caller. */
static ry_tok *open_vocab(const char *name, ry_gguf **gguf)
{
    char rel[256];
    snprintf(rel, sizeof rel, "vocabs/ggml-vocab-%s.gguf", name);
    const char *path = ry_test_shared(rel);
    if (!path)
        return NULL;
    ry_err err;
    ry_tok *tok = NULL;
    ck_assert_msg(ry_gguf_open(gguf, path, true, &err) == RY_OK, "%s", err.text);
    ck_assert_msg(ry_tok_load(&tok, *gguf, 0, &err) == RY_OK, "%s: %s", name, err.text);
    ck_assert_ptr_nonnull(tok);
    return tok;
}

/* One case: the ids of text[0..len) against the numbers on the line. */
static bool ids_match(const ry_tok *tok, const char *text, size_t len, const char *line)
{
    ry_ids ids = {0};
    ry_err err;
    ck_assert_msg(ry_tok_encode(tok, text, len, 0, &ids, &err) == RY_OK, "%s", err.text);
    size_t i = 0;
    bool same = true;
    for (char *end; same; line = end) {
        long want = strtol(line, &end, 10);
        if (end == line)
            break;
        same = i < ids.n && ids.v[i++] == want;
    }
    same = same && i == ids.n;
    ry_ids_done(&ids);
    return same;
}

/* All cases of a text with separators against lines of ids. Returns how many differ. */
static int check_cases(const ry_tok *tok, const char *text_path_rel, const char *sep,
                       size_t sep_len, const char *ids_rel, int *n_cases)
{
    size_t len, ids_len;
    const char *path = ry_test_shared(text_path_rel);
    ck_assert_ptr_nonnull(path);
    char *text = read_file(path, &len);
    path = ry_test_shared(ids_rel);
    ck_assert_ptr_nonnull(path);
    char *ids = read_file(path, &ids_len);
    int n_bad = 0;
    char *save = ids;
    *n_cases = 0;
    for (size_t at = 0; at < len && *save;) {
        char *line_end = strchr(save, '\n');
        ck_assert_ptr_nonnull(line_end);
        *line_end = 0;
        const char *stop = memmem(text + at, len - at, sep, sep_len);
        size_t n = stop ? (size_t)(stop - text) - at : len - at;
        if (!ids_match(tok, text + at, n, save)) {
            n_bad++;
            fprintf(stderr, "differs: '%.*s' is not %s\n", (int)n, text + at, save);
        }
        ++*n_cases;
        at += n + (stop ? sep_len : 0);
        save = line_end + 1;
    }
    ck_assert_msg(!*save, "more lines of ids than cases");
    ry_mem_free(text);
    ry_mem_free(ids);
    return n_bad;
}

static const char *const VOCABS[] = {"llama-spm", "phi-3", "llama-bpe", "gpt-2", "deepseek-llm"};
enum { N_VOCABS = sizeof VOCABS / sizeof VOCABS[0] };

START_TEST(test_vectors)
{
    const char *name = VOCABS[_i];
    ry_gguf *gguf;
    ry_tok *tok = open_vocab(name, &gguf);
    if (!tok)
        return;
    char in[256], out[256];
    int n = 0;
    const char sep[] = "\n__ggml_vocab_test__\n";
    snprintf(in, sizeof in, "vocabs/ggml-vocab-%s.gguf.inp", name);
    snprintf(out, sizeof out, "vocabs/ggml-vocab-%s.gguf.out", name);
    ck_assert_int_eq(check_cases(tok, in, sep, sizeof sep - 1, out, &n), 0);
    ck_assert_int_ge(n, 40);
    snprintf(out, sizeof out, "vocabs/random/%s.ids", name);
    ck_assert_int_eq(check_cases(tok, "vocabs/random/strings.nul", "", 1, out, &n), 0);
    ck_assert_int_eq(n, 400);
    ry_tok_free(tok);
    ry_gguf_close(gguf);
}
END_TEST

/* ---- against a naive model --------------------------------------------------------------------------- */

struct naive_sym {
    size_t at, len;
    int32_t id;
};

/* Rank of merging two neighbours (lower first), or a negative number when they do not merge; *id of the whole. */
static double naive_rank(const ry_tok *tok, const char *s, const struct naive_sym *a,
                         const struct naive_sym *b, int32_t *id)
{
    if (tok->bpe) {
        const struct ry_tok_bpe_merge *m =
            a->id < 0 || b->id < 0 ? NULL : ry_tok_merge_slot(tok, a->id, b->id);
        if (!m || m->left < 0)
            return -1;
        *id = m->whole;
        return m->rank;
    }
    *id = ry_tok_lookup_plain(tok, s + a->at, a->len + b->len);
    return *id < 0 ? -1 : 1e6 - tok->scores[*id];
}

/* Looks at all pairs again after each merge, best and then leftmost first. */
static size_t naive_merge(const ry_tok *tok, const char *s, struct naive_sym *sym, size_t n)
{
    for (;;) {
        size_t best = n;
        double best_rank = 0;
        int32_t id, best_id = -1;
        for (size_t i = 0; i + 1 < n; i++) {
            double rank = naive_rank(tok, s, &sym[i], &sym[i + 1], &id);
            if (rank >= 0 && (best == n || rank < best_rank)) {
                best = i;
                best_rank = rank;
                best_id = id;
            }
        }
        if (best == n)
            return n;
        sym[best].len += sym[best + 1].len;
        sym[best].id = best_id;
        memmove(&sym[best + 1], &sym[best + 2], (n - best - 2) * sizeof *sym);
        n--;
    }
}

static void naive_push(const ry_tok *tok, const char *s, const struct naive_sym *sym, size_t n,
                       ry_ids *out)
{
    for (size_t i = 0; i < n; i++) {
        if (sym[i].id >= 0)
            ry_ids_push(out, sym[i].id);
        for (size_t k = 0; sym[i].id < 0 && k < sym[i].len; k++)
            ry_ids_push(out, tok->byte_id[(unsigned char)s[sym[i].at + k]]);
    }
}

struct naive_call {
    const ry_tok *tok;
    const char *text;
    ry_ids *out;
};

static bool naive_word(void *user, size_t begin, size_t end)
{
    struct naive_call *c = user;
    struct naive_sym sym[512];
    size_t n = end - begin;
    ck_assert_uint_le(n, 512);
    for (size_t i = 0; i < n; i++)
        sym[i] = (struct naive_sym){i, 1, c->tok->byte_id[(unsigned char)c->text[begin + i]]};
    naive_push(c->tok, c->text + begin, sym, naive_merge(c->tok, c->text + begin, sym, n), c->out);
    return true;
}

static void naive_encode(const ry_tok *tok, const char *text, size_t len, ry_ids *out)
{
    if (tok->bpe) {
        struct naive_call c = {tok, text, out};
        ry_pre_split(tok->pre, text, len, naive_word, &c);
        return;
    }
    ry_buf s = {0};
    struct naive_sym sym[2048];
    size_t n = 0;
    if (len)
        ry_buf_adds(&s, "\xE2\x96\x81");
    for (size_t i = 0; i < len; i++)
        ry_buf_add(&s, text[i] == ' ' ? "\xE2\x96\x81" : &text[i], text[i] == ' ' ? 3 : 1);
    for (size_t at = 0; at < s.len; n++) {
        int32_t cp;
        size_t took = ry_utf8_decode(s.data + at, s.len - at, &cp);
        ck_assert_uint_lt(n, 2048);
        sym[n] = (struct naive_sym){at, took, ry_tok_lookup_plain(tok, s.data + at, took)};
        at += took;
    }
    naive_push(tok, s.data, sym, naive_merge(tok, s.data, sym, n), out);
    ry_buf_done(&s);
}

static const char *const PARTS[] = {"a",  "b",    "c",    "hello", " ",  "  ", "world",
                                    "he", "llo",  "node", "\n",    "12", "3",  "\xC3\xA9",
                                    "t",  "\xFF", "\xE2", "aaaa",  " a", "or", "\xE4\xBD\xA0",
                                    "w",  "ld",   "d",    "e",     "!",  "\t", "\xE2\x96\x81"};

static void random_text(uint64_t *state, size_t n_parts, ry_buf *out)
{
    ry_buf_clear(out);
    for (size_t i = 0; i < n_parts; i++)
        ry_buf_adds(out, PARTS[tv_random(state) % (sizeof PARTS / sizeof PARTS[0])]);
    ck_assert(!out->failed);
}

static void check_against_naive(const ry_tok *tok, uint64_t seed)
{
    ry_buf text = {0};
    for (int round = 0; round < 2000; round++) {
        random_text(&seed, (size_t)round % 48, &text);
        ry_ids want = {0}, got = tv_encode(tok, ry_buf_str(&text), text.len, 0);
        naive_encode(tok, ry_buf_str(&text), text.len, &want);
        bool same = got.n == want.n;
        for (size_t i = 0; same && i < got.n; i++)
            same = got.v[i] == want.v[i];
        ck_assert_msg(same, "round %d: '%s'", round, ry_buf_str(&text));
        ry_ids_done(&got);
        ry_ids_done(&want);
    }
    ry_buf_done(&text);
}

START_TEST(test_naive)
{
    struct gb b;
    struct tv tv;
    ry_err err;
    tv_spm(&b);
    ck_assert_msg(tv_open(&tv, &b, 0, &err) == RY_OK, "%s", err.text);
    ck_assert_str_eq(ry_tok_model_name(tv.tok), "SPM");
    check_against_naive(tv.tok, 1);
    tv_close(&tv);
    gb_done(&b);
    tv_bpe(&b, "gpt-2");
    ck_assert_msg(tv_open(&tv, &b, 0, &err) == RY_OK, "%s", err.text);
    ck_assert_str_eq(ry_tok_model_name(tv.tok), "BPE");
    ck_assert_str_eq(ry_tok_pre_name(tv.tok), "gpt-2");
    check_against_naive(tv.tok, 2);
    tv_close(&tv);
    gb_done(&b);
}
END_TEST

/* ---- round trips and long runs ----------------------------------------------------------------------- */

/* Ids back to bytes give the text; SPM's own leading space apart. */
static void check_round_trip(const ry_tok *tok, const char *text, size_t len)
{
    ry_ids ids = tv_encode(tok, text, len, 0);
    ry_buf back = tv_decode(tok, &ids);
    size_t skip = !tok->bpe && len ? 1 : 0;
    ck_assert_uint_eq(back.len, len + skip);
    ck_assert(memcmp(ry_buf_str(&back) + skip, text, len) == 0);
    ry_buf_done(&back);
    ry_ids_done(&ids);
}

START_TEST(test_round_trip)
{
    struct gb b;
    struct tv tv;
    uint64_t state = 3;
    for (int kind = 0; kind < 2; kind++) {
        if (kind)
            tv_bpe(&b, "llama-bpe");
        else
            tv_spm(&b);
        ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
        char bytes[300];
        for (int round = 0; round < 500; round++) {
            size_t len = tv_random(&state) % sizeof bytes;
            for (size_t i = 0; i < len; i++)
                bytes[i] = (char)tv_random(&state);
            check_round_trip(tv.tok, bytes, len);
        }
        /* U+2581 in a text is written back as the space that it stands for: by design of SPM. */
        check_round_trip(tv.tok, "", 0);
        check_round_trip(tv.tok, "\0a\0", 3);
        tv_close(&tv);
        gb_done(&b);
    }
}
END_TEST

/* A megabyte of one class of characters: the merge queue keeps it from being quadratic, nothing recurses. */
START_TEST(test_long_runs)
{
    static const char *const units[] = {"a", " ", "\n", "!", "7", "\xE4\xBD\xA0", "\xFF", "hello"};
    enum { BYTES = 1 << 20 };
    struct gb b;
    struct tv tv;
    for (int kind = 0; kind < 3; kind++) {
        if (kind)
            tv_bpe(&b, kind == 1 ? "llama-bpe" : "deepseek-llm");
        else
            tv_spm(&b);
        ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
        for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
            ry_buf text = {0};
            while (text.len < BYTES)
                ry_buf_adds(&text, units[u]);
            check_round_trip(tv.tok, text.data, text.len);
            ry_buf_done(&text);
        }
        tv_close(&tv);
        gb_done(&b);
    }
}
END_TEST

/* ---- special tokens ---------------------------------------------------------------------------------- */

/* Encodes and compares with a list of token texts, "" ends it. */
static void check_pieces(const ry_tok *tok, const char *text, unsigned flags,
                         const char *const *want)
{
    ry_ids ids = tv_encode(tok, text, strlen(text), flags);
    size_t i = 0;
    for (; want[i]; i++) {
        ck_assert_msg(i < ids.n, "'%s': only %zu ids", text, ids.n);
        size_t len;
        const char *got = ry_tok_text(tok, ids.v[i], &len);
        ck_assert_msg(strlen(want[i]) == len && memcmp(got, want[i], len) == 0,
                      "'%s': id %zu is '%.*s', not '%s'", text, i, (int)len, got, want[i]);
    }
    ck_assert_msg(i == ids.n, "'%s': %zu ids for %zu", text, ids.n, i);
    ry_ids_done(&ids);
}

#define PIECES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SP          "\xE2\x96\x81"

START_TEST(test_specials_spm)
{
    struct gb b;
    struct tv tv;
    tv_spm(&b);
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    const ry_tok *t = tv.tok;
    check_pieces(t, "hello", 0, PIECES(SP "hello"));
    check_pieces(t, "hello", RY_TOK_BOS, PIECES("<s>", SP "hello"));
    check_pieces(t, "hello", RY_TOK_NO_PREFIX, PIECES("hello"));
    check_pieces(t, "<|end|>hello", RY_TOK_SPECIAL, PIECES("<|end|>", SP "hello"));
    check_pieces(t, "a<ud>b", 0, PIECES(SP "a", "<ud>", SP, "b"));
    check_pieces(t, "<s>a</s>", RY_TOK_SPECIAL, PIECES("<s>", SP "a", "</s>"));
    /* Typed, a control token is only characters. */
    ry_ids ids = tv_encode(t, "</s><|end|><s><unk><0x41>", 25, 0);
    for (size_t i = 0; i < ids.n; i++)
        ck_assert(!ry_tok_is_control(t, ids.v[i]));
    ry_buf back = tv_decode(t, &ids);
    ck_assert_str_eq(ry_buf_str(&back), " </s><|end|><s><unk><0x41>");
    ry_buf_done(&back);
    ry_ids_done(&ids);
    /* Control tokens have no running text; others read with spaces. */
    size_t len;
    ry_tok_bytes(t, tv_id(t, "<|end|>"), &len);
    ck_assert_uint_eq(len, 0);
    ck_assert_str_eq(ry_tok_bytes(t, -1, &len), "");
    ck_assert_str_eq(ry_tok_bytes(t, 100000, &len), "");
    ck_assert_uint_eq(len, 0);
    ck_assert(ry_tok_is_eog(t, tv_id(t, "</s>")) && ry_tok_is_eog(t, tv_id(t, "<|end|>")));
    ck_assert(!ry_tok_is_eog(t, tv_id(t, "<|user|>")) && !ry_tok_is_eog(t, -1));
    ck_assert_int_eq(ry_tok_bos(t), 1);
    ck_assert_int_eq(ry_tok_eos(t), 2);
    ck_assert(ry_tok_adds_bos(t));
    tv_close(&tv);
    gb_set_bool(&b, "tokenizer.ggml.add_space_prefix", false);
    gb_set_bool(&b, "tokenizer.ggml.add_bos_token", false);
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    check_pieces(tv.tok, "hello", RY_TOK_BOS, PIECES("hello"));
    ck_assert(!ry_tok_adds_bos(tv.tok));
    tv_close(&tv);
    /* Phi-3's tokens take the white space behind them, all but three. */
    gb_set_str(&b, "general.architecture", "phi3");
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    check_pieces(tv.tok, "<|user|>\n hello<|end|>\n", RY_TOK_SPECIAL,
                 PIECES("<|user|>", "hello", "<|end|>"));
    check_pieces(tv.tok, "<s>\n", RY_TOK_SPECIAL, PIECES("<s>", "<0x0A>"));
    tv_close(&tv);
    gb_done(&b);
}
END_TEST

START_TEST(test_specials_bpe)
{
    struct gb b;
    struct tv tv;
    tv_bpe(&b, "llama-bpe");
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    check_pieces(tv.tok, "hello", RY_TOK_BOS, PIECES("<|endoftext|>", "hello"));
    check_pieces(tv.tok, "hello world", 0, PIECES("hello", "\xC4\xA0", "w", "o", "r", "l", "d"));
    check_pieces(tv.tok, "world", 0, PIECES("world")); /* whole word: ignore_merges */
    check_pieces(tv.tok, "<|im_start|>hello<|im_end|>\n", RY_TOK_SPECIAL,
                 PIECES("<|im_start|>", "hello", "<|im_end|>", "\xC4\x8A"));
    check_pieces(tv.tok, "<ud><ud>", 0, PIECES("<ud>", "<ud>"));
    ry_ids ids = tv_encode(tv.tok, "<|eot_id|>", 10, 0);
    for (size_t i = 0; i < ids.n; i++)
        ck_assert(!ry_tok_is_control(tv.tok, ids.v[i]));
    ck_assert_uint_gt(ids.n, 1);
    ry_ids_done(&ids);
    ck_assert(ry_tok_is_eog(tv.tok, tv_id(tv.tok, "<|eot_id|>")));
    tv_close(&tv);
    gb_done(&b);
    tv_bpe(&b, "gpt-2");
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    check_pieces(tv.tok, "world", RY_TOK_BOS, PIECES("w", "o", "r", "l", "d"));
    tv_close(&tv);
    gb_done(&b);
    tv_bpe(&b, "no-such");
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    ck_assert_str_eq(ry_tok_pre_name(tv.tok), "default (no-such unknown)");
    tv_close(&tv);
    gb_done(&b);
    tv_bpe(&b, NULL);
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    ck_assert_str_eq(ry_tok_pre_name(tv.tok), "default");
    tv_close(&tv);
    gb_done(&b);
}
END_TEST

/* Parts of different trust are one text, but only trusted parts hold control tokens. */
START_TEST(test_spans)
{
    struct gb b;
    struct tv tv;
    ry_ids ids = {0}, whole;
    tv_bpe(&b, "gpt-2");
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    const char text[] = "<|im_start|>he"
                        "llo<|im_end|>"
                        "<|im_end|>"
                        "<|im_"
                        "end|>";
    const struct ry_tok_span spans[] = {{14, true}, {13, false}, {10, true}, {5, true}, {5, false}};
    ck_assert_int_eq(ry_tok_encode_spans(tv.tok, text, spans, 5, 0, &ids, NULL), RY_OK);
    ck_assert_int_eq(ids.v[0], tv_id(tv.tok, "<|im_start|>"));
    ck_assert_int_eq(ids.v[1], tv_id(tv.tok, "hello")); /* merged across the border */
    int n_end = 0;
    for (size_t i = 0; i < ids.n; i++)
        n_end += ids.v[i] == tv_id(tv.tok, "<|im_end|>");
    ck_assert_int_eq(n_end, 1);
    ry_buf back = tv_decode(tv.tok, &ids);
    ck_assert_str_eq(ry_buf_str(&back), "hello<|im_end|><|im_end|>");
    ry_buf_done(&back);
    ry_ids_done(&ids);
    /* However it is cut into spans of one trust, the ids are the same. */
    whole = tv_encode(tv.tok, text, sizeof text - 1, RY_TOK_SPECIAL);
    for (size_t cut = 0; cut < sizeof text; cut++) {
        const struct ry_tok_span two[] = {{cut, false}, {sizeof text - 1 - cut, false}};
        ry_ids plain = tv_encode(tv.tok, text, sizeof text - 1, 0);
        ids = (ry_ids){0};
        ck_assert_int_eq(ry_tok_encode_spans(tv.tok, text, two, 2, 0, &ids, NULL), RY_OK);
        ck_assert_uint_eq(ids.n, plain.n);
        ck_assert(memcmp(ids.v, plain.v, ids.n * sizeof *ids.v) == 0);
        ry_ids_done(&ids);
        ry_ids_done(&plain);
    }
    ck_assert_uint_gt(whole.n, 3);
    ry_ids_done(&whole);
    tv_close(&tv);
    gb_done(&b);
}
END_TEST

/* The longest token that begins at a place wins; long user-defined runs stay linear. */
START_TEST(test_longest_special)
{
    enum { N = 8 };
    const char *const texts[N] = {"<unk>", "<s>",    "</s>",      "<0x41>",
                                  "<a>",   "<a><b>", "<a><b><c>", "x"};
    const int32_t types[N] = {2, 3, 3, 6, 4, 4, 3, 1};
    const float scores[N] = {0};
    struct gb b;
    struct tv tv;
    tv_spm(&b);
    tv_set_tokens(&b, texts, types, scores, N);
    gb_set_bool(&b, "tokenizer.ggml.add_space_prefix", false);
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    check_pieces(tv.tok, "x<a><b><c>x", 0, PIECES("x", "<a><b>", "<unk>", "<unk>", "<unk>", "x"));
    check_pieces(tv.tok, "x<a><b><c>x", RY_TOK_SPECIAL, PIECES("x", "<a><b><c>", "x"));
    check_pieces(tv.tok, "<a><a><b", RY_TOK_SPECIAL, PIECES("<a>", "<a>", "<unk>", "<unk>"));
    check_pieces(tv.tok, "A", 0, PIECES("<0x41>"));
    tv_close(&tv);
    gb_done(&b);
}
END_TEST

/* ---- hostile files ----------------------------------------------------------------------------------- */

/* The file is refused as a model, and the words say why. */
static void check_refused(struct gb *b, uint32_t n_rows, const char *words)
{
    struct tv tv;
    ry_err err = {0};
    ry_rc rc = tv_open(&tv, b, n_rows, &err);
    ck_assert_msg(rc == RY_ERR_MODEL, "%s: result %s", words, ry_rc_name(rc));
    ck_assert_msg(strstr(err.text, words) != NULL, "'%s' does not say '%s'", err.text, words);
    ck_assert_ptr_null(tv.tok);
    tv_close(&tv);
    gb_done(b);
}

static void spm_tokens(struct gb *b, const char *second, int32_t type, float score)
{
    const char *const texts[] = {"<unk>", second, "a"};
    const int32_t types[] = {2, type, 1};
    const float scores[] = {0, score, 0};
    tv_spm(b);
    tv_set_tokens(b, texts, types, scores, 3);
}

START_TEST(test_refusals)
{
    struct gb b;
    const float few[2] = {0, 0};
    const char *const merges[] = {"a a", "q nosuchtoken"};
    const char *const product[] = {"q z"};
    const char *const no_space[] = {"aa"};
    tv_spm(&b), gb_set_array(&b, "tokenizer.ggml.scores", RY_GGUF_F32, 2, few, sizeof few);
    check_refused(&b, 0, "tokenizer.ggml.scores (offset");
    tv_spm(&b), gb_set_str(&b, "tokenizer.ggml.scores", "no");
    check_refused(&b, 0, "tokenizer.ggml.scores");
    tv_spm(&b), gb_drop_kv(&b, "tokenizer.ggml.scores");
    check_refused(&b, 0, "tokenizer.ggml.scores is missing");
    tv_spm(&b), gb_set_array(&b, "tokenizer.ggml.token_type", RY_GGUF_I32, 2, few, sizeof few);
    check_refused(&b, 0, "2 elements for");
    tv_spm(&b), gb_set_u32(&b, "tokenizer.ggml.token_type", 3);
    check_refused(&b, 0, "tokenizer.ggml.token_type");
    tv_spm(&b), gb_drop_kv(&b, "tokenizer.ggml.tokens");
    check_refused(&b, 0, "tokenizer.ggml.tokens is missing");
    tv_spm(&b), gb_set_u32(&b, "tokenizer.ggml.tokens", 3);
    check_refused(&b, 0, "tokenizer.ggml.tokens");
    tv_spm(&b), gb_set_strings(&b, "tokenizer.ggml.tokens", NULL, 0);
    check_refused(&b, 0, "holds 0 tokens");
    tv_spm(&b);
    check_refused(&b, 100, "as the embedding has rows");
    tv_spm(&b), gb_drop_kv(&b, "tokenizer.ggml.model");
    check_refused(&b, 0, "tokenizer.ggml.model is missing");
    tv_spm(&b), gb_set_str(&b, "tokenizer.ggml.model", "bert");
    check_refused(&b, 0, "'bert'");
    tv_spm(&b), gb_set_u32(&b, "tokenizer.ggml.eos_token_id", 5000);
    check_refused(&b, 0, "tokenizer.ggml.eos_token_id is 5000");
    tv_spm(&b), gb_set_u32(&b, "tokenizer.ggml.bos_token_id", UINT32_MAX);
    check_refused(&b, 0, "tokenizer.ggml.bos_token_id is 4294967295");
    tv_spm(&b), gb_set_u32(&b, "tokenizer.ggml.eot_token_id", 400);
    check_refused(&b, 0, "tokenizer.ggml.eot_token_id");
    tv_spm(&b), gb_set_u32(&b, "tokenizer.ggml.unknown_token_id", 400);
    check_refused(&b, 0, "tokenizer.ggml.unknown_token_id");
    tv_spm(&b), gb_set_u32(&b, "tokenizer.ggml.add_bos_token", 1);
    check_refused(&b, 0, "tokenizer.ggml.add_bos_token");
    spm_tokens(&b, "<0x-1>", RY_TOK_BYTE, 0);
    check_refused(&b, 0, "<0x-1>");
    spm_tokens(&b, "<0x1234>", RY_TOK_BYTE, 0);
    check_refused(&b, 0, "<0x1234>");
    spm_tokens(&b, "b", 7, 0);
    check_refused(&b, 0, "token 1 has type 7");
    spm_tokens(&b, "b", -1, 0);
    check_refused(&b, 0, "token 1 has type -1");
    spm_tokens(&b, "b", RY_TOK_NORMAL, (float)(0.0 / 0.0));
    check_refused(&b, 0, "score of token 1");
    tv_bpe(&b, "gpt-2"), gb_drop_kv(&b, "tokenizer.ggml.merges");
    check_refused(&b, 0, "tokenizer.ggml.merges is missing");
    tv_bpe(&b, "gpt-2"), gb_set_strings(&b, "tokenizer.ggml.merges", merges, 2);
    check_refused(&b, 0, "number 1 ('q nosuchtoken')");
    tv_bpe(&b, "gpt-2"), gb_set_strings(&b, "tokenizer.ggml.merges", product, 1);
    check_refused(&b, 0, "number 0 ('q z')");
    tv_bpe(&b, "gpt-2"), gb_set_strings(&b, "tokenizer.ggml.merges", no_space, 1);
    check_refused(&b, 0, "number 0 ('aa')");
    tv_bpe(&b, "gpt-2"), gb_set_u32(&b, "tokenizer.ggml.pre", 1);
    check_refused(&b, 0, "tokenizer.ggml.pre");
}
END_TEST

START_TEST(test_tolerated)
{
    struct gb b;
    struct tv tv;
    /* No tokenizer at all, or one that says so: fine, and none. */
    gb_init(&b);
    gb_set_str(&b, "general.architecture", "llama");
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    ck_assert_ptr_null(tv.tok);
    tv_close(&tv);
    gb_set_str(&b, "tokenizer.ggml.model", "no_vocab");
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    ck_assert_ptr_null(tv.tok);
    tv_close(&tv);
    gb_done(&b);
    /* Equal texts: the first id; an empty text: never. Defaults beyond the vocabulary: none. */
    const char *const texts[] = {"a", "", "a", "aa", ""};
    const int32_t types[] = {1, 1, 1, 1, 1};
    const float scores[] = {0, 1e9f, 0, -1, 1e9f};
    tv_spm(&b);
    tv_set_tokens(&b, texts, types, scores, 5);
    gb_set_bool(&b, "tokenizer.ggml.add_space_prefix", false);
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    ck_assert_int_eq(ry_tok_bos(tv.tok), -1);
    ck_assert_int_eq(ry_tok_eos(tv.tok), -1);
    ck_assert(!ry_tok_adds_bos(tv.tok));
    ry_ids ids = tv_encode(tv.tok, "aaa b", 5, RY_TOK_BOS | RY_TOK_SPECIAL);
    ck_assert_uint_eq(ids.n, 2); /* what no token and no byte token covers is left out */
    ck_assert_int_eq(ids.v[0], 3);
    ck_assert_int_eq(ids.v[1], 0);
    ry_ids_done(&ids);
    ck_assert_int_eq(ry_tok_find(tv.tok, "", 0), -1);
    tv_close(&tv);
    /* No types: <0xXX> are byte tokens all the same. */
    const char *const untyped[] = {"<0x62>", "a"};
    tv_set_tokens(&b, untyped, NULL, scores, 2);
    gb_drop_kv(&b, "tokenizer.ggml.token_type");
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    check_pieces(tv.tok, "ab", 0, PIECES("a", "<0x62>"));
    tv_close(&tv);
    gb_done(&b);
    /* A begin token as Llama 3 has it tells the pre-tokenizer where the file does not. */
    const char *const llama3[] = {"a", "<|begin_of_text|>"};
    const char *const no_merges[] = {NULL};
    const int32_t llama3_types[] = {1, 3};
    tv_bpe(&b, NULL);
    tv_set_tokens(&b, llama3, llama3_types, NULL, 2);
    gb_set_strings(&b, "tokenizer.ggml.merges", no_merges, 0);
    gb_set_u32(&b, "tokenizer.ggml.bos_token_id", 1);
    gb_set_u32(&b, "tokenizer.ggml.eos_token_id", 1);
    ck_assert_int_eq(tv_open(&tv, &b, 2, NULL), RY_OK);
    ck_assert_str_eq(ry_tok_pre_name(tv.tok), "llama-bpe");
    ck_assert(ry_tok_adds_bos(tv.tok));
    tv_close(&tv);
    gb_done(&b);
}
END_TEST

/* Every allocation of loading and of encoding fails once: a result, no crash, no leak. */
START_TEST(test_out_of_memory)
{
    struct gb b;
    for (int kind = 0; kind < 2; kind++) {
        if (kind)
            tv_bpe(&b, "llama-bpe");
        else
            tv_spm(&b);
        ry_buf image = {0};
        ry_gguf *gguf;
        ry_err err;
        gb_image(&b, &image);
        ck_assert_int_eq(ry_gguf_parse(&gguf, "memory", image.data, image.len, true, &err), RY_OK);
        int64_t live = ry_mem_n_live();
        ry_tok *tok = NULL;
        ry_rc rc = RY_ERR_MEMORY;
        for (uint64_t nth = 1; rc == RY_ERR_MEMORY; nth++) {
            ck_assert_uint_lt(nth, 1000);
            ck_assert_int_eq(ry_mem_n_live(), live);
            ry_mem_fail_nth(nth, false);
            rc = ry_tok_load(&tok, gguf, 0, &err);
            ry_mem_fail_nth(0, false);
        }
        ck_assert_msg(rc == RY_OK, "%s", err.text);
        ry_ids ids = {0};
        ck_assert(ry_ids_push(&ids, 7));
        rc = RY_ERR_MEMORY;
        live = ry_mem_n_live();
        char text[400];
        memset(text, 'b', sizeof text);
        for (uint64_t nth = 1; rc == RY_ERR_MEMORY; nth++) {
            ck_assert_uint_lt(nth, 1000);
            ck_assert_uint_eq(ids.n, 1);
            ck_assert_int_eq(ry_mem_n_live(), live);
            ry_mem_fail_nth(nth, false);
            rc = ry_tok_encode(tok, text, sizeof text, RY_TOK_BOS, &ids, &err);
            ry_mem_fail_nth(0, false);
        }
        ck_assert_int_eq(rc, RY_OK);
        ck_assert_int_eq(ids.v[0], 7);
        ry_ids_done(&ids);
        ry_tok_free(tok);
        ry_gguf_close(gguf);
        ry_buf_done(&image);
        gb_done(&b);
    }
}
END_TEST

/* ---- streaming detokenisation ------------------------------------------------------------------------ */

/* What the bytes read as when they come at once: malformed subparts as U+FFFD. */
static void valid_of(const char *s, size_t len, ry_buf *out)
{
    for (size_t i = 0; i < len;) {
        int32_t cp;
        size_t n = ry_utf8_decode(s + i, len - i, &cp);
        if (cp < 0)
            ry_buf_adds(out, "\xEF\xBF\xBD");
        else
            ry_buf_add(out, s + i, n);
        i += n;
    }
}

static void check_splits(const char *s, size_t len)
{
    ry_buf want = {0};
    valid_of(s, len, &want);
    for (size_t a = 0; a <= len; a++)
        for (size_t z = a; z <= len; z++) {
            struct ry_detok d = {0};
            ry_buf got = {0};
            const size_t cut[] = {0, a, z, len};
            for (int i = 0; i < 3; i++) {
                ck_assert(ry_detok_push(&d, s + cut[i], cut[i + 1] - cut[i], &got));
                ck_assert(ry_utf8_valid(ry_buf_str(&got), got.len, NULL));
            }
            ck_assert(ry_detok_flush(&d, &got));
            ck_assert_uint_eq(d.n_held, 0);
            ck_assert_uint_eq(got.len, want.len);
            ck_assert(memcmp(ry_buf_str(&got), ry_buf_str(&want), got.len) == 0);
            ry_buf_done(&got);
        }
    ry_buf_done(&want);
}

START_TEST(test_detok)
{
    static const char *const texts[] = {"plain",
                                        "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z",
                                        "\xFF\xE2\x82x\xF0\x9F",
                                        "\xE2\x82\xE2\x82\xAC",
                                        "\xED\xA0\x80\xC0\x80",
                                        "\xF4\x90\x80\x80",
                                        "\xF0\x9F\x98",
                                        "\x80\x80\x80\x80",
                                        "\xF0\xF0\xF0\xF0"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_splits(texts[i], strlen(texts[i]));
    check_splits("a\0\xC3", 3);
    uint64_t state = 11;
    char bytes[12];
    for (int round = 0; round < 3000; round++) {
        static const unsigned char likely[] = {0xC3, 0xE2, 0x82, 0xF0, 0x9F, 0x80, 'a', 0xED, 0xF4};
        size_t len = tv_random(&state) % sizeof bytes;
        for (size_t i = 0; i < len; i++) {
            uint64_t r = tv_random(&state);
            bytes[i] = (char)(r % 4 ? likely[r / 4 % sizeof likely] : r >> 32);
        }
        check_splits(bytes, len);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("tok");
    TCase *tc = tcase_create("vectors");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, test_vectors, 0, N_VOCABS);
    suite_add_tcase(s, tc);
    tc = tcase_create("small");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_naive);
    tcase_add_test(tc, test_round_trip);
    tcase_add_test(tc, test_long_runs);
    tcase_add_test(tc, test_specials_spm);
    tcase_add_test(tc, test_specials_bpe);
    tcase_add_test(tc, test_spans);
    tcase_add_test(tc, test_longest_special);
    tcase_add_test(tc, test_refusals);
    tcase_add_test(tc, test_tolerated);
    tcase_add_test(tc, test_out_of_memory);
    tcase_add_test(tc, test_detok);
    suite_add_tcase(s, tc);
    return s;
}

RY_TEST_MAIN(suite);
