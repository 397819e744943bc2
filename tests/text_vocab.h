/* Small vocabularies, built in memory as GGUF images, for the tests and fuzz targets of the text rooms. */
#ifndef RYOT_TESTS_TEXT_VOCAB_H
#define RYOT_TESTS_TEXT_VOCAB_H

#include "engine/tok.h"
#include "tests/gguf_build.h"

/* SPM: <unk> 0, <s> 1, </s> 2, 256 byte tokens, letters and pieces with scores, <ud> user-defined, control tokens
 * <|user|> <|assistant|> <|system|> <|end|>. */
void tv_spm(struct gb *b);

/* BPE: 256 byte tokens (id is the byte), merges, <ud> user-defined, control tokens <|im_start|> <|im_end|> <|eot_id|>
 * <|start_header_id|> <|end_header_id|> <|endoftext|>. pre NULL: no such key. */
void tv_bpe(struct gb *b, const char *pre);

/* The tokens of a builder, replaced as a whole: n texts, types and scores (either of the latter NULL: key untouched). */
void tv_set_tokens(struct gb *b, const char *const *texts, const int32_t *types,
                   const float *scores, size_t n);

/* A loaded tokenizer with what it came from. */
struct tv {
    ry_buf image;
    ry_gguf *gguf;
    ry_tok *tok;
};

/* Builds, parses and loads; *tv is ready for tv_close either way. */
ry_rc tv_open(struct tv *tv, const struct gb *b, uint32_t n_rows, ry_err *err);
void tv_close(struct tv *tv);

/* Encodes, aborting on failure. The caller frees with ry_ids_done. */
ry_ids tv_encode(const ry_tok *tok, const char *text, size_t len, unsigned flags);

/* Bytes of all ids in a row, NUL-terminated; the caller frees with ry_buf_done. */
ry_buf tv_decode(const ry_tok *tok, const ry_ids *ids);

/* Id of a token that must be there. */
int32_t tv_id(const ry_tok *tok, const char *text);

/* splitmix64 */
uint64_t tv_random(uint64_t *state);

#endif
