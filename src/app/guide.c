/* The guide's index and its ranking.
 *
 *   text ─▶ words (lower case, stemmed, no stop words) ─▶ sorted occurrences ─▶ terms[] ─▶ postings[]
 *
 * Ranking is BM25 (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework", 3.1) over each
 * fact's id, other words and answer; a word that no fact has takes the nearest one at one edit, for less. */
#include "src/app/guide.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/app/guide_facts.h"
#include "src/app/suggest.h"
#include "src/base/mem.h"

enum { WORD_BYTES = 24, MAX_FACTS = 1024, MAX_WORDS = 64, TYPO_MIN_LETTERS = 5 };

#define BM25_K1 1.2
#define BM25_B  0.5
/* Weight of a word: of those that people use for the fact, and of its answer. */
#define WEIGHT_ASKED  2.0
#define WEIGHT_ANSWER 1.0
#define WEIGHT_TYPO   0.8
/* From these on a fact is given as the answer; see the figures in engine/builtin/README.md. */
#define SURE_SCORE    5.0
#define SURE_COVERAGE 0.6

struct occurrence {
    char word[WORD_BYTES];
    uint32_t fact;
    double weight;
};

struct posting {
    uint32_t fact;
    double weight;
};

struct term {
    char word[WORD_BYTES];
    uint32_t first, n; /* in postings */
    double idf;
};

struct fact {
    const char *id, *answer; /* borrowed from the text */
    size_t id_len, answer_len;
    double weight; /* sum of its words' */
};

struct ry_guide {
    struct fact *facts;       /* [n_facts], owned like the following */
    struct occurrence *words; /* [n_words]; only while building */
    struct term *terms;       /* [n_terms], by word */
    struct posting *postings; /* [n_words at most], by term, then fact */
    size_t n_facts, n_words, cap_words, n_terms;
    double mean_weight, idf_unknown;
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

static bool is_stop(const char *word)
{
    return bsearch(word, stop_words, sizeof stop_words / sizeof *stop_words, sizeof *stop_words,
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

/* The next word of *text, stemmed, into word; false at the end. Longer words are cut. */
static bool next_word(const char **text, const char *end, char word[WORD_BYTES])
{
    for (;;) {
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
        if (is_stop(word))
            continue;
        stem(word);
        return true;
    }
}

/* ---- building ---- */

static bool add_words(ry_guide *g, uint32_t fact, const char *text, size_t len, double weight)
{
    const char *end = text + len;
    char word[WORD_BYTES];
    while (next_word(&text, end, word)) {
        if (g->n_words == g->cap_words) {
            size_t cap = g->cap_words ? 2 * g->cap_words : 1024;
            void *grown = ry_mem_resize(g->words, cap, sizeof *g->words);
            if (!grown)
                return false;
            g->words = grown;
            g->cap_words = cap;
        }
        struct occurrence *o = &g->words[g->n_words++];
        memcpy(o->word, word, sizeof word);
        o->fact = fact;
        o->weight = weight;
        g->facts[fact].weight += weight;
    }
    return true;
}

/* One line of the file, without its end: a comment, or a third of a fact. `wanted` is what must come. */
static ry_rc take_line(ry_guide *g, const char *s, size_t len, int line, char *wanted, ry_err *err)
{
    if (len == 0 || s[0] == '#')
        return RY_OK;
    if (len < 3 || s[0] != *wanted || s[1] != ' ')
        return ry_err_set(err, RY_ERR_INPUT, "facts, line %d: \"%c \" and a text must stand here",
                          line, *wanted);
    const char *text = s + 2;
    size_t n = len - 2;
    double weight = WEIGHT_ASKED;
    if (*wanted == '@') {
        if (g->n_facts == MAX_FACTS)
            return ry_err_set(err, RY_ERR_INPUT, "facts, line %d: more than %d facts", line,
                              MAX_FACTS);
        g->facts[g->n_facts++] = (struct fact){.id = text, .id_len = n};
        *wanted = '~';
    } else if (*wanted == '~') {
        *wanted = '=';
    } else {
        g->facts[g->n_facts - 1].answer = text;
        g->facts[g->n_facts - 1].answer_len = n;
        weight = WEIGHT_ANSWER;
        *wanted = '@';
    }
    if (!add_words(g, (uint32_t)g->n_facts - 1, text, n, weight))
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the index of facts");
    return RY_OK;
}

static int compare_occurrences(const void *a, const void *b)
{
    const struct occurrence *x = a, *y = b;
    int c = strcmp(x->word, y->word);
    return c ? c : (x->fact > y->fact) - (x->fact < y->fact);
}

/* Sorted occurrences into terms and postings, both large enough for all of them. */
static void make_postings(ry_guide *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n_words; i++) {
        const struct occurrence *o = &g->words[i];
        struct term *t = g->n_terms ? &g->terms[g->n_terms - 1] : NULL;
        if (!t || strcmp(t->word, o->word) != 0) {
            t = &g->terms[g->n_terms++];
            *t = (struct term){.first = (uint32_t)n};
            memcpy(t->word, o->word, sizeof t->word);
        }
        if (t->n && g->postings[n - 1].fact == o->fact) {
            g->postings[n - 1].weight += o->weight;
            continue;
        }
        g->postings[n++] = (struct posting){o->fact, o->weight};
        t->n++;
    }
    double n_facts = (double)g->n_facts;
    for (size_t i = 0; i < g->n_terms; i++)
        g->terms[i].idf = log(1 + (n_facts - g->terms[i].n + 0.5) / (g->terms[i].n + 0.5));
    g->idf_unknown = log(1 + (n_facts + 0.5) / 0.5);
    for (size_t i = 0; i < g->n_facts; i++)
        g->mean_weight += g->facts[i].weight / n_facts;
}

static ry_rc build(ry_guide *g, const char *text, size_t len, ry_err *err)
{
    char wanted = '@';
    int line = 1;
    for (size_t at = 0; at < len; line++) {
        const char *nl = memchr(text + at, '\n', len - at);
        size_t n = nl ? (size_t)(nl - text) - at : len - at;
        ry_rc rc = take_line(g, text + at, n, line, &wanted, err);
        if (rc != RY_OK)
            return rc;
        at += n + 1;
    }
    if (wanted != '@' || g->n_facts == 0)
        return ry_err_set(err, RY_ERR_INPUT, "facts, line %d: the file ends before \"%c \"", line,
                          wanted);
    g->terms = ry_mem_alloc(g->n_words + 1, sizeof *g->terms);
    g->postings = ry_mem_alloc(g->n_words + 1, sizeof *g->postings);
    if (!g->terms || !g->postings)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the index of facts");
    if (g->n_words)
        qsort(g->words, g->n_words, sizeof *g->words, compare_occurrences);
    make_postings(g);
    ry_mem_free(g->words);
    g->words = NULL;
    return RY_OK;
}

ry_rc ry_guide_new(ry_guide **out, const char *text, size_t len, ry_err *err)
{
    ry_guide *g = ry_mem_zalloc(1, sizeof *g);
    if (g)
        g->facts = ry_mem_zalloc(MAX_FACTS, sizeof *g->facts);
    ry_rc rc =
        g && g->facts ? RY_OK : ry_err_set(err, RY_ERR_MEMORY, "out of memory for the facts");
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

/* The different words of a question, MAX_WORDS at most. */
static size_t question_words(const char *text, size_t len, char words[MAX_WORDS][WORD_BYTES])
{
    const char *end = text + len;
    size_t n = 0;
    while (n < MAX_WORDS && next_word(&text, end, words[n])) {
        size_t same = 0;
        while (strcmp(words[same], words[n]) != 0)
            same++;
        n += same == n;
    }
    return n;
}

size_t ry_guide_find(const ry_guide *g, const char *question, size_t len, struct ry_guide_hit *hits,
                     size_t cap)
{
    char words[MAX_WORDS][WORD_BYTES];
    double score[MAX_FACTS] = {0}, covered[MAX_FACTS] = {0}, all = 0;
    size_t n_words = question_words(question, len, words), n_hits = 0;
    for (size_t i = 0; i < n_words; i++) {
        double weight;
        const struct term *t = find_term(g, words[i], &weight);
        all += t ? t->idf : g->idf_unknown;
        for (uint32_t k = 0; t && k < t->n; k++) {
            const struct posting *p = &g->postings[t->first + k];
            double length = g->facts[p->fact].weight / g->mean_weight;
            double norm = BM25_K1 * (1 - BM25_B + BM25_B * length);
            score[p->fact] += weight * t->idf * p->weight * (BM25_K1 + 1) / (p->weight + norm);
            covered[p->fact] += weight * t->idf;
        }
    }
    if (cap > RY_GUIDE_MAX_HITS)
        cap = RY_GUIDE_MAX_HITS;
    for (size_t f = 0; f < g->n_facts; f++) {
        size_t at = n_hits;
        while (at > 0 && score[f] > hits[at - 1].score)
            at--;
        if (score[f] <= 0 || at == cap)
            continue;
        n_hits += n_hits < cap;
        memmove(&hits[at + 1], &hits[at], (n_hits - at - 1) * sizeof *hits);
        double coverage = covered[f] / all;
        hits[at] = (struct ry_guide_hit){
            .id = g->facts[f].id,
            .id_len = g->facts[f].id_len,
            .answer = g->facts[f].answer,
            .answer_len = g->facts[f].answer_len,
            .score = score[f],
            .coverage = coverage,
            .sure = score[f] >= SURE_SCORE && coverage >= SURE_COVERAGE,
        };
    }
    return n_hits;
}
