/* The catalogue of bad model files. A row names the model it starts from, up to three edits, and what must be said.
 *
 * Edits work on the builder's entries before the image is made (so that lengths and offsets around them stay true),
 * apart from RAW, KEEP and CUT, which work on the bytes. */
#include "tests/bad_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gguf_build.h"

enum op {
    NONE,
    RAW,          /* the whole file is text[0..a) */
    KEEP,         /* the first a bytes only */
    CUT,          /* without the last a bytes */
    MAGIC,        /* text */
    SET_VERSION,  /* a */
    N_TENSORS,    /* declared: a */
    N_KV,         /* declared: a */
    MORE_TENSORS, /* declared: a more than there are */
    MORE_KV,
    KEY_NAME,  /* key becomes text[0..a) */
    KEY_LEN,   /* declared: a */
    KEY_TYPE,  /* declared: a */
    VALUE_U64, /* the eight bytes at b of the value become a */
    SET_U32,   /* a */
    SET_I32,   /* a */
    SET_U64,   /* a */
    SET_F32,   /* text: "nan", "inf", "-1" ... */
    SET_STR,   /* text */
    SET_BOOL,  /* byte a */
    SET_HEADS, /* array of two u32: a, b */
    SET_BOOLS, /* array of two bool: a, b */
    SET_ONES,  /* array of u32 in place of the token types: all 1 */
    POKE,      /* text at byte a of the value */
    SET_EMPTY, /* an array of no u32 */
    SET_NEST,  /* an array of one array */
    DROP_KEY,
    REPEAT_KEY,
    T_NAME,     /* tensor's name becomes text[0..a) */
    T_NAME_LEN, /* declared: a */
    T_DIMS,     /* n_dims a */
    T_NE,       /* dimension a is b */
    T_TYPE,     /* a */
    T_OFFSET,   /* a */
    T_SHIFT,    /* offset moved by a */
    T_F32,      /* float a of its data becomes text */
    T_DROP,     /* laid out anew */
    T_REPEAT,   /* laid out anew */
    T_ADD,      /* F32 vector of a ones, laid out anew */
    T_TAIL_F32, /* the float b bytes from the end of its data becomes text */
};

struct edit {
    enum op op;
    const char *target;
    uint64_t a, b;
    const char *text;
};

struct bad_file {
    const char *name, *arch;
    enum ry_fmt fmt;
    struct edit edits[3];
    const char *expect;
};

#define MINUS_1 UINT64_MAX
#define TOP_BIT (UINT64_C(1) << 63)
#define ROW(name, expect, ...)                                                                     \
    {                                                                                              \
        name, "llama", RY_FMT_F32, {__VA_ARGS__}, expect                                           \
    }
#define ROW_OF(name, arch, fmt, expect, ...)                                                       \
    {                                                                                              \
        name, arch, fmt, {__VA_ARGS__}, expect                                                     \
    }
#define EDIT(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct bad_file files[] = {
    /* The start of the file. */
    ROW("empty", "file is empty", EDIT(RAW, "", 0, 0, "")),
    ROW("one-byte", "magic is not 'GGUF' (1 bytes)", EDIT(KEEP, "", 1)),
    ROW("magic-only", "offset 4: version: needs 4 bytes, the file has 0 left", EDIT(KEEP, "", 4)),
    ROW("half-version", "offset 4: version: needs 4 bytes, the file has 2 left", EDIT(KEEP, "", 6)),
    ROW("no-counts", "offset 8: n_tensors: needs 8 bytes", EDIT(KEEP, "", 8)),
    ROW("no-n-kv", "offset 16: n_kv: needs 8 bytes", EDIT(KEEP, "", 16)),
    ROW("no-keys", "n_tensors is 21, limit 0", EDIT(KEEP, "", 24)),
    ROW("wrong-magic", "offset 0: magic is not 'GGUF'", EDIT(MAGIC, "", 0, 0, "GGUX")),
    ROW("old-ggml", "old ggml format", EDIT(MAGIC, "", 0, 0, "lmgg")),
    ROW("pytorch", "PyTorch", EDIT(MAGIC, "", 0, 0, "PK\x03\x04")),
    ROW("web-page", "a web page", EDIT(RAW, "", 15, 0, "<!DOCTYPE html>")),
    ROW("lfs-pointer", "Git LFS pointer",
        EDIT(RAW, "", 44, 0, "version https://git-lfs.github.com/spec/v1\n\n")),
    ROW("safetensors", "perhaps a safetensors file",
        EDIT(RAW, "", 16, 0, "\x08\0\0\0\0\0\0\0{\"a\": 0}")),
    ROW("version-0", "offset 4: version 0, ryot reads 2 and 3", EDIT(SET_VERSION, "", 0)),
    ROW("version-1", "version 1, ryot reads 2 and 3", EDIT(SET_VERSION, "", 1)),
    ROW("version-4", "version 4, ryot reads 2 and 3", EDIT(SET_VERSION, "", 4)),
    ROW("version-swapped", "byte-swapped: a big-endian file", EDIT(SET_VERSION, "", 0x03000000)),
    ROW("version-all-ones", "version 4294967295", EDIT(SET_VERSION, "", 0xffffffff)),
    ROW("n-tensors-2-63", "offset 8: n_tensors is 9223372036854775808, limit",
        EDIT(N_TENSORS, "", TOP_BIT)),
    ROW("n-tensors-minus-1", "n_tensors is 18446744073709551615, limit",
        EDIT(N_TENSORS, "", MINUS_1)),
    ROW("n-tensors-2-32", "n_tensors is 4294967296, limit", EDIT(N_TENSORS, "", UINT64_C(1) << 32)),
    ROW("n-tensors-beyond-file", "n_tensors is 100000, limit", EDIT(N_TENSORS, "", 100000)),
    ROW("n-tensors-one-more", "tensor name: length", EDIT(MORE_TENSORS, "", 1)),
    ROW("n-tensors-one-less", "tensor 'blk.1.ffn_down.weight' is missing",
        EDIT(MORE_TENSORS, "", MINUS_1)),
    ROW("n-kv-2-63", "offset 16: n_kv is 9223372036854775808, limit", EDIT(N_KV, "", TOP_BIT)),
    ROW("n-kv-minus-1", "n_kv is 18446744073709551615, limit", EDIT(N_KV, "", MINUS_1)),
    ROW("n-kv-beyond-cap", "n_kv is 1000000, limit", EDIT(N_KV, "", 1000000)),
    ROW("n-kv-one-more", "tensor name: length", EDIT(MORE_KV, "", 1)),
    ROW("n-kv-one-less", "tensor 'tokenizer.ggml.unknown_token_id': dimension",
        EDIT(MORE_KV, "", MINUS_1)),
    /* Keys. */
    ROW("key-empty", "key: length 0, must be 1 to 65535", EDIT(KEY_LEN, "general.name", 0)),
    ROW("key-length-2-63", "key: length 9223372036854775808",
        EDIT(KEY_LEN, "general.name", TOP_BIT)),
    ROW("key-length-minus-1", "key: length 18446744073709551615",
        EDIT(KEY_LEN, "general.name", MINUS_1)),
    ROW("key-length-65536", "key: length 65536, must be 1 to 65535",
        EDIT(KEY_LEN, "general.name", 65536)),
    ROW("key-length-beyond-file", "key: needs 60000 bytes, the file has",
        EDIT(KEY_LEN, "general.name", 60000), EDIT(KEEP, "", 4096)),
    ROW("key-nul", "key: holds a NUL byte", EDIT(KEY_NAME, "general.name", 6, 0, "gen\0al")),
    ROW("key-bad-utf8", "key: byte 0xff is not valid UTF-8",
        EDIT(KEY_NAME, "general.name", 4, 0, "gen\xff")),
    ROW("key-overlong-utf8", "key: byte 0xc0 is not valid UTF-8",
        EDIT(KEY_NAME, "general.name", 5, 0, "gen\xc0\xaf")),
    ROW("key-surrogate", "key: byte 0xed is not valid UTF-8",
        EDIT(KEY_NAME, "general.name", 6, 0, "gen\xed\xa0\x80")),
    ROW("key-twice", "key 'llama.block_count' is there twice",
        EDIT(REPEAT_KEY, "llama.block_count")),
    ROW("value-type-13", "key 'general.name': value type 13, limit 12",
        EDIT(KEY_TYPE, "general.name", 13)),
    ROW("value-type-minus-1", "key 'general.name': value type 4294967295, limit 12",
        EDIT(KEY_TYPE, "general.name", 0xffffffff)),
    ROW("string-length-2-63", "value of key 'general.name': needs 9223372036854775808 bytes",
        EDIT(VALUE_U64, "general.name", TOP_BIT, 0)),
    ROW("string-length-minus-1", "value of key 'general.name': needs 18446744073709551615 bytes",
        EDIT(VALUE_U64, "general.name", MINUS_1, 0)),
    ROW("string-length-beyond", "value of key 'general.name': needs 1000000000 bytes",
        EDIT(VALUE_U64, "general.name", 1000000000, 0)),
    ROW("array-type-13", "array element type 13, limit 12",
        EDIT(VALUE_U64, "tokenizer.ggml.scores", 13, 0)),
    ROW("array-nested", "an array of arrays", EDIT(SET_NEST, "general.tags")),
    ROW("array-count-wraps-to-0", "array of 4611686018427387904 f32, the rest of the file holds",
        EDIT(VALUE_U64, "tokenizer.ggml.scores", UINT64_C(1) << 62, 4)),
    ROW("array-count-minus-1", "array of 18446744073709551615 f32",
        EDIT(VALUE_U64, "tokenizer.ggml.scores", MINUS_1, 4)),
    ROW("array-count-beyond", "array of 1000000 f32, the rest of the file holds",
        EDIT(VALUE_U64, "tokenizer.ggml.scores", 1000000, 4)),
    ROW("strings-count-minus-1", "array of 18446744073709551615 string",
        EDIT(VALUE_U64, "tokenizer.ggml.tokens", MINUS_1, 4)),
    ROW("strings-length-2-63", "key 'tokenizer.ggml.tokens': string 0 of 320: needs",
        EDIT(VALUE_U64, "tokenizer.ggml.tokens", TOP_BIT, 12)),
    ROW("strings-length-minus-8", "key 'tokenizer.ggml.tokens': string 0 of 320: needs",
        EDIT(VALUE_U64, "tokenizer.ggml.tokens", MINUS_1 - 7, 12)),
    ROW("bool-2", "bool of value 2, must be 0 or 1", EDIT(SET_BOOL, "general.flag", 2)),
    /* Alignment. */
    ROW("alignment-0", "key 'general.alignment' is 0, must be a power of two from 8 to 1048576",
        EDIT(SET_U32, "general.alignment", 0)),
    ROW("alignment-24", "key 'general.alignment' is 24", EDIT(SET_U32, "general.alignment", 24)),
    ROW("alignment-4", "key 'general.alignment' is 4", EDIT(SET_U32, "general.alignment", 4)),
    ROW("alignment-2-31", "key 'general.alignment' is 2147483648",
        EDIT(SET_U32, "general.alignment", 1u << 31)),
    ROW("alignment-2-21", "key 'general.alignment' is 2097152",
        EDIT(SET_U32, "general.alignment", 1u << 21)),
    ROW("alignment-u64", "key 'general.alignment' is a u64, must be a u32",
        EDIT(SET_U64, "general.alignment", 32)),
    ROW("alignment-string", "key 'general.alignment' is a string, must be a u32",
        EDIT(SET_STR, "general.alignment", 0, 0, "32")),
    ROW("alignment-other-than-layout", "is no multiple of the alignment 4096",
        EDIT(SET_U32, "general.alignment", 4096)),
    /* Tensors: names. */
    ROW("tensor-name-64", "tensor name: length 64, must be 1 to 63",
        EDIT(T_NAME, "output_norm.weight", 64, 0, X64)),
    ROW("tensor-name-empty", "tensor name: length 0, must be 1 to 63",
        EDIT(T_NAME_LEN, "output_norm.weight", 0)),
    ROW("tensor-name-minus-1", "tensor name: length 18446744073709551615",
        EDIT(T_NAME_LEN, "output_norm.weight", MINUS_1)),
    ROW("tensor-name-nul", "tensor name: holds a NUL byte",
        EDIT(T_NAME, "output_norm.weight", 4, 0, "a\0bc")),
    ROW("tensor-name-bad-utf8", "tensor name: byte 0x80 is not valid UTF-8",
        EDIT(T_NAME, "output_norm.weight", 3, 0, "a\x80z")),
    ROW("tensor-twice", "tensor 'blk.0.attn_norm.weight' is there twice",
        EDIT(T_REPEAT, "blk.0.attn_norm.weight")),
    /* Tensors: dimensions, each of them. */
    ROW("n-dims-0", "tensor 'output_norm.weight': n_dims 0, must be 1 to 4",
        EDIT(T_DIMS, "output_norm.weight", 0)),
    ROW("n-dims-5", "n_dims 5, must be 1 to 4", EDIT(T_DIMS, "output_norm.weight", 5)),
    ROW("n-dims-minus-1", "n_dims 4294967295", EDIT(T_DIMS, "output_norm.weight", 0xffffffff)),
    ROW("ne0-zero", "tensor 'token_embd.weight': dimension 0 is 0",
        EDIT(T_NE, "token_embd.weight", 0, 0)),
    ROW("ne1-zero", "tensor 'token_embd.weight': dimension 1 is 0",
        EDIT(T_NE, "token_embd.weight", 1, 0)),
    ROW("ne0-minus-1", "dimension 0 is -1", EDIT(T_NE, "token_embd.weight", 0, MINUS_1)),
    ROW("ne1-minus-1", "dimension 1 is -1", EDIT(T_NE, "token_embd.weight", 1, MINUS_1)),
    ROW("ne0-2-63", "dimension 0 is -9223372036854775808",
        EDIT(T_NE, "token_embd.weight", 0, TOP_BIT)),
    ROW("ne2-zero", "dimension 2 is 0", EDIT(T_DIMS, "output_norm.weight", 3),
        EDIT(T_NE, "output_norm.weight", 2, 0)),
    ROW("ne3-minus-1", "dimension 3 is -1", EDIT(T_DIMS, "output_norm.weight", 4),
        EDIT(T_NE, "output_norm.weight", 3, MINUS_1)),
    ROW("elements-wrap-to-0", "dimension 1 is 4294967296 after 4294967296 elements",
        EDIT(T_NE, "token_embd.weight", 0, UINT64_C(1) << 32),
        EDIT(T_NE, "token_embd.weight", 1, UINT64_C(1) << 32)),
    ROW("elements-wrap-to-64", "more than 2^63 - 1 in all",
        EDIT(T_NE, "token_embd.weight", 1, (UINT64_C(1) << 58) + 1)),
    ROW("elements-wrap-in-ne3", "dimension 3 is 4611686018427387904 after 64 elements",
        EDIT(T_DIMS, "output_norm.weight", 4),
        EDIT(T_NE, "output_norm.weight", 3, UINT64_C(1) << 62)),
    ROW("bytes-wrap", "elements of F32 are more than 2^64 bytes",
        EDIT(T_NE, "output_norm.weight", 0, UINT64_C(1) << 62)),
    /* Tensors: types. */
    ROW("type-4-removed", "tensor 'output_norm.weight': type ",
        EDIT(T_TYPE, "output_norm.weight", 4)),
    ROW("type-5-removed", "(id 5), which ryot cannot read", EDIT(T_TYPE, "output_norm.weight", 5)),
    ROW("type-31-removed", "(id 31), which ryot cannot read",
        EDIT(T_TYPE, "output_norm.weight", 31)),
    ROW("type-33-removed", "(id 33), which ryot cannot read",
        EDIT(T_TYPE, "output_norm.weight", 33)),
    ROW("type-16-iq2", "(id 16), which ryot cannot read", EDIT(T_TYPE, "output_norm.weight", 16)),
    ROW("type-77-unknown", "(id 77), which ryot cannot read",
        EDIT(T_TYPE, "output_norm.weight", 77)),
    ROW("type-minus-1", "(id 4294967295), which ryot cannot read",
        EDIT(T_TYPE, "output_norm.weight", 0xffffffff)),
    ROW("rows-no-blocks-q8_0", "rows of 33 elements, Q8_0 needs a multiple of 32",
        EDIT(T_TYPE, "token_embd.weight", 8), EDIT(T_NE, "token_embd.weight", 0, 33)),
    ROW("rows-no-blocks-q4_k", "rows of 64 elements, Q4_K needs a multiple of 256",
        EDIT(T_TYPE, "token_embd.weight", 12)),
    ROW("rows-no-blocks-tq2_0", "rows of 64 elements, TQ2_0 needs a multiple of 256",
        EDIT(T_TYPE, "token_embd.weight", 35)),
    ROW("rows-no-blocks-i2_s", "rows of 64 elements, I2_S needs a multiple of 128",
        EDIT(T_TYPE, "token_embd.weight", 36)),
    /* Tensors: places. */
    ROW("offset-plus-1", "is no multiple of the alignment 32",
        EDIT(T_SHIFT, "output_norm.weight", 1)),
    ROW("offset-plus-8", "is no multiple of the alignment 32",
        EDIT(T_SHIFT, "output_norm.weight", 8)),
    ROW("offset-same", "overlaps tensor", EDIT(T_OFFSET, "output_norm.weight", 0)),
    ROW("offset-inside-another", "overlaps tensor 'token_embd.weight'",
        EDIT(T_OFFSET, "output_norm.weight", 64)),
    ROW("offset-past-end", "bytes at data offset 1099511627776, the file has",
        EDIT(T_OFFSET, "output_norm.weight", UINT64_C(1) << 40)),
    ROW("offset-wraps", "bytes at data offset 18446744073709551584, the file has",
        EDIT(T_OFFSET, "output_norm.weight", MINUS_1 - 31)),
    ROW("data-one-byte-short", "tensor 'blk.1.ffn_down.weight': needs 24576 bytes",
        EDIT(CUT, "", 1)),
    ROW("data-half-missing", "truncated, fetch it again", EDIT(CUT, "", 100000)),
    ROW("region-shorter-than-type", "tensor 'blk.1.ffn_down.weight': needs 24576 bytes",
        EDIT(CUT, "", 24576 / 2)),
    ROW_OF("i2_s-without-its-tail", "bitnet", RY_FMT_I2_S,
           "tensor 'blk.1.ffn_down.weight': needs 32800 bytes", EDIT(CUT, "", 32)),
    /* What the model needs. */
    ROW("no-embedding", "tensor 'token_embd.weight' is missing: llama models need it",
        EDIT(T_DROP, "token_embd.weight")),
    ROW("no-output-norm", "tensor 'output_norm.weight' is missing",
        EDIT(T_DROP, "output_norm.weight")),
    ROW("no-attn-q", "tensor 'blk.1.attn_q.weight' is missing",
        EDIT(T_DROP, "blk.1.attn_q.weight")),
    ROW("no-ffn-norm", "tensor 'blk.0.ffn_norm.weight' is missing",
        EDIT(T_DROP, "blk.0.ffn_norm.weight")),
    ROW_OF("no-q-bias", "qwen2", RY_FMT_F32, "tensor 'blk.0.attn_q.bias' is missing: qwen2 models",
           EDIT(T_DROP, "blk.0.attn_q.bias")),
    ROW_OF("no-q-norm", "qwen3", RY_FMT_F32, "tensor 'blk.0.attn_q_norm.weight' is missing",
           EDIT(T_DROP, "blk.0.attn_q_norm.weight")),
    ROW_OF("no-post-norm", "gemma2", RY_FMT_F32, "tensor 'blk.1.post_ffw_norm.weight' is missing",
           EDIT(T_DROP, "blk.1.post_ffw_norm.weight")),
    ROW_OF("no-qkv", "phi3", RY_FMT_F32, "tensor 'blk.0.attn_qkv.weight' is missing",
           EDIT(T_DROP, "blk.0.attn_qkv.weight")),
    ROW_OF("no-sub-norm", "bitnet", RY_FMT_TQ2_0, "tensor 'blk.0.attn_sub_norm.weight' is missing",
           EDIT(T_DROP, "blk.0.attn_sub_norm.weight")),
    ROW("shape-attn-k",
        "tensor 'blk.0.attn_k.weight' has shape [64, 16], the hyper-parameters say "
        "[64, 32]",
        EDIT(T_NE, "blk.0.attn_k.weight", 1, 16)),
    ROW("shape-attn-norm", "tensor 'blk.0.attn_norm.weight' has shape [32]",
        EDIT(T_NE, "blk.0.attn_norm.weight", 0, 32)),
    ROW("shape-ffn-transposed", "tensor 'blk.0.ffn_up.weight' has shape [96, 64]",
        EDIT(T_NE, "blk.0.ffn_up.weight", 0, 96), EDIT(T_NE, "blk.0.ffn_up.weight", 1, 64)),
    ROW("shape-output-rows", "tensor 'output.weight' has shape [64, 319]",
        EDIT(T_NE, "output.weight", 1, 319)),
    ROW("shape-3d", "tensor 'blk.0.ffn_up.weight' has shape [64, 48, 2]",
        EDIT(T_DIMS, "blk.0.ffn_up.weight", 3), EDIT(T_NE, "blk.0.ffn_up.weight", 1, 48),
        EDIT(T_NE, "blk.0.ffn_up.weight", 2, 2)),
    ROW_OF("shape-q-norm", "qwen3", RY_FMT_F32, "tensor 'blk.0.attn_q_norm.weight' has shape [8]",
           EDIT(T_NE, "blk.0.attn_q_norm.weight", 0, 8)),
    ROW("shape-against-heads",
        "tensor 'blk.0.attn_q.weight' has shape [64, 64], the "
        "hyper-parameters say [64, 128]",
        EDIT(SET_U32, "llama.attention.head_count", 8)),
    ROW("norm-quantised", "tensor 'output_norm.weight' is Q8_0; a vector must be F32, F16 or BF16",
        EDIT(T_TYPE, "output_norm.weight", 8)),
    ROW("rope-freqs-short",
        "tensor 'rope_freqs.weight' has shape [4], the hyper-parameters say [8]",
        EDIT(T_ADD, "rope_freqs.weight", 4)),
    ROW("rope-freqs-zero", "tensor 'rope_freqs.weight': element 3 is 0, must be above 0",
        EDIT(T_ADD, "rope_freqs.weight", 8), EDIT(T_F32, "rope_freqs.weight", 3, 0, "0")),
    ROW("tensor-unread", "tensor 'blk.0.ffn_up.bias' (1 such in the file) is no part of a llama",
        EDIT(T_ADD, "blk.0.ffn_up.bias", 96)),
    ROW("layer-beyond-count", "tensor 'blk.2.attn_norm.weight' (1 such in the file) is no part",
        EDIT(T_ADD, "blk.2.attn_norm.weight", 64)),
    ROW_OF("head-in-tied-family", "gemma", RY_FMT_F32,
           "tensor 'output.weight': gemma models have no head of their own",
           EDIT(T_ADD, "output.weight", 64)),
    ROW_OF("i2_s-scale-nan", "bitnet", RY_FMT_I2_S,
           "tensor 'blk.0.attn_q.weight': its scale is nan",
           EDIT(T_TAIL_F32, "blk.0.attn_q.weight", 0, 32, "nan")),
    ROW_OF("scale-tensor-shape", "bitnet", RY_FMT_TQ2_0,
           "tensor 'blk.0.attn_q.scale' has shape [2]", EDIT(T_ADD, "blk.0.attn_q.scale", 2)),
    ROW_OF("scale-tensor-inf", "bitnet", RY_FMT_TQ2_0, "tensor 'blk.0.attn_q.scale' is inf",
           EDIT(T_ADD, "blk.0.attn_q.scale", 1), EDIT(T_F32, "blk.0.attn_q.scale", 0, 0, "inf")),
    /* Hyper-parameters: missing, of a wrong type, out of range. */
    ROW("no-architecture", "key 'general.architecture' is missing",
        EDIT(DROP_KEY, "general.architecture")),
    ROW("unknown-architecture", "key 'general.architecture' is 'mamba'; ryot runs llama",
        EDIT(SET_STR, "general.architecture", 0, 0, "mamba")),
    ROW("architecture-u32", "key 'general.architecture' is of type u32, must be a string",
        EDIT(SET_U32, "general.architecture", 1)),
    ROW("no-context", "key 'llama.context_length' is missing",
        EDIT(DROP_KEY, "llama.context_length")),
    ROW("no-width", "key 'llama.embedding_length' is missing",
        EDIT(DROP_KEY, "llama.embedding_length")),
    ROW("no-layers", "key 'llama.block_count' is missing", EDIT(DROP_KEY, "llama.block_count")),
    ROW("no-ffn", "key 'llama.feed_forward_length' is missing",
        EDIT(DROP_KEY, "llama.feed_forward_length")),
    ROW("no-heads", "key 'llama.attention.head_count' is missing",
        EDIT(DROP_KEY, "llama.attention.head_count")),
    ROW("no-epsilon", "key 'llama.attention.layer_norm_rms_epsilon' is missing",
        EDIT(DROP_KEY, "llama.attention.layer_norm_rms_epsilon")),
    ROW_OF("no-window", "gemma3", RY_FMT_F32, "key 'gemma3.attention.sliding_window' is missing",
           EDIT(DROP_KEY, "gemma3.attention.sliding_window")),
    ROW("layers-string", "key 'llama.block_count' is of type string, must be an integer",
        EDIT(SET_STR, "llama.block_count", 0, 0, "2")),
    ROW("layers-minus-1", "key 'llama.block_count' is -1, must be 1 to 512",
        EDIT(SET_I32, "llama.block_count", 0xffffffff)),
    ROW("layers-2-63", "key 'llama.block_count' is 9223372036854775807",
        EDIT(SET_U64, "llama.block_count", TOP_BIT)),
    ROW("layers-0", "key 'llama.block_count' is 0, must be 1 to 512",
        EDIT(SET_U32, "llama.block_count", 0)),
    ROW("layers-513", "key 'llama.block_count' is 513, must be 1 to 512",
        EDIT(SET_U32, "llama.block_count", 513)),
    ROW("heads-0", "key 'llama.attention.head_count' is 0, must be 1 to 4096",
        EDIT(SET_U32, "llama.attention.head_count", 0)),
    ROW("heads-f32", "key 'llama.attention.head_count' is of type f32, must be an integer",
        EDIT(SET_F32, "llama.attention.head_count", 0, 0, "4")),
    ROW("kv-heads-0", "key 'llama.attention.head_count_kv' is 0",
        EDIT(SET_U32, "llama.attention.head_count_kv", 0)),
    ROW("kv-heads-3-of-4", "key 'llama.attention.head_count_kv' is 3, which does not divide 4",
        EDIT(SET_U32, "llama.attention.head_count_kv", 3)),
    ROW("heads-differ",
        "key 'llama.attention.head_count' differs between layers (4 in layer 0, 2 "
        "in layer 1)",
        EDIT(SET_HEADS, "llama.attention.head_count", 4, 2)),
    ROW("heads-empty-array", "key 'llama.attention.head_count' is an empty array",
        EDIT(SET_EMPTY, "llama.attention.head_count")),
    ROW("width-0", "key 'llama.embedding_length' is 0", EDIT(SET_U32, "llama.embedding_length", 0)),
    ROW("width-2-21", "key 'llama.embedding_length' is 2097152, must be 1 to 1048576",
        EDIT(SET_U32, "llama.embedding_length", 1u << 21)),
    ROW("ffn-0", "key 'llama.feed_forward_length' is 0",
        EDIT(SET_U32, "llama.feed_forward_length", 0)),
    ROW("context-0", "key 'llama.context_length' is 0", EDIT(SET_U32, "llama.context_length", 0)),
    ROW("context-2-32", "key 'llama.context_length' is 4294967296, must be 1 to 16777216",
        EDIT(SET_U64, "llama.context_length", UINT64_C(1) << 32)),
    ROW("head-size-odd", "head sizes are 15 (keys) and 16 (values), must be even",
        EDIT(SET_U32, "llama.attention.key_length", 15)),
    ROW("head-size-0", "key 'llama.attention.key_length' is 0",
        EDIT(SET_U32, "llama.attention.key_length", 0)),
    ROW("head-size-unknown", "key 'llama.attention.key_length' is missing, and",
        EDIT(DROP_KEY, "llama.attention.key_length"),
        EDIT(SET_U32, "llama.attention.head_count", 6)),
    ROW("kv-overflow", "the KV cache would overflow",
        EDIT(SET_U32, "llama.attention.head_count", 4096),
        EDIT(SET_U32, "llama.attention.key_length", 1024)),
    ROW("rope-dim-beyond-head", "key 'llama.rope.dimension_count' is 32, must be 2 to 16",
        EDIT(SET_U32, "llama.rope.dimension_count", 32)),
    ROW("rope-dim-odd", "key 'llama.rope.dimension_count' is 7, must be even",
        EDIT(SET_U32, "llama.rope.dimension_count", 7)),
    ROW("rope-dim-0", "key 'llama.rope.dimension_count' is 0",
        EDIT(SET_U32, "llama.rope.dimension_count", 0)),
    ROW("base-nan", "key 'llama.rope.freq_base' is nan, must be above 0",
        EDIT(SET_F32, "llama.rope.freq_base", 0, 0, "nan")),
    ROW("base-inf", "key 'llama.rope.freq_base' is inf",
        EDIT(SET_F32, "llama.rope.freq_base", 0, 0, "inf")),
    ROW("base-0", "key 'llama.rope.freq_base' is 0, must be above 0",
        EDIT(SET_F32, "llama.rope.freq_base", 0, 0, "0")),
    ROW("epsilon-nan", "key 'llama.attention.layer_norm_rms_epsilon' is nan",
        EDIT(SET_F32, "llama.attention.layer_norm_rms_epsilon", 0, 0, "nan")),
    ROW("epsilon-inf", "key 'llama.attention.layer_norm_rms_epsilon' is inf",
        EDIT(SET_F32, "llama.attention.layer_norm_rms_epsilon", 0, 0, "inf")),
    ROW("epsilon-0", "key 'llama.attention.layer_norm_rms_epsilon' is 0, must be above 0",
        EDIT(SET_F32, "llama.attention.layer_norm_rms_epsilon", 0, 0, "0")),
    ROW("epsilon-negative", "key 'llama.attention.layer_norm_rms_epsilon' is -1",
        EDIT(SET_F32, "llama.attention.layer_norm_rms_epsilon", 0, 0, "-1")),
    ROW("epsilon-u32", "key 'llama.attention.layer_norm_rms_epsilon' is of type u32, must be f32",
        EDIT(SET_U32, "llama.attention.layer_norm_rms_epsilon", 1)),
    ROW_OF("softcap-nan", "gemma2", RY_FMT_F32, "key 'gemma2.attn_logit_softcapping' is nan",
           EDIT(SET_F32, "gemma2.attn_logit_softcapping", 0, 0, "nan")),
    ROW_OF("window-0", "gemma2", RY_FMT_F32, "key 'gemma2.attention.sliding_window' is 0",
           EDIT(SET_U32, "gemma2.attention.sliding_window", 0)),
    ROW("rope-scaling-yarn", "key 'llama.rope.scaling.type' is 'yarn'; ryot runs none, linear",
        EDIT(SET_STR, "llama.rope.scaling.type", 0, 0, "yarn")),
    ROW("rope-scaling-u32", "key 'llama.rope.scaling.type' is of type u32, must be a string",
        EDIT(SET_U32, "llama.rope.scaling.type", 1)),
    ROW("rope-factor-nan", "key 'llama.rope.scaling.factor' is nan",
        EDIT(SET_F32, "llama.rope.scaling.factor", 0, 0, "nan")),
    ROW_OF("longrope-partial", "phi3", RY_FMT_F32, "with partial rotation (8 of 16)",
           EDIT(SET_F32, "phi3.rope.scaling.attn_factor", 0, 0, "1.19"),
           EDIT(SET_U32, "phi3.rope.dimension_count", 8)),
    ROW_OF("window-pattern", "gemma3", RY_FMT_F32,
           "key 'gemma3.attention.sliding_window_pattern' differs at layer 1 from one global",
           EDIT(SET_BOOLS, "gemma3.attention.sliding_window_pattern", 1, 0)),
    ROW("rope-factors-long-only", "tensor 'rope_factors_long.weight' (1 such in the file)",
        EDIT(T_ADD, "rope_factors_long.weight", 8)),
    ROW("split-file", "key 'split.count' is 3: one part of a split model",
        EDIT(SET_U32, "split.count", 3)),
    ROW("experts", "key 'llama.expert_count' is 8: a mixture of experts",
        EDIT(SET_U32, "llama.expert_count", 8)),
    ROW("not-causal", "key 'llama.attention.causal' is false",
        EDIT(SET_BOOL, "llama.attention.causal", 0)),
    /* The tokenizer. */
    ROW("tokens-missing", "tokenizer.ggml.tokens is missing",
        EDIT(DROP_KEY, "tokenizer.ggml.tokens")),
    ROW("tokens-u32", "key 'tokenizer.ggml.tokens' is of type u32, must be an array of string",
        EDIT(SET_U32, "tokenizer.ggml.tokens", 1)),
    ROW("tokens-empty-array", "key 'tokenizer.ggml.tokens' is an array of u32",
        EDIT(SET_EMPTY, "tokenizer.ggml.tokens")),
    ROW("tokenizer-unknown", "tokenizer.ggml.model is 'sphinx'",
        EDIT(SET_STR, "tokenizer.ggml.model", 0, 0, "sphinx")),
    ROW("tokenizer-unnamed", "tokenizer.ggml.model is missing, though tokens are there",
        EDIT(DROP_KEY, "tokenizer.ggml.model")),
    ROW("scores-missing", "tokenizer.ggml.scores is missing",
        EDIT(DROP_KEY, "tokenizer.ggml.scores")),
    ROW("scores-u32", "key 'tokenizer.ggml.scores' is an array of u32, must be an array of f32",
        EDIT(SET_HEADS, "tokenizer.ggml.scores", 1, 2)),
    ROW("types-of-two", "has 2 elements for 320 tokens",
        EDIT(SET_HEADS, "tokenizer.ggml.token_type", 1, 1)),
    ROW("type-out-of-range", "tokenizer.ggml.token_type: token 0 has type 99",
        EDIT(VALUE_U64, "tokenizer.ggml.token_type", 99, 12)),
    ROW("bos-beyond", "tokenizer.ggml.bos_token_id is 320, but the vocabulary has 320 tokens",
        EDIT(SET_U32, "tokenizer.ggml.bos_token_id", 320)),
    ROW("eos-minus-1", "key 'tokenizer.ggml.eos_token_id' is -1",
        EDIT(SET_I32, "tokenizer.ggml.eos_token_id", 0xffffffff)),
    ROW("bpe-without-merges", "tokenizer.ggml.merges is missing",
        EDIT(SET_STR, "tokenizer.ggml.model", 0, 0, "gpt2"),
        EDIT(SET_ONES, "tokenizer.ggml.token_type")),
    ROW("byte-token-minus-1", "token 3 is a byte token, but its text '<0x-1>' is not",
        EDIT(POKE, "tokenizer.ggml.tokens", 12 + 8 + 5 + 8 + 3 + 8 + 4 + 8 + 3, 0, "-1")),
};

size_t bad_files_count(void)
{
    return sizeof files / sizeof files[0];
}

const struct bad_file *bad_files_at(size_t i)
{
    return &files[i];
}

const char *bad_file_name(const struct bad_file *f)
{
    return f->name;
}

const char *bad_file_expect(const struct bad_file *f)
{
    return f->expect;
}

/* ---- edits ------------------------------------------------------------------------------------------- */

static void rename_to(ry_buf *name, uint64_t *declared, const struct edit *e)
{
    ry_buf_clear(name);
    ry_buf_add(name, e->text, e->a);
    *declared = e->a;
}

static void set_ones(struct gb *b, const char *key)
{
    uint32_t ones[320];
    for (size_t i = 0; i < sizeof ones / sizeof ones[0]; i++)
        ones[i] = 1;
    gb_set_array(b, key, RY_GGUF_U32, sizeof ones / sizeof ones[0], ones, sizeof ones);
}

static bool edit_key(struct gb *b, const struct edit *e)
{
    struct gb_kv *kv = e->target ? gb_find_kv(b, e->target) : NULL;
    int32_t i32 = (int32_t)(uint32_t)e->a;
    uint32_t heads[2] = {(uint32_t)e->a, (uint32_t)e->b};
    uint8_t bools[2] = {(uint8_t)e->a, (uint8_t)e->b};
    static const uint8_t one_u8[13] = {0, 0, 0, 0, 1};
    switch (e->op) {
    case KEY_NAME:
        rename_to(&kv->key, &kv->key_len, e);
        return true;
    case KEY_LEN:
        kv->key_len = e->a;
        return true;
    case KEY_TYPE:
        kv->type = (uint32_t)e->a;
        return true;
    case VALUE_U64:
        memcpy(kv->value.data + e->b, &e->a, sizeof e->a);
        return true;
    case SET_U32:
        gb_set_u32(b, e->target, (uint32_t)e->a);
        return true;
    case SET_I32:
        gb_set(b, e->target, RY_GGUF_I32, &i32, sizeof i32);
        return true;
    case SET_U64:
        gb_set(b, e->target, RY_GGUF_U64, &e->a, sizeof e->a);
        return true;
    case SET_F32:
        gb_set_f32(b, e->target, strtof(e->text, NULL));
        return true;
    case SET_STR:
        gb_set_str(b, e->target, e->text);
        return true;
    case SET_BOOL:
        gb_set(b, e->target, RY_GGUF_BOOL, &e->a, 1);
        return true;
    case SET_HEADS:
        gb_set_array(b, e->target, RY_GGUF_U32, 2, heads, sizeof heads);
        return true;
    case SET_ONES:
        set_ones(b, e->target);
        return true;
    case POKE:
        memcpy(kv->value.data + e->a, e->text, strlen(e->text));
        return true;
    case SET_BOOLS:
        gb_set_array(b, e->target, RY_GGUF_BOOL, 2, bools, sizeof bools);
        return true;
    case SET_EMPTY:
        gb_set_array(b, e->target, RY_GGUF_U32, 0, "", 0);
        return true;
    case SET_NEST:
        gb_set_array(b, e->target, RY_GGUF_ARRAY, 1, one_u8, sizeof one_u8);
        return true;
    case DROP_KEY:
        gb_drop_kv(b, e->target);
        return true;
    case REPEAT_KEY:
        gb_repeat_kv(b, e->target);
        return true;
    default:
        return false;
    }
}

static void add_ones(struct gb *b, const struct edit *e)
{
    float ones[256];
    for (size_t i = 0; i < sizeof ones / sizeof ones[0]; i++)
        ones[i] = 1.0f;
    gb_add_matrix(b, e->target, RY_FMT_F32, e->a, 1, ones);
    gb_layout(b);
}

static void poke_f32(struct gb_tensor *t, uint64_t at, const char *text)
{
    float v = strtof(text, NULL);
    memcpy(t->data.data + at, &v, sizeof v);
}

static bool edit_tensor(struct gb *b, const struct edit *e)
{
    struct gb_tensor *t = e->target ? gb_find_tensor(b, e->target) : NULL;
    switch (e->op) {
    case T_NAME:
        rename_to(&t->name, &t->name_len, e);
        return true;
    case T_NAME_LEN:
        t->name_len = e->a;
        return true;
    case T_DIMS:
        t->n_dims = (uint32_t)e->a;
        return true;
    case T_NE:
        t->ne[e->a] = e->b;
        return true;
    case T_TYPE:
        t->type = (uint32_t)e->a;
        return true;
    case T_OFFSET:
        t->offset = e->a;
        return true;
    case T_SHIFT:
        t->offset += e->a;
        return true;
    case T_F32:
        poke_f32(t, e->a * sizeof(float), e->text);
        return true;
    case T_TAIL_F32:
        poke_f32(t, t->data.len - e->b, e->text);
        return true;
    case T_DROP:
        gb_drop_tensor(b, e->target);
        gb_layout(b);
        return true;
    case T_REPEAT:
        gb_repeat_tensor(b, e->target);
        gb_layout(b);
        return true;
    case T_ADD:
        add_ones(b, e);
        return true;
    default:
        return false;
    }
}

static void edit_header(struct gb *b, const struct edit *e)
{
    switch (e->op) {
    case MAGIC:
        memcpy(b->magic, e->text, sizeof b->magic);
        break;
    case SET_VERSION:
        b->version = (uint32_t)e->a;
        break;
    case N_TENSORS:
        b->n_tensors_more = e->a - b->n_tensors;
        break;
    case N_KV:
        b->n_kv_more = e->a - b->n_kv;
        break;
    case MORE_TENSORS:
        b->n_tensors_more = e->a;
        break;
    case MORE_KV:
        b->n_kv_more = e->a;
        break;
    default:
        break;
    }
}

static void edit_bytes(ry_buf *image, const struct edit *e)
{
    if (e->op == RAW) {
        ry_buf_clear(image);
        ry_buf_add(image, e->text, e->a);
    } else if (e->op == KEEP) {
        image->len = e->a;
    } else if (e->op == CUT) {
        image->len -= e->a;
    }
}

void bad_file_image(const struct bad_file *f, ry_buf *out)
{
    enum { N_EDITS = sizeof f->edits / sizeof f->edits[0] };
    struct gb b;
    struct gb_shape shape = gb_shape_default(f->arch, f->fmt);
    gb_model(&b, &shape);
    for (int i = 0; i < N_EDITS; i++)
        if (!edit_key(&b, &f->edits[i]) && !edit_tensor(&b, &f->edits[i]))
            edit_header(&b, &f->edits[i]);
    gb_image(&b, out);
    for (int i = 0; i < N_EDITS; i++)
        edit_bytes(out, &f->edits[i]);
    gb_done(&b);
}
