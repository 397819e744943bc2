/* engine/tok: recorded vectors of real vocabularies, small vocabularies built in memory against a naive model, special
 * tokens, hostile files, long runs, and streaming detokenisation over every split. */
#include "ryot_test.h"

#include "engine/tok.h"
#include "src/base/mem.h"

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

static Suite *suite(void)
{
    Suite *s = suite_create("tok");
    TCase *tc = tcase_create("vectors");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, test_vectors, 0, N_VOCABS);
    suite_add_tcase(s, tc);
    return s;
}

RY_TEST_MAIN(suite);
