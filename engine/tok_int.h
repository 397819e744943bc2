/* Inside of the tokenizer rooms (tok.c, tok_load.c, tok_spm.c, tok_bpe.c); nobody else includes this.
 *
 *   tok_load   keys of the GGUF ──▶ struct ry_tok
 *   tok        special tokens cut out, the rest to tok_spm or tok_bpe
 *   tok_spm, tok_bpe   symbols in a row, merged pair by pair through ry_merge_run */
#ifndef RYOT_ENGINE_TOK_INT_H
#define RYOT_ENGINE_TOK_INT_H

#include "engine/tok.h"
#include "engine/tok_pre.h"

/* tokenizer.ggml.token_type, as the GGUF specification numbers it. */
enum ry_tok_type {
    RY_TOK_UNDEFINED,
    RY_TOK_NORMAL,
    RY_TOK_UNKNOWN,
    RY_TOK_CONTROL,
    RY_TOK_USER_DEFINED,
    RY_TOK_UNUSED,
    RY_TOK_BYTE,
    RY_TOK_TYPE_COUNT
};

/* Longer special tokens are never cut out of a text: it bounds the search at each position. */
enum { RY_TOK_MAX_SPECIAL_BYTES = 512 };

/* A BPE merge: ids of the parts and of the whole. left -1: an empty slot of the table. */
struct ry_tok_bpe_merge {
    int32_t left, right, whole;
    uint32_t rank;
};

struct ry_tok {
    bool bpe, adds_bos, adds_prefix;
    const struct ry_pre *pre; /* BPE */
    char pre_name[96];
    uint32_t n_vocab;
    int32_t bos, eos, unk; /* -1: none */

    char *texts;       /* owned: the tokens as the file writes them, end to end */
    uint32_t *text_at; /* [n_vocab + 1] */
    char *bytes;       /* owned: the same as they read in running text */
    uint32_t *byte_at; /* [n_vocab + 1] */
    uint8_t *type;     /* [n_vocab], enum ry_tok_type */
    uint8_t *eog;      /* [n_vocab], 0 or 1 */
    uint8_t *rstrip;   /* [n_vocab], 1: white space behind the token belongs to it */
    float *scores;     /* [n_vocab], SPM; else NULL */
    uint32_t max_text; /* bytes of the longest text */
    int32_t byte_id[256];

    uint32_t *slots; /* [n_slots], open addressing over texts: id + 1, 0 empty */
    uint32_t n_slots;
    struct ry_tok_bpe_merge *merges; /* [n_merge_slots], open addressing over (left, right); BPE */
    uint32_t n_merge_slots;

    int32_t *specials; /* [n_specials], control, unknown and user-defined ones sorted by bytes */
    uint32_t n_specials;
    uint32_t
        special_first[257]; /* those that begin with byte b: specials[first[b], first[b + 1]) */
};

/* Id of the first token with this text, -1 when there is none. */
int32_t ry_tok_lookup(const struct ry_tok *tok, const char *text, size_t len);

/* As it, for text that was typed: control, unknown and byte tokens are not found. */
int32_t ry_tok_lookup_plain(const struct ry_tok *tok, const char *text, size_t len);

/* The bytes by which a special token is found in a text: as it reads there. */
const char *ry_tok_special_bytes(const struct ry_tok *tok, int32_t id, size_t *len);

/* Slot of (left, right) in the merge table: the merge itself, or the empty slot where it would go. */
struct ry_tok_bpe_merge *ry_tok_merge_slot(const struct ry_tok *tok, int32_t left, int32_t right);

/* gpt-2's printable code point for a byte (33..126, 161..172, 174..255 stand for themselves, the others are 256 and
 * up in their order), and back: -1 when cp stands for no byte. */
int32_t ry_tok_byte_to_cp(unsigned char byte);
int ry_tok_cp_to_byte(int32_t cp);

/* ---- merging ----------------------------------------------------------------------------------------- */

/* A symbol: bytes [at, at + len) of the text in work. len 0: merged into the one before. */
struct ry_sym {
    uint32_t at, len;
    int32_t id;         /* BPE only: its token, -1 none */
    int32_t prev, next; /* neighbours, -1 at the ends */
};

/* A pair that may be merged: lowest key first, then leftmost. len: bytes of the pair when it was seen; the pair is
 * stale when they changed. */
struct ry_merge_cand {
    uint32_t key, left, len;
    int32_t id;
};

/* Scratch of one call of encode. */
struct ry_tok_work {
    struct ry_sym *syms;
    struct ry_merge_cand *heap;
    size_t cap, n_heap;
    ry_buf text; /* SPM: escaped fragment; BPE: encoded word */
};

void ry_tok_work_done(struct ry_tok_work *work);
/* Room for n symbols and their candidates, at least doubling. False when out of memory. */
bool ry_tok_work_reserve(struct ry_tok_work *work, size_t n);

/* Whether the neighbours a, b merge, and as what: fills key and id. */
typedef bool (*ry_merge_pair)(const struct ry_tok *tok, const char *text, const struct ry_sym *a,
                              const struct ry_sym *b, struct ry_merge_cand *out);

/* Merges work->syms[0..n) until no pair is left: O(n log n). Symbol 0 stays the first. */
void ry_merge_run(struct ry_tok_work *work, size_t n, const struct ry_tok *tok, const char *text,
                  ry_merge_pair pair);

/* ---- the two algorithms: a text without specials to ids, appended to *out; false when out of memory ---- */

bool ry_spm_encode(const struct ry_tok *tok, struct ry_tok_work *work, const char *text, size_t len,
                   bool prefix, ry_ids *out);
bool ry_bpe_encode(const struct ry_tok *tok, struct ry_tok_work *work, const char *text, size_t len,
                   ry_ids *out);

/* Ids for raw bytes that no token covers: their byte tokens, else the unknown token, else nothing. */
bool ry_tok_push_bytes(const struct ry_tok *tok, const char *bytes, size_t len, ry_ids *out);

#endif
