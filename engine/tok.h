/* Tokenizers: SPM and byte-level BPE from the keys of a GGUF. const after load; any thread. */
#ifndef RYOT_ENGINE_TOK_H
#define RYOT_ENGINE_TOK_H

#include "engine/engine.h"
#include "engine/gguf.h"

typedef struct ry_tok ry_tok;

/* Builds from tokenizer.ggml.*. `tokenizer.ggml.model` = no_vocab (or no tokenizer keys at all): RY_OK with *out NULL.
 * Refusals of HOSTILE_INPUT's tokenizer part: RY_ERR_MODEL. n_vocab: rows of the embedding, 0 when unknown (then not
 * compared). */
ry_rc ry_tok_load(ry_tok **out, const ry_gguf *gguf, uint32_t n_vocab, ry_err *err);
void ry_tok_free(ry_tok *tok);

uint32_t ry_tok_n_vocab(const ry_tok *tok);
const char *ry_tok_model_name(const ry_tok *tok); /* "SPM", "BPE" */
const char *ry_tok_pre_name(const ry_tok *tok);   /* "llama-bpe" ...; "" for SPM */
int32_t ry_tok_bos(const ry_tok *tok);            /* -1: none */
int32_t ry_tok_eos(const ry_tok *tok);
bool ry_tok_adds_bos(const ry_tok *tok); /* RY_TOK_BOS has an effect */
bool ry_tok_adds_prefix(const ry_tok *tok);       /* SPM: a space is put before a text's beginning */
bool ry_tok_is_eog(const ry_tok *tok, int32_t id);
bool ry_tok_is_control(const ry_tok *tok, int32_t id);
/* Id of the token whose text is exactly this, -1 when there is none. */
int32_t ry_tok_find(const ry_tok *tok, const char *text, size_t len);
/* Text of a token as the file writes it (control tokens too); "" for an id out of range. Borrowed from tok. */
const char *ry_tok_text(const ry_tok *tok, int32_t id, size_t *len);
/* As ry_engine_token_bytes. */
const char *ry_tok_bytes(const ry_tok *tok, int32_t id, size_t *len);
/* As ry_engine_tokenize. */
ry_rc ry_tok_encode(const ry_tok *tok, const char *text, size_t len, unsigned flags, ry_ids *out,
                    ry_err *err);

/* Text that comes in parts of different trust, tokenised as the one text that it is: control tokens are cut out only
 * where they lie inside a run of bytes with `special` set (a chat template's own words, not a message). Lengths of
 * the spans add up to the text's. flags: RY_TOK_BOS, RY_TOK_NO_PREFIX. Appends to *out, unchanged on failure. */
struct ry_tok_span {
    size_t len;
    bool special;
};
ry_rc ry_tok_encode_spans(const ry_tok *tok, const char *text, const struct ry_tok_span *spans,
                          size_t n_spans, unsigned flags, ry_ids *out, ry_err *err);

/* Streaming detokenisation: bytes in, whole UTF-8 sequences out; an incomplete tail is held. */
struct ry_detok {
    char held[4];
    size_t n_held;
};
/* Appends to *out what has become whole. At the end call flush: a tail that never completed becomes U+FFFD. */
bool ry_detok_push(struct ry_detok *d, const char *bytes, size_t len, ry_buf *out);
bool ry_detok_flush(struct ry_detok *d, ry_buf *out);

#endif
