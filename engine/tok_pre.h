/* Pre-tokenizers: where byte-level BPE may not merge across. Pure functions; any thread.
 *
 * A pre-tokenizer is a short list of rules. The first rule cuts the text into matches and the gaps between them; each
 * of those pieces goes to the next rule as a text of its own, and what leaves the last rule is a word. So do the
 * reference tokenizers ("Split, isolated"). The patterns are written as loops: a backtracking regular expression
 * overflows the stack on long runs. Must not know vocabularies. */
#ifndef RYOT_ENGINE_TOK_PRE_H
#define RYOT_ENGINE_TOK_PRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the match that begins exactly at text[at), at < end; 0 when none does, and then *skip (preset to 0) may
 * say how many bytes from `at` on cannot begin a match either (0: one code point). */
typedef size_t (*ry_pre_rule)(const char *text, size_t at, size_t end, size_t *skip);

enum { RY_PRE_MAX_RULES = 6 };

struct ry_pre {
    const char *name;
    ry_pre_rule rules[RY_PRE_MAX_RULES + 1]; /* NULL ends the list */
    bool ignore_merges;                      /* a word of the vocabulary is emitted whole */
    bool adds_bos;                           /* where the file does not say */
};

/* Unicode's White_Space property: \s of the patterns. */
bool ry_pre_is_space(int32_t cp);

/* The row for a `tokenizer.ggml.pre` value (aliases included); NULL when unknown. Static storage. */
const struct ry_pre *ry_pre_find(const char *name, size_t len);

/* Row i of the table; NULL past its end. For tests and listings. */
const struct ry_pre *ry_pre_at(size_t i);

/* Receives one word, text[begin, end), never empty; false stops the split. */
typedef bool (*ry_pre_word)(void *user, size_t begin, size_t end);

/* Cuts text[0..len) into words, in order, without losing a byte. Invalid UTF-8 counts as symbols. Linear in len.
 * False when a callback said so. */
bool ry_pre_split(const struct ry_pre *pre, const char *text, size_t len, ry_pre_word word,
                  void *user);

#endif
