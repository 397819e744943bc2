/* Pre-tokenizer splits. Sources: the `pre_tokenizer` patterns of the models' own tokenizer.json, quoted above each
 * rule; character classes from Unicode by way of utf8proc. Pure; any thread; knows no vocabulary.
 *
 *     text ──▶ rule 0 ──▶ pieces ──▶ rule 1 ──▶ pieces ... ──▶ words
 */
#include "engine/tok_pre.h"

#include <string.h>

#include <utf8proc.h>

#include "src/base/utf8.h"

enum {
    IS_L = 1,  /* \p{L} */
    IS_N = 2,  /* \p{N} */
    IS_S = 4,  /* \s: White_Space */
    IS_P = 8,  /* \p{P} */
    IS_NL = 16 /* [\r\n] */
};

/* One code point of the text; n_bytes 0 at the end. */
struct glyph {
    int32_t cp; /* U+FFFD for malformed bytes */
    unsigned is;
    size_t n_bytes;
};

bool ry_pre_is_space(int32_t cp)
{
    return (cp >= 0x09 && cp <= 0x0D) || cp == 0x20 || cp == 0x85 || cp == 0xA0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 || cp == 0x202F ||
           cp == 0x205F || cp == 0x3000;
}

static unsigned classify(int32_t cp)
{
    unsigned is = ry_pre_is_space(cp) ? IS_S : 0;
    switch (utf8proc_category(cp)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return is | IS_L;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return is | IS_N;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
        return is | IS_P;
    default:
        return is;
    }
}

static struct glyph look(const char *text, size_t at, size_t end)
{
    struct glyph g = {0, 0, 0};
    if (at >= end)
        return g;
    unsigned char b = (unsigned char)text[at];
    if ((b | 0x20) >= 'a' && (b | 0x20) <= 'z')
        return (struct glyph){b, IS_L, 1};
    if (b == '\r' || b == '\n')
        return (struct glyph){b, IS_S | IS_NL, 1};
    g.n_bytes = ry_utf8_decode(text + at, end - at, &g.cp);
    if (g.cp < 0)
        g.cp = RY_UTF8_REPLACEMENT;
    g.is = classify(g.cp);
    return g;
}

/* End of the run from `at` of code points that have one of the properties in `any`. */
static size_t run_of(const char *text, size_t at, size_t end, unsigned any)
{
    for (struct glyph g; (g = look(text, at, end)).n_bytes && g.is & any; at += g.n_bytes)
        ;
    return at;
}

/* End of the run from `at` of code points that have none of them. */
static size_t run_without(const char *text, size_t at, size_t end, unsigned none)
{
    for (struct glyph g; (g = look(text, at, end)).n_bytes && !(g.is & none); at += g.n_bytes)
        ;
    return at;
}

/* 's|'t|'re|'ve|'m|'ll|'d at `at`: its bytes, else 0. */
static size_t contraction(const char *text, size_t at, size_t end, bool any_case)
{
    if (end - at < 2 || text[at] != '\'')
        return 0;
    unsigned char fold = any_case ? 0x20 : 0;
    unsigned char a = (unsigned char)text[at + 1] | fold;
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return 2;
    if (end - at < 3)
        return 0;
    unsigned char b = (unsigned char)text[at + 2] | fold;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l'))
        return 3;
    return 0;
}

/* \s+(?!\S)|\s+ over the run of white space text[at, run_end): all of it at the end of the text; before something
 * else all but its last code point, which may belong to the next word; a single one as it is. */
static size_t spaces(const char *text, size_t at, size_t run_end, size_t end)
{
    if (run_end == end)
        return run_end - at;
    size_t last = run_end - 1;
    while (last > at && ((unsigned char)text[last] & 0xC0) == 0x80)
        last--;
    return last > at ? last - at : run_end - at;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t rule_gpt2(const char *text, size_t at, size_t end, size_t *skip)
{
    (void)skip;
    size_t n = contraction(text, at, end, false);
    if (n)
        return n;
    size_t body = at + (text[at] == ' ');
    struct glyph g = look(text, body, end);
    if (g.n_bytes && g.is & IS_L)
        return run_of(text, body, end, IS_L) - at;
    if (g.n_bytes && g.is & IS_N)
        return run_of(text, body, end, IS_N) - at;
    if (g.n_bytes && !(g.is & IS_S))
        return run_without(text, body, end, IS_L | IS_N | IS_S) - at;
    return spaces(text, at, run_of(text, at, end, IS_S), end);
}

/* \s*[\r\n]+ over the run of white space text[at, run_end): through its last line end; 0 when it has none. */
static size_t through_last_newline(const char *text, size_t at, size_t run_end)
{
    size_t p = run_end;
    while (p > at && text[p - 1] != '\r' && text[p - 1] != '\n')
        p--;
    return p - at;
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,max_digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|
 * \s+(?!\S)|\s+ */
static size_t llama3_like(const char *text, size_t at, size_t end, int max_digits)
{
    size_t n = contraction(text, at, end, true);
    if (n)
        return n;
    struct glyph g = look(text, at, end);
    if (g.is & IS_L)
        return run_of(text, at, end, IS_L) - at;
    if (g.is & IS_N) {
        size_t p = at;
        for (int i = 0; i < max_digits && g.n_bytes && g.is & IS_N; i++) {
            p += g.n_bytes;
            g = look(text, p, end);
        }
        return p - at;
    }
    if (!(g.is & IS_NL)) {
        struct glyph next = look(text, at + g.n_bytes, end);
        if (next.n_bytes && next.is & IS_L)
            return run_of(text, at + g.n_bytes, end, IS_L) - at;
    }
    size_t body = at + (text[at] == ' ');
    size_t p = run_without(text, body, end, IS_L | IS_N | IS_S);
    if (p > body)
        return run_of(text, p, end, IS_NL) - at;
    size_t run_end = run_of(text, at, end, IS_S);
    n = through_last_newline(text, at, run_end);
    return n ? n : spaces(text, at, run_end, end);
}

static size_t rule_llama3(const char *text, size_t at, size_t end, size_t *skip)
{
    (void)skip;
    return llama3_like(text, at, end, 3);
}

static size_t rule_qwen2(const char *text, size_t at, size_t end, size_t *skip)
{
    (void)skip;
    return llama3_like(text, at, end, 1);
}

/* \p{N} */
static size_t rule_digit(const char *text, size_t at, size_t end, size_t *skip)
{
    (void)skip;
    struct glyph g = look(text, at, end);
    return g.is & IS_N ? g.n_bytes : 0;
}

/* \p{N}+ */
static size_t rule_digits(const char *text, size_t at, size_t end, size_t *skip)
{
    (void)skip;
    return run_of(text, at, end, IS_N) - at;
}

/* [0-9][0-9][0-9] */
static size_t rule_ascii_triple(const char *text, size_t at, size_t end, size_t *skip)
{
    (void)skip;
    if (end - at < 3)
        return 0;
    for (size_t i = at; i < at + 3; i++)
        if (text[i] < '0' || text[i] > '9')
            return 0;
    return 3;
}

/* [\p{P}$+<=>^~|]+ */
static size_t rule_punct_symbols(const char *text, size_t at, size_t end, size_t *skip)
{
    (void)skip;
    size_t p = at;
    for (struct glyph g; (g = look(text, p, end)).n_bytes; p += g.n_bytes)
        if (!(g.is & IS_P) && !(g.cp > 0 && g.cp < 0x80 && strchr("$+<=>^~|", g.cp)))
            break;
    return p - at;
}

/* [\r\n] */
static size_t rule_newline(const char *text, size_t at, size_t end, size_t *skip)
{
    (void)end;
    (void)skip;
    return text[at] == '\r' || text[at] == '\n';
}

/* \s?\p{L}+ */
static size_t rule_space_letters(const char *text, size_t at, size_t end, size_t *skip)
{
    (void)skip;
    struct glyph g = look(text, at, end);
    size_t body = g.is & IS_S ? at + g.n_bytes : at;
    size_t p = run_of(text, body, end, IS_L);
    return p > body ? p - at : 0;
}

/* \s?\p{P}+ */
static size_t rule_space_punct(const char *text, size_t at, size_t end, size_t *skip)
{
    (void)skip;
    struct glyph g = look(text, at, end);
    size_t body = g.is & IS_S ? at + g.n_bytes : at;
    size_t p = run_of(text, body, end, IS_P);
    return p > body ? p - at : 0;
}

struct range {
    int32_t first, last;
};

static bool in_ranges(int32_t cp, const struct range *r, size_t n)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (cp > r[mid].last)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && cp >= r[lo].first;
}

/* End of the run from `at` of code points inside the ranges. */
static size_t run_in_ranges(const char *text, size_t at, size_t end, const struct range *r,
                            size_t n)
{
    for (struct glyph g; (g = look(text, at, end)).n_bytes && in_ranges(g.cp, r, n);
         at += g.n_bytes)
        ;
    return at;
}

/* \s?[ranges]+ */
static size_t space_ranges(const char *text, size_t at, size_t end, const struct range *r, size_t n)
{
    struct glyph g = look(text, at, end);
    size_t body = g.is & IS_S ? at + g.n_bytes : at;
    size_t p = run_in_ranges(text, body, end, r, n);
    return p > body ? p - at : 0;
}

/* The cased letters of deepseek-llm's pattern, as its tokenizer.json lists them. */
static const struct range CASED_LETTERS[] = {
    {0x41, 0x5A},       {0x61, 0x7A},       {0xB5, 0xB5},       {0xC0, 0xD6},
    {0xD8, 0xF6},       {0xF8, 0x1BA},      {0x1BC, 0x1BF},     {0x1C4, 0x293},
    {0x295, 0x2AF},     {0x370, 0x373},     {0x376, 0x377},     {0x37B, 0x37D},
    {0x37F, 0x37F},     {0x386, 0x386},     {0x388, 0x38A},     {0x38C, 0x38C},
    {0x38E, 0x3A1},     {0x3A3, 0x3F5},     {0x3F7, 0x481},     {0x48A, 0x52F},
    {0x531, 0x556},     {0x10A0, 0x10C5},   {0x13A0, 0x13F5},   {0x13F8, 0x13FD},
    {0x1C90, 0x1CBA},   {0x1CBD, 0x1CBF},   {0x1D00, 0x1D2B},   {0x1D6B, 0x1D77},
    {0x1D79, 0x1D9A},   {0x1E00, 0x1F15},   {0x1F18, 0x1F1D},   {0x1F20, 0x1F45},
    {0x1F48, 0x1F4D},   {0x1F50, 0x1F57},   {0x1F59, 0x1F59},   {0x1F5B, 0x1F5B},
    {0x1F5D, 0x1F5D},   {0x1F5F, 0x1F7D},   {0x1F80, 0x1FB4},   {0x1FB6, 0x1FBC},
    {0x1FBE, 0x1FBE},   {0x1FC2, 0x1FC4},   {0x1FC6, 0x1FCC},   {0x1FD0, 0x1FD3},
    {0x1FD6, 0x1FDB},   {0x1FE0, 0x1FEC},   {0x1FF2, 0x1FF4},   {0x1FF6, 0x1FFC},
    {0x2102, 0x2102},   {0x2107, 0x2107},   {0x210A, 0x2113},   {0x2115, 0x2115},
    {0x2119, 0x211D},   {0x2124, 0x2124},   {0x2126, 0x2126},   {0x2128, 0x2128},
    {0x212A, 0x212D},   {0x212F, 0x2134},   {0x2139, 0x2139},   {0x213C, 0x213F},
    {0x2145, 0x2149},   {0x214E, 0x214E},   {0x2183, 0x2184},   {0x2C00, 0x2C7B},
    {0x2C7E, 0x2CE4},   {0x2CEB, 0x2CEE},   {0x2CF2, 0x2CF3},   {0xA640, 0xA66D},
    {0xA680, 0xA69B},   {0xA722, 0xA76F},   {0xA771, 0xA787},   {0xA78B, 0xA78E},
    {0xAB70, 0xABBF},   {0xFB00, 0xFB06},   {0xFB13, 0xFB17},   {0xFF21, 0xFF3A},
    {0xFF41, 0xFF5A},   {0x10400, 0x1044F}, {0x104B0, 0x104D3}, {0x104D8, 0x104FB},
    {0x10C80, 0x10CB2}, {0x10CC0, 0x10CF2}, {0x118A0, 0x118DF}, {0x1E900, 0x1E943},
};

/* [!-/:-~！-／：-～‘-‟、-。]. The published class begins at U+3000, but the engines that serve the model take that one
 * for white space, and so do the recorded ids. */
static const struct range PUNCT_RANGES[] = {
    {0x21, 0x2F},     {0x3A, 0x7E},     {0x2018, 0x201F},
    {0x3001, 0x3002}, {0xFF01, 0xFF0F}, {0xFF1A, 0xFF5E},
};

/* [一-龥ࠀ-一가-퟿] */
static const struct range CJK_RANGES[] = {
    {0x800, 0x9FA5},
    {0xAC00, 0xD7FF},
};

#define N_RANGES(r) (sizeof(r) / sizeof(r)[0])

static size_t rule_space_cased(const char *text, size_t at, size_t end, size_t *skip)
{
    (void)skip;
    return space_ranges(text, at, end, CASED_LETTERS, N_RANGES(CASED_LETTERS));
}

static size_t rule_space_punct_ranges(const char *text, size_t at, size_t end, size_t *skip)
{
    (void)skip;
    return space_ranges(text, at, end, PUNCT_RANGES, N_RANGES(PUNCT_RANGES));
}

static size_t rule_cjk(const char *text, size_t at, size_t end, size_t *skip)
{
    (void)skip;
    return run_in_ranges(text, at, end, CJK_RANGES, N_RANGES(CJK_RANGES)) - at;
}

/* \s+$. A run that stops short of the end is skipped whole: looking again from each of its code points would be
 * quadratic. */
static size_t rule_trailing_space(const char *text, size_t at, size_t end, size_t *skip)
{
    size_t p = run_of(text, at, end, IS_S);
    if (p == end)
        return p - at;
    *skip = p - at;
    return 0;
}

enum {
    PRE_DEFAULT,
    PRE_LLAMA3,
    PRE_SMAUG,
    PRE_QWEN2,
    PRE_GPT2,
    PRE_SMOLLM,
    PRE_STARCODER,
    PRE_REFACT,
    PRE_DEEPSEEK_LLM,
    PRE_DEEPSEEK_CODER,
    PRE_COUNT
};

static const struct ry_pre PRES[] = {
    [PRE_DEFAULT] = {.name = "default",
                     .rules = {rule_punct_symbols, rule_gpt2, rule_digits, rule_ascii_triple}},
    [PRE_LLAMA3] = {.name = "llama-bpe",
                    .rules = {rule_llama3},
                    .ignore_merges = true,
                    .adds_bos = true},
    [PRE_SMAUG] = {.name = "smaug-bpe", .rules = {rule_llama3}},
    [PRE_QWEN2] = {.name = "qwen2", .rules = {rule_qwen2}},
    [PRE_GPT2] = {.name = "gpt-2", .rules = {rule_gpt2}},
    [PRE_SMOLLM] = {.name = "smollm", .rules = {rule_digit, rule_gpt2}},
    [PRE_STARCODER] = {.name = "starcoder", .rules = {rule_digit, rule_gpt2}},
    [PRE_REFACT] = {.name = "refact", .rules = {rule_digit, rule_gpt2}},
    [PRE_DEEPSEEK_LLM] = {.name = "deepseek-llm",
                          .rules = {rule_newline, rule_space_cased, rule_space_punct_ranges,
                                    rule_trailing_space, rule_cjk, rule_digits}},
    [PRE_DEEPSEEK_CODER] = {.name = "deepseek-coder",
                            .rules = {rule_newline, rule_space_letters, rule_space_punct, rule_cjk,
                                      rule_digit}},
};
_Static_assert(sizeof PRES / sizeof PRES[0] == PRE_COUNT, "a row for every pre-tokenizer");

/* Other values of `tokenizer.ggml.pre` that mean the same rules. */
static const struct {
    const char *name;
    int row;
} ALIASES[] = {
    {"llama3", PRE_LLAMA3},    {"llama-v3", PRE_LLAMA3},  {"falcon3", PRE_LLAMA3},
    {"falcon-h1", PRE_LLAMA3}, {"pixtral", PRE_LLAMA3},   {"lfm2", PRE_LLAMA3},
    {"midm-2.0", PRE_LLAMA3},  {"dbrx", PRE_SMAUG},       {"deepseek-r1-qwen", PRE_QWEN2},
    {"stablelm2", PRE_QWEN2},  {"megrez", PRE_QWEN2},     {"gpt2", PRE_GPT2},
    {"phi-2", PRE_GPT2},       {"jina-es", PRE_GPT2},     {"jina-de", PRE_GPT2},
    {"olmo", PRE_GPT2},        {"mpt", PRE_GPT2},         {"gigachat", PRE_GPT2},
    {"codeshell", PRE_SMOLLM}, {"command-r", PRE_SMOLLM}, {"exaone", PRE_SMOLLM},
};

const struct ry_pre *ry_pre_at(size_t i)
{
    return i < PRE_COUNT ? &PRES[i] : NULL;
}

const struct ry_pre *ry_pre_find(const char *name, size_t len)
{
    for (size_t i = 0; i < PRE_COUNT; i++)
        if (strlen(PRES[i].name) == len && memcmp(PRES[i].name, name, len) == 0)
            return &PRES[i];
    for (size_t i = 0; i < sizeof ALIASES / sizeof ALIASES[0]; i++)
        if (strlen(ALIASES[i].name) == len && memcmp(ALIASES[i].name, name, len) == 0)
            return &PRES[ALIASES[i].row];
    return NULL;
}

/* One piece through the rules from `rule` on; recursion is as deep as the list of rules is long. */
static bool split(const ry_pre_rule *rule, const char *text, size_t begin, size_t end,
                  ry_pre_word word, void *user)
{
    if (begin == end)
        return true;
    if (!*rule)
        return word(user, begin, end);
    size_t gap = begin;
    for (size_t at = begin; at < end;) {
        size_t skip = 0;
        size_t n = (*rule)(text, at, end, &skip);
        if (!n) {
            at += skip ? skip : look(text, at, end).n_bytes;
            continue;
        }
        if (!split(rule + 1, text, gap, at, word, user) ||
            !split(rule + 1, text, at, at + n, word, user))
            return false;
        at += n;
        gap = at;
    }
    return split(rule + 1, text, gap, end, word, user);
}

bool ry_pre_split(const struct ry_pre *pre, const char *text, size_t len, ry_pre_word word,
                  void *user)
{
    return split(pre->rules, text, 0, len, word, user);
}
