/* A random model that never ends an answer by itself, as a file. */
#ifndef RYOT_TESTS_ENDLESS_MODEL_H
#define RYOT_TESTS_ENDLESS_MODEL_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/gguf_build.h"

/* Writes it; n_ctx is what its header says. False (after perror) when the file cannot be
 * written, or when the builder's model has no head or end token to change. */
static inline bool endless_model_write(const char *path, uint32_t n_ctx)
{
    struct gb b;
    ry_buf image = {0};
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
    shape.vocab = true;
    shape.n_ctx = n_ctx;
    gb_init(&b);
    gb_model(&b, &shape);
    struct gb_tensor *head = gb_find_tensor(&b, "output.weight");
    const struct gb_kv *eos = gb_find_kv(&b, "tokenizer.ggml.eos_token_id");
    uint32_t id;
    bool ok = head && eos && eos->value.len == sizeof id;
    if (ok) {
        /* With a row of zeros in the head the end token is never the likeliest. */
        memcpy(&id, eos->value.data, sizeof id);
        memset(head->data.data + id * head->ne[0] * sizeof(float), 0, head->ne[0] * sizeof(float));
        gb_image(&b, &image);
        FILE *out = fopen(path, "wb");
        ok = out && fwrite(image.data, 1, image.len, out) == image.len;
        ok = out && fclose(out) == 0 && ok;
        if (!ok)
            perror(path);
    }
    ry_buf_done(&image);
    gb_done(&b);
    return ok;
}

#endif
