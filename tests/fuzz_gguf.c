/* Fuzz target: any bytes as a model file. Parses, reads every key and tensor, binds, describes.
 *
 * With libFuzzer (configure --enable-fuzz, clang): tests/fuzz_gguf CORPUS; seeds: tests/make_bad seeds CORPUS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/describe.h"
#include "engine/model.h"
#include "tests/fuzz_main.h"
#include "tests/gguf_build.h"

/* Keeps the compiler from leaving out reads that only a sanitiser should see. */
static volatile uint64_t sink;

static void read_keys(const ry_gguf *gguf)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < ry_gguf_n_kv(gguf); i++) {
        const struct ry_gguf_kv *kv = ry_gguf_kv_at(gguf, i);
        for (uint64_t k = 0; k < kv->data_bytes; k++)
            sum += kv->data[k];
        if (kv->type != RY_GGUF_ARRAY || kv->elem != RY_GGUF_STRING)
            continue;
        struct ry_str *strings = calloc(kv->count + 1, sizeof *strings);
        if (strings && ry_gguf_array_strings(gguf, kv, strings, NULL) == RY_OK)
            for (uint64_t k = 0; k < kv->count; k++)
                for (size_t c = 0; c < strings[k].len; c++)
                    sum += (uint8_t)strings[k].s[c];
        free(strings);
    }
    sink = sum;
}

static void read_tensors(const ry_gguf *gguf)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < ry_gguf_n_tensors(gguf); i++) {
        const struct ry_gguf_tensor *t = ry_gguf_tensor_at(gguf, i);
        for (uint64_t k = 0; t->data && k < t->n_bytes; k++)
            sum += t->data[k];
    }
    sink = sum;
}

/* Every row that a matrix claims to have lies in the image; the vectors are read by reading their ends. */
static void read_model(const struct ry_model *m)
{
    float last = m->output_norm[m->hp.n_embd - 1];
    for (uint32_t i = 0; i < m->hp.n_layer; i++) {
        const struct ry_layer *l = &m->layers[i];
        const struct ry_wmat *all[] = {&l->q, &l->k, &l->v, &l->o, &l->gate, &l->up, &l->down};
        for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
            const uint8_t *p = all[k]->data;
            sink = p[all[k]->n_rows * all[k]->row_bytes - 1];
        }
        last += l->attn_norm[m->hp.n_embd - 1] + l->ffn_norm[m->hp.n_embd - 1];
    }
    sink = last != 0.0f;
}

static void use(const ry_gguf *gguf)
{
    read_keys(gguf);
    read_tensors(gguf);
    struct ry_model model;
    ry_err err = {0};
    ry_rc rc = ry_model_bind(&model, gguf, &err);
    if (rc != RY_OK && (err.rc != rc || !err.text[0]))
        abort(); /* a refusal without a reason */
    ry_buf out = {0};
    for (int json = 0; json < 2; json++)
        ry_describe(gguf, rc == RY_OK ? &model : NULL, NULL, "", false, json, &out, &err);
    ry_buf_done(&out);
    if (rc == RY_OK) {
        read_model(&model);
        ry_model_done(&model);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The library wants its image aligned; a copy of the exact size keeps the red zone behind it. */
    uint8_t *image = malloc(size ? size : 1);
    if (!image)
        return 0;
    memcpy(image, data, size);
    for (int header_only = 0; header_only < 2; header_only++) {
        ry_gguf *gguf = NULL;
        ry_err err = {0};
        ry_rc rc = ry_gguf_parse(&gguf, "fuzz", image, size, header_only, &err);
        if (rc == RY_OK) {
            use(gguf);
            ry_gguf_close(gguf);
        } else if (err.rc != rc || !err.text[0]) {
            abort();
        }
    }
    free(image);
    return 0;
}

#ifndef RYOT_LIBFUZZER
int main(int argc, char **argv)
{
    return ry_fuzz_main(argc, argv, gb_seed, 10000);
}
#endif
