/* The guide's index and its ranking.
 *
 *   text ─▶ words (lower case, stemmed, synonyms joined) ─▶ sorted occurrences ─▶ terms[] ─▶ postings[], uses[]
 *
 * A fact's score is the weighted mean of two likenesses in 0..1: BM25 (Robertson and Zaragoza 2009, "The Probabilistic
 * Relevance Framework", 3.1) over all its words without the stop words, as a share of what a fact can reach for the
 * question; and the greatest cosine (weights idf) of the question with one of its wordings, stop words too. A word that
 * no fact has takes the nearest one at one edit, for less.
 *
 * The score ranks. Whether the first one is given is another question: "I like cats" shares its one word with a fact on
 * cat(1). What speaks for a fact is a sum (logistic regression): its score, its margin, the nearest wording, how many
 * words are shared and how many of them tell something ("% words" of the file are everyday ones that do not), less the
 * words that no fact knows. */
#include "src/app/guide.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/app/guide_facts.h"
#include "src/app/suggest.h"
#include "src/base/mem.h"

enum {
    WORD_BYTES = 24,
    MAX_FACTS = 1024,
    MAX_WORDINGS = 8192,
    MAX_SYNONYMS = 256,
    MAX_EVERYDAY = 1024,
    MAX_WORDS = 64,
    TYPO_MIN_LETTERS = 5
};

#define BM25_K1 2.0
#define BM25_B  0.5
/* Weight of a word: of those that people use for the fact, and of its answer. */
#define WEIGHT_ASKED  2.0
#define WEIGHT_ANSWER 0.6
#define WEIGHT_TYPO   0.8
#define SHARE_WORDING 0.4 /* of the nearest wording in the score; the rest is BM25's */
/* What speaks for the first fact. Fitted to the even lines of eval_questions.txt, questions.txt and small talk; see
 * engine/builtin/README.md. */
#define PER_SCORE    1.8
#define PER_MARGIN   14.5 /* up to MOST_MARGIN */
#define PER_WORDING  2.7
#define PER_TELLING  1.0  /* for each shared word that is no everyday one, up to MOST_TELLING */
#define PER_SHARED   0.56 /* for each shared word, up to MOST_SHARED */
#define PER_UNKNOWN  0.24 /* against it, for each word that no fact has, up to MOST_UNKNOWN */
#define MOST_MARGIN  0.2
#define SURE         6.45
#define ABOUT        4.0 /* with a telling word among the shared: no small talk */
#define SURE_CAREFUL 7.5 /* for facts that a mistake would make dangerous */

enum { MOST_TELLING = 3, MOST_SHARED = 4, MOST_UNKNOWN = 3 };

#define NO_WORDING UINT32_MAX

struct occurrence {
    char word[WORD_BYTES];
    uint32_t fact, wording; /* NO_WORDING: in the id or the answer */
    double weight;          /* 0: a stop word */
};

struct posting {
    uint32_t fact;
    double weight;
};

struct term {
    char word[WORD_BYTES];
    uint32_t first, n;          /* in postings */
    uint32_t first_use, n_uses; /* in uses */
    double idf;                 /* among the facts */
    double wording_idf;         /* among the wordings */
};

struct fact {
    const char *id, *answer; /* borrowed from the text */
    size_t id_len, answer_len;
    double weight; /* sum of its words' */
    bool careful;
};

struct wording {
    uint32_t fact;
    double norm; /* length of its vector */
};

struct synonym {
    char word[WORD_BYTES], for_word[WORD_BYTES];
};

struct everyday {
    char word[WORD_BYTES];
};

struct ry_guide {
    struct fact *facts;        /* [n_facts], owned like the following */
    struct wording *wordings;  /* [n_wordings] */
    struct synonym *synonyms;  /* [n_synonyms], by word */
    struct everyday *everyday; /* [n_everyday], by word */
    struct occurrence *words;  /* [n_words]; only while building */
    struct term *terms;        /* [n_terms], by word */
    struct posting *postings;  /* [n_words at most], by term, then fact */
    uint32_t *uses;            /* [n_words at most]: wordings by term */
    size_t n_facts, n_wordings, n_synonyms, n_everyday, n_words, cap_words, n_terms;
    double mean_weight, idf_unknown, wording_idf_unknown;
};

/* ---- words ---- */

/* Words that nearly every question has and that say nothing about its subject; sorted. */
static const char *const stop_words[] = {
    "a",      "about", "all",   "am",        "an",   "and",  "any",    "are",   "at",   "be",
    "by",     "can",   "could", "did",       "do",   "does", "for",    "from",  "get",  "give",
    "has",    "have",  "how",   "i",         "if",   "in",   "into",   "is",    "it",   "its",
    "let",    "like",  "make",  "me",        "mean", "my",   "need",   "no",    "not",  "now",
    "of",     "off",   "on",    "one",       "or",   "out",  "please", "ryot",  "s",    "set",
    "should", "so",    "some",  "something", "tell", "that", "the",    "there", "they", "thing",
    "this",   "to",    "up",    "use",       "used", "want", "was",    "we",    "what", "whats",
    "when",   "where", "which", "why",       "will", "with", "would",  "you",   "your"};

static int compare_stop(const void *a, const void *b)
{
    return strcmp(a, *(const char *const *)b);
}

/* A number is a value ("temperature 0.9", "8 threads"), no subject. */
static bool is_stop(const char *word)
{
    return word[strspn(word, "0123456789")] == '\0' ||
           bsearch(word, stop_words, sizeof stop_words / sizeof *stop_words, sizeof *stop_words,
                   compare_stop) != NULL;
}

static bool is_word_byte(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '^' || c >= 0x80;
}

/* Takes an English ending off: "switching", "switched", "switches" and "switch" become one. */
static void stem(char *w)
{
    static const char *const endings[] = {"ing", "ies", "ed", "es", "er", "s", "e", "y"};
    size_t len = strlen(w);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t n = strlen(endings[i]);
        if (len < n + 3 || strcmp(w + len - n, endings[i]) != 0)
            continue;
        if (endings[i][0] == 's' && w[len - 2] == 's')
            continue; /* "less" is no plural */
        len -= n;
        if (len > 3 && n >= 2 && w[len - 1] == w[len - 2])
            len--; /* "stopping" */
        w[len] = '\0';
        return;
    }
}

static int compare_synonym(const void *word, const void *synonym)
{
    return strcmp(word, ((const struct synonym *)synonym)->word);
}

/* The next word of *text, stemmed, a synonym as the word it counts as; false at the end. Longer words are cut. */
static bool next_word(const ry_guide *g, const char **text, const char *end, char word[WORD_BYTES],
                      bool *stop)
{
    const char *p = *text;
    size_t n = 0;
    while (p < end && !is_word_byte((unsigned char)*p))
        p++;
    if (p == end)
        return false;
    for (; p < end && is_word_byte((unsigned char)*p); p++) {
        if (n + 1 < WORD_BYTES)
            word[n++] = *p >= 'A' && *p <= 'Z' ? (char)(*p + ('a' - 'A')) : *p;
    }
    word[n] = '\0';
    *text = p;
    *stop = is_stop(word);
    if (*stop)
        return true;
    stem(word);
    const struct synonym *s = NULL;
    if (g->n_synonyms)
        s = bsearch(word, g->synonyms, g->n_synonyms, sizeof *g->synonyms, compare_synonym);
    if (s)
        memcpy(word, s->for_word, WORD_BYTES);
    return true;
}

/* ---- building ---- */

static bool add_words(ry_guide *g, uint32_t fact, uint32_t wording, const char *text, size_t len,
                      double weight)
{
    const char *end = text + len;
    char word[WORD_BYTES];
    bool stop;
    while (next_word(g, &text, end, word, &stop)) {
        if (stop && wording == NO_WORDING)
            continue;
        if (g->n_words == g->cap_words) {
            size_t cap = g->cap_words ? 2 * g->cap_words : 4096;
            void *grown = ry_mem_resize(g->words, cap, sizeof *g->words);
            if (!grown)
                return false;
            g->words = grown;
            g->cap_words = cap;
        }
        struct occurrence *o = &g->words[g->n_words++];
        memcpy(o->word, word, sizeof word);
        o->fact = fact;
        o->wording = wording;
        o->weight = stop ? 0 : weight;
        g->facts[fact].weight += o->weight;
    }
    return true;
}

/* Wordings that semicolons part, each a document of its own. */
static ry_rc add_wordings(ry_guide *g, const char *text, size_t len, int line, ry_err *err)
{
    uint32_t fact = (uint32_t)g->n_facts - 1;
    for (size_t at = 0; at < len;) {
        const char *semicolon = memchr(text + at, ';', len - at);
        size_t n = semicolon ? (size_t)(semicolon - text) - at : len - at;
        if (g->n_wordings == MAX_WORDINGS)
            return ry_err_set(err, RY_ERR_INPUT, "facts, line %d: more than %d wordings", line,
                              MAX_WORDINGS);
        uint32_t wording = (uint32_t)g->n_wordings++;
        g->wordings[wording] = (struct wording){.fact = fact};
        if (!add_words(g, fact, wording, text + at, n, WEIGHT_ASKED))
            return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the index of facts");
        at += n + 1;
    }
    return RY_OK;
}

/* A line of words that count as its first; they are stemmed, and kept by word. */
static ry_rc add_synonyms(ry_guide *g, const char *text, size_t len, int line, ry_err *err)
{
    const char *end = text + len;
    char first[WORD_BYTES] = "", word[WORD_BYTES];
    bool stop;
    while (next_word(g, &text, end, word, &stop)) {
        if (stop)
            return ry_err_set(err, RY_ERR_INPUT, "facts, line %d: \"%s\" is a stop word", line,
                              word);
        if (!first[0])
            memcpy(first, word, sizeof first);
        if (strcmp(first, word) == 0)
            continue;
        if (g->n_synonyms == MAX_SYNONYMS)
            return ry_err_set(err, RY_ERR_INPUT, "facts, line %d: more than %d synonyms", line,
                              MAX_SYNONYMS);
        size_t at = g->n_synonyms++;
        for (; at > 0 && strcmp(g->synonyms[at - 1].word, word) > 0; at--)
            g->synonyms[at] = g->synonyms[at - 1];
        memcpy(g->synonyms[at].word, word, sizeof word);
        memcpy(g->synonyms[at].for_word, first, sizeof first);
    }
    return RY_OK;
}

/* A line of words that say little about a question's subject; they are stemmed, and kept by word. */
static ry_rc add_everyday(ry_guide *g, const char *text, size_t len, int line, ry_err *err)
{
    const char *end = text + len;
    char word[WORD_BYTES];
    bool stop;
    while (next_word(g, &text, end, word, &stop)) {
        if (g->n_everyday == MAX_EVERYDAY)
            return ry_err_set(err, RY_ERR_INPUT, "facts, line %d: more than %d everyday words",
                              line, MAX_EVERYDAY);
        size_t at = g->n_everyday++;
        for (; at > 0 && strcmp(g->everyday[at - 1].word, word) > 0; at--)
            g->everyday[at] = g->everyday[at - 1];
        memcpy(g->everyday[at].word, word, sizeof word);
    }
    return RY_OK;
}

static ry_rc add_fact(ry_guide *g, const char *id, size_t len, int line, ry_err *err)
{
    if (g->n_facts == MAX_FACTS)
        return ry_err_set(err, RY_ERR_INPUT, "facts, line %d: more than %d facts", line, MAX_FACTS);
    bool careful = id[0] == '!' && len > 1;
    g->facts[g->n_facts++] =
        (struct fact){.id = id + careful, .id_len = len - careful, .careful = careful};
    return RY_OK;
}

/* One line of the file, without its end. `last` is the sort of the line before: '@', '~', '=', or '\0'. */
static ry_rc take_line(ry_guide *g, const char *s, size_t len, int line, char *last, ry_err *err)
{
    if (len == 0 || s[0] == '#')
        return RY_OK;
    bool fits = false;
    char sort = s[0];
    if (sort == '&' || sort == '%')
        fits = *last == '\0';
    else if (sort == '@')
        fits = *last == '\0' || *last == '=';
    else if (sort == '~')
        fits = *last == '@' || *last == '~';
    else if (sort == '=')
        fits = *last == '~';
    if (len < 3 || s[1] != ' ' || !fits)
        return ry_err_set(err, RY_ERR_INPUT,
                          "facts, line %d: \"& \" or \"%% \" (at the top), \"@ \", \"~ \" or "
                          "\"= \" and a text must stand here, in this order",
                          line);
    const char *text = s + 2;
    size_t n = len - 2;
    if (sort == '&')
        return add_synonyms(g, text, n, line, err);
    if (sort == '%')
        return add_everyday(g, text, n, line, err);
    *last = sort;
    if (sort == '~')
        return add_wordings(g, text, n, line, err);
    ry_rc rc = sort == '@' ? add_fact(g, text, n, line, err) : RY_OK;
    if (rc != RY_OK)
        return rc;
    struct fact *fact = &g->facts[g->n_facts - 1];
    if (sort == '=') {
        fact->answer = text;
        fact->answer_len = n;
    }
    if (!add_words(g, (uint32_t)g->n_facts - 1, NO_WORDING, text, n,
                   sort == '=' ? WEIGHT_ANSWER : WEIGHT_ASKED))
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the index of facts");
    return RY_OK;
}

static int compare_occurrences(const void *a, const void *b)
{
    const struct occurrence *x = a, *y = b;
    int c = strcmp(x->word, y->word);
    if (c)
        return c;
    c = (x->fact > y->fact) - (x->fact < y->fact);
    return c ? c : (x->wording > y->wording) - (x->wording < y->wording);
}

/* Sorted occurrences into terms, postings and uses, each large enough for all of them. */
static void make_postings(ry_guide *g)
{
    size_t n = 0, n_uses = 0;
    for (size_t i = 0; i < g->n_words; i++) {
        const struct occurrence *o = &g->words[i];
        struct term *t = g->n_terms ? &g->terms[g->n_terms - 1] : NULL;
        if (!t || strcmp(t->word, o->word) != 0) {
            t = &g->terms[g->n_terms++];
            *t = (struct term){.first = (uint32_t)n, .first_use = (uint32_t)n_uses};
            memcpy(t->word, o->word, sizeof t->word);
        }
        if (o->wording != NO_WORDING && !(t->n_uses && g->uses[n_uses - 1] == o->wording)) {
            g->uses[n_uses++] = o->wording;
            t->n_uses++;
        }
        if (o->weight <= 0)
            continue;
        if (t->n && g->postings[n - 1].fact == o->fact) {
            g->postings[n - 1].weight += o->weight;
            continue;
        }
        g->postings[n++] = (struct posting){o->fact, o->weight};
        t->n++;
    }
}

static double rarity(double all, double with)
{
    return log(1 + (all - with + 0.5) / (with + 0.5));
}

/* The weights of terms, and from them the lengths of wordings. */
static void weigh(ry_guide *g)
{
    double n_facts = (double)g->n_facts, n_wordings = (double)g->n_wordings;
    for (size_t i = 0; i < g->n_terms; i++) {
        struct term *t = &g->terms[i];
        t->idf = t->n ? rarity(n_facts, t->n) : 0;
        t->wording_idf = rarity(n_wordings, t->n_uses);
        for (uint32_t k = 0; k < t->n_uses; k++)
            g->wordings[g->uses[t->first_use + k]].norm += t->wording_idf * t->wording_idf;
    }
    for (size_t i = 0; i < g->n_wordings; i++)
        g->wordings[i].norm = sqrt(g->wordings[i].norm);
    g->idf_unknown = rarity(n_facts, 0);
    g->wording_idf_unknown = rarity(n_wordings, 0);
    for (size_t i = 0; i < g->n_facts; i++)
        g->mean_weight += g->facts[i].weight / n_facts;
}

static ry_rc build(ry_guide *g, const char *text, size_t len, ry_err *err)
{
    char last = '\0';
    int line = 1;
    for (size_t at = 0; at < len; line++) {
        const char *nl = memchr(text + at, '\n', len - at);
        size_t n = nl ? (size_t)(nl - text) - at : len - at;
        ry_rc rc = take_line(g, text + at, n, line, &last, err);
        if (rc != RY_OK)
            return rc;
        at += n + 1;
    }
    if (last != '=')
        return ry_err_set(err, RY_ERR_INPUT, "facts, line %d: the file ends before an answer",
                          line);
    g->terms = ry_mem_alloc(g->n_words + 1, sizeof *g->terms);
    g->postings = ry_mem_alloc(g->n_words + 1, sizeof *g->postings);
    g->uses = ry_mem_alloc(g->n_words + 1, sizeof *g->uses);
    if (!g->terms || !g->postings || !g->uses)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the index of facts");
    if (g->n_words)
        qsort(g->words, g->n_words, sizeof *g->words, compare_occurrences);
    make_postings(g);
    weigh(g);
    ry_mem_free(g->words);
    g->words = NULL;
    return RY_OK;
}

ry_rc ry_guide_new(ry_guide **out, const char *text, size_t len, ry_err *err)
{
    ry_guide *g = ry_mem_zalloc(1, sizeof *g);
    if (g) {
        g->facts = ry_mem_zalloc(MAX_FACTS, sizeof *g->facts);
        g->wordings = ry_mem_zalloc(MAX_WORDINGS, sizeof *g->wordings);
        g->synonyms = ry_mem_zalloc(MAX_SYNONYMS, sizeof *g->synonyms);
        g->everyday = ry_mem_zalloc(MAX_EVERYDAY, sizeof *g->everyday);
    }
    ry_rc rc = g && g->facts && g->wordings && g->synonyms && g->everyday
                   ? RY_OK
                   : ry_err_set(err, RY_ERR_MEMORY, "out of memory for the facts");
    if (rc == RY_OK)
        rc = text ? build(g, text, len, err)
                  : build(g, ry_builtin_facts, ry_builtin_facts_bytes, err);
    if (rc == RY_OK)
        *out = g;
    else
        ry_guide_free(g);
    return rc;
}

void ry_guide_free(ry_guide *g)
{
    if (!g)
        return;
    ry_mem_free(g->facts);
    ry_mem_free(g->words);
    ry_mem_free(g->terms);
    ry_mem_free(g->postings);
    ry_mem_free(g->wordings);
    ry_mem_free(g->synonyms);
    ry_mem_free(g->everyday);
    ry_mem_free(g->uses);
    ry_mem_free(g);
}

size_t ry_guide_n_facts(const ry_guide *guide)
{
    return guide->n_facts;
}

/* ---- searching ---- */

static int compare_term(const void *word, const void *term)
{
    return strcmp(word, ((const struct term *)term)->word);
}

/* The term of a word, or the one at one edit from it (*weight < 1 then), or NULL. */
static const struct term *find_term(const ry_guide *g, const char *word, double *weight)
{
    const struct term *t = bsearch(word, g->terms, g->n_terms, sizeof *g->terms, compare_term);
    *weight = 1;
    if (t || strlen(word) < TYPO_MIN_LETTERS)
        return t;
    *weight = WEIGHT_TYPO;
    for (size_t i = 0; i < g->n_terms; i++) {
        if (g->terms[i].word[0] == word[0] && ry_suggest_distance(word, g->terms[i].word) == 1)
            return &g->terms[i];
    }
    return NULL;
}

struct asked {
    char word[WORD_BYTES];
    bool stop;
};

/* The different words of a question, MAX_WORDS at most. */
static size_t question_words(const ry_guide *g, const char *text, size_t len,
                             struct asked words[MAX_WORDS])
{
    const char *end = text + len;
    size_t n = 0;
    while (n < MAX_WORDS && next_word(g, &text, end, words[n].word, &words[n].stop)) {
        size_t same = 0;
        while (strcmp(words[same].word, words[n].word) != 0)
            same++;
        n += same == n;
    }
    return n;
}

/* What the question has in common with each fact and each wording. */
struct likeness {
    double bm25[MAX_FACTS], wording[MAX_FACTS]; /* wording: the nearest one's cosine */
    double dot[MAX_WORDINGS];
    int n_shared[MAX_FACTS],
        n_telling[MAX_FACTS]; /* words, stop words apart; telling: no everyday ones */
    int n_unknown;            /* words that no fact has */
    double bm25_most;         /* what a fact with the words without end would reach */
    double norm;              /* length of the question's vector */
};

static int compare_everyday(const void *word, const void *everyday)
{
    return strcmp(word, ((const struct everyday *)everyday)->word);
}

static bool is_everyday(const ry_guide *g, const char *word)
{
    return g->n_everyday &&
           bsearch(word, g->everyday, g->n_everyday, sizeof *g->everyday, compare_everyday) != NULL;
}

static void add_word(const ry_guide *g, const struct asked *asked, struct likeness *l)
{
    double weight;
    const struct term *t = find_term(g, asked->word, &weight);
    double idf = t ? t->idf : g->idf_unknown,
           wording_idf = t ? t->wording_idf : g->wording_idf_unknown;
    if (!t && asked->stop)
        return;
    bool everyday = is_everyday(g, asked->word);
    l->n_unknown += !asked->stop && !(t && t->n);
    l->norm += wording_idf * wording_idf;
    for (uint32_t k = 0; t && k < t->n_uses; k++)
        l->dot[g->uses[t->first_use + k]] += weight * wording_idf * wording_idf;
    l->bm25_most += idf * (BM25_K1 + 1);
    for (uint32_t k = 0; t && k < t->n; k++) {
        const struct posting *p = &g->postings[t->first + k];
        double length = g->facts[p->fact].weight / g->mean_weight;
        double norm = BM25_K1 * (1 - BM25_B + BM25_B * length);
        l->bm25[p->fact] += weight * idf * p->weight * (BM25_K1 + 1) / (p->weight + norm);
        l->n_shared[p->fact]++;
        l->n_telling[p->fact] += !everyday;
    }
}

static void compare_all(const ry_guide *g, const char *question, size_t len, struct likeness *l)
{
    struct asked words[MAX_WORDS];
    size_t n_words = question_words(g, question, len, words);
    memset(l, 0, sizeof *l);
    for (size_t i = 0; i < n_words; i++)
        add_word(g, &words[i], l);
    l->norm = sqrt(l->norm);
    for (size_t i = 0; i < g->n_wordings; i++) {
        const struct wording *w = &g->wordings[i];
        double cosine = l->dot[i] > 0 ? l->dot[i] / (l->norm * w->norm) : 0;
        if (cosine > l->wording[w->fact])
            l->wording[w->fact] = cosine;
    }
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* What speaks for the first hit, whose fact is f. */
static double evidence(const struct ry_guide_hit *hit, const struct likeness *l, size_t f)
{
    return PER_SCORE * hit->score + PER_MARGIN * smaller(hit->margin, MOST_MARGIN) +
           PER_WORDING * l->wording[f] + PER_TELLING * smaller(l->n_telling[f], MOST_TELLING) +
           PER_SHARED * smaller(l->n_shared[f], MOST_SHARED) -
           PER_UNKNOWN * smaller(l->n_unknown, MOST_UNKNOWN);
}

size_t ry_guide_find(const ry_guide *g, const char *question, size_t len, struct ry_guide_hit *hits,
                     size_t cap)
{
    struct likeness l;
    struct ry_guide_hit best[RY_GUIDE_MAX_HITS];
    size_t n = 0, first = 0; /* first: the fact of best[0] */
    compare_all(g, question, len, &l);
    for (size_t f = 0; f < g->n_facts; f++) {
        double bm25 = l.bm25_most > 0 ? l.bm25[f] / l.bm25_most : 0;
        double score = SHARE_WORDING * l.wording[f] + (1 - SHARE_WORDING) * bm25;
        size_t at = n;
        while (at > 0 && score > best[at - 1].score)
            at--;
        if (score <= 0 || at == RY_GUIDE_MAX_HITS)
            continue;
        first = at == 0 ? f : first;
        n += n < RY_GUIDE_MAX_HITS;
        memmove(&best[at + 1], &best[at], (n - at - 1) * sizeof *best);
        best[at] = (struct ry_guide_hit){
            .id = g->facts[f].id,
            .id_len = g->facts[f].id_len,
            .answer = g->facts[f].answer,
            .answer_len = g->facts[f].answer_len,
            .score = score,
            .careful = g->facts[f].careful,
        };
    }
    if (n > 0) {
        best[0].margin = n > 1 ? best[0].score - best[1].score : best[0].score;
        best[0].evidence = evidence(&best[0], &l, first);
        bool tells = l.n_telling[first] > 0;
        best[0].sure = best[0].evidence >= (best[0].careful ? SURE_CAREFUL : SURE) &&
                       (tells || l.n_shared[first] > 1);
        best[0].about = best[0].sure || (best[0].evidence >= ABOUT && tells);
    }
    n = n < cap ? n : cap;
    if (n > 0)
        memcpy(hits, best, n * sizeof *hits);
    return n;
}
