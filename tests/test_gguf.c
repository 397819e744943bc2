/* GGUF files that are right: what is read from them, how models of every architecture and format bind, what
 * `ryot info` says. */
#include "ryot_test.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <math.h>
#include <stdint.h>

#include "engine/describe.h"
#include "engine/model.h"
#include "tests/gguf_build.h"

/* An image, parsed; the image lives as long. */
struct parsed {
    ry_buf image;
    ry_gguf *gguf;
};

static struct parsed parse_built(struct gb *b)
{
    struct parsed p = {0};
    ry_err err = {0};
    gb_image(b, &p.image);
    ry_rc rc = ry_gguf_parse(&p.gguf, "built.gguf", p.image.data, p.image.len, false, &err);
    ck_assert_msg(rc == RY_OK, "%s", err.text);
    gb_done(b);
    return p;
}

static struct parsed parse_model(const char *arch, enum ry_fmt fmt)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default(arch, fmt);
    gb_model(&b, &shape);
    return parse_built(&b);
}

static void done(struct parsed *p)
{
    ry_gguf_close(p->gguf);
    ry_buf_done(&p->image);
}

static struct ry_model bind_ok(const struct parsed *p)
{
    struct ry_model model;
    ry_err err = {0};
    ck_assert_msg(ry_model_bind(&model, p->gguf, &err) == RY_OK, "%s", err.text);
    return model;
}

static const char *const archs[] = {"llama",  "qwen2",        "qwen3",    "gemma",
                                    "gemma2", "gemma3",       "phi3",     "smollm3",
                                    "bitnet", "bitnet-b1.58", "bitnet-25"};
enum { N_ARCHS = sizeof archs / sizeof archs[0] };

/* ---- keys -------------------------------------------------------------------------------------------- */

START_TEST(typed_reads_give_what_was_written)
{
    struct gb b;
    gb_init(&b);
    int8_t i8 = -5;
    int64_t i64 = 77;
    uint8_t u8 = 200;
    int16_t i16 = -2;
    uint16_t u16 = 65000;
    double f64 = 0.25, huge = 1e300;
    gb_set_u32(&b, "u", 4000000000u);
    gb_set(&b, "i8", RY_GGUF_I8, &i8, 1);
    gb_set(&b, "i64", RY_GGUF_I64, &i64, 8);
    gb_set(&b, "u8", RY_GGUF_U8, &u8, 1);
    gb_set(&b, "i16", RY_GGUF_I16, &i16, 2);
    gb_set(&b, "u16", RY_GGUF_U16, &u16, 2);
    gb_set(&b, "f64", RY_GGUF_F64, &f64, 8);
    gb_set(&b, "huge", RY_GGUF_F64, &huge, 8);
    gb_set_f32(&b, "f", 1.5f);
    gb_set_bool(&b, "yes", true);
    gb_set_str(&b, "s", "h\xc3\xa9llo");
    gb_set_strings(&b, "words", (const char *const[]){"one", "", "three"}, 3);
    gb_set_u32(&b, "general.alignment", 64);
    struct parsed p = parse_built(&b);
    uint32_t u = 1;
    float f = 0;
    bool yes = false;
    struct ry_str s = {0}, words[3];
    const struct ry_gguf_kv *kv = NULL;
    ry_err err = {0};
    ck_assert_int_eq(ry_gguf_get_u32(p.gguf, "u", &u, &err), RY_OK);
    ck_assert_uint_eq(u, 4000000000u);
    ck_assert_int_eq(ry_gguf_get_u32(p.gguf, "i64", &u, &err), RY_OK);
    ck_assert_uint_eq(u, 77);
    ck_assert_int_eq(ry_gguf_get_u32(p.gguf, "u8", &u, &err), RY_OK);
    ck_assert_uint_eq(u, 200);
    ck_assert_int_eq(ry_gguf_get_u32(p.gguf, "u16", &u, &err), RY_OK);
    ck_assert_uint_eq(u, 65000);
    ck_assert_int_eq(ry_gguf_get_u32(p.gguf, "i16", &u, &err), RY_ERR_MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "key 'i16' is -2"));
    ck_assert_int_eq(ry_gguf_get_u32(p.gguf, "s", &u, &err), RY_ERR_MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "key 's' is of type string, must be an integer"));
    ck_assert_int_eq(ry_gguf_get_u32(p.gguf, "i64", &u, &err), RY_OK);
    ck_assert_int_eq(ry_gguf_get_u32(p.gguf, "i8", &u, &err), RY_ERR_MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "key 'i8' is -5, must be 0 to 4294967295"));
    ck_assert_uint_eq(u, 77);
    ck_assert_int_eq(ry_gguf_get_u32(p.gguf, "absent", &u, &err), RY_ERR_NOT_FOUND);
    ck_assert_int_eq(ry_gguf_get_f32(p.gguf, "f", &f, &err), RY_OK);
    ck_assert_float_eq(f, 1.5f);
    ck_assert_int_eq(ry_gguf_get_f32(p.gguf, "f64", &f, &err), RY_OK);
    ck_assert_float_eq(f, 0.25f);
    ck_assert_int_eq(ry_gguf_get_f32(p.gguf, "huge", &f, &err), RY_ERR_MODEL);
    ck_assert_int_eq(ry_gguf_get_f32(p.gguf, "u", &f, &err), RY_ERR_MODEL);
    ck_assert_int_eq(ry_gguf_get_bool(p.gguf, "yes", &yes, &err), RY_OK);
    ck_assert(yes);
    ck_assert_int_eq(ry_gguf_get_bool(p.gguf, "u", &yes, &err), RY_ERR_MODEL);
    ck_assert_int_eq(ry_gguf_get_str(p.gguf, "s", &s, &err), RY_OK);
    ck_assert_uint_eq(s.len, 6);
    ck_assert_mem_eq(s.s, "h\xc3\xa9llo", 6);
    ck_assert_int_eq(ry_gguf_get_array(p.gguf, "words", RY_GGUF_F32, &kv, &err), RY_ERR_MODEL);
    ck_assert_ptr_nonnull(
        strstr(err.text, "key 'words' is an array of string, must be an array of f32"));
    ck_assert_int_eq(ry_gguf_get_array(p.gguf, "words", RY_GGUF_STRING, &kv, &err), RY_OK);
    ck_assert_uint_eq(kv->count, 3);
    ck_assert_int_eq(ry_gguf_array_strings(p.gguf, kv, words, &err), RY_OK);
    ck_assert_uint_eq(words[0].len, 3);
    ck_assert_uint_eq(words[1].len, 0);
    ck_assert_mem_eq(words[2].s, "three", 5);
    done(&p);
}
END_TEST

/* Another process may rewrite a mapped file: lengths inside an array are checked each time they are used. */
START_TEST(strings_that_changed_after_the_parse_do_not_lead_outside)
{
    struct gb b;
    gb_init(&b);
    gb_set_strings(&b, "words", (const char *const[]){"one", "two"}, 2);
    struct parsed p = parse_built(&b);
    const struct ry_gguf_kv *kv = ry_gguf_find(p.gguf, "words");
    uint64_t huge = UINT64_MAX - 3;
    memcpy(p.image.data + (kv->data - (const uint8_t *)p.image.data), &huge, sizeof huge);
    struct ry_str words[2];
    ry_err err = {0};
    ck_assert_int_eq(ry_gguf_array_strings(p.gguf, kv, words, &err), RY_ERR_MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "the file changed while in use"));
    done(&p);
}
END_TEST

START_TEST(version_2_reads_like_3)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
    gb_model(&b, &shape);
    b.version = 2;
    struct parsed p = parse_built(&b);
    ck_assert_uint_eq(ry_gguf_version(p.gguf), 2);
    struct ry_model m = bind_ok(&p);
    ry_model_done(&m);
    done(&p);
}
END_TEST

START_TEST(alignment_moves_the_data)
{
    static const uint32_t alignments[] = {8, 32, 64, 4096};
    for (size_t i = 0; i < sizeof alignments / sizeof alignments[0]; i++) {
        struct gb b;
        struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
        gb_model(&b, &shape);
        gb_set_u32(&b, "general.alignment", alignments[i]);
        b.alignment = alignments[i];
        gb_layout(&b);
        uint64_t data_offset = gb_data_offset(&b);
        struct parsed p = parse_built(&b);
        const struct ry_gguf_tensor *t = ry_gguf_find_tensor(p.gguf, "token_embd.weight");
        ck_assert_uint_eq(t->offset, data_offset);
        ck_assert_uint_eq(t->offset % alignments[i], 0);
        ck_assert_ptr_eq(t->data, p.image.data + t->offset);
        done(&p);
    }
}
END_TEST

START_TEST(the_fingerprint_tells_files_apart)
{
    struct parsed a = parse_model("llama", RY_FMT_F32), b = parse_model("llama", RY_FMT_F32);
    struct parsed c = parse_model("llama", RY_FMT_F16);
    ck_assert_uint_eq(ry_gguf_fingerprint(a.gguf), ry_gguf_fingerprint(b.gguf));
    ck_assert_uint_ne(ry_gguf_fingerprint(a.gguf), ry_gguf_fingerprint(c.gguf));
    done(&a);
    done(&b);
    done(&c);
}
END_TEST

START_TEST(header_only_takes_unknown_types_and_missing_data)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
    gb_model(&b, &shape);
    gb_find_tensor(&b, "output.weight")->type = 77;
    ry_buf image = {0};
    gb_image(&b, &image);
    uint64_t data_offset = gb_data_offset(&b);
    gb_done(&b);
    ry_gguf *gguf = NULL;
    ry_err err = {0};
    ry_rc rc = ry_gguf_parse(&gguf, "v.gguf", image.data, data_offset, true, &err);
    ck_assert_msg(rc == RY_OK, "%s", err.text);
    const struct ry_gguf_tensor *t = ry_gguf_find_tensor(gguf, "output.weight");
    ck_assert_int_eq(t->fmt, RY_FMT_COUNT);
    ck_assert_ptr_null(t->data);
    ck_assert_ptr_null(ry_gguf_find_tensor(gguf, "token_embd.weight")->data);
    struct ry_model model;
    ck_assert_int_eq(ry_model_bind(&model, gguf, &err), RY_ERR_MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "its data is not in the file"));
    ry_gguf_close(gguf);
    ry_buf_done(&image);
}
END_TEST

/* An offset that would wrap when the data's own is added. */
START_TEST(header_only_still_refuses_offsets_beyond_2_64)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
    gb_model(&b, &shape);
    gb_find_tensor(&b, "output.weight")->offset = UINT64_MAX - 31;
    ry_buf image = {0};
    gb_image(&b, &image);
    gb_done(&b);
    ry_gguf *gguf = NULL;
    ry_err err = {0};
    ck_assert_int_eq(ry_gguf_parse(&gguf, "v.gguf", image.data, image.len, true, &err),
                     RY_ERR_MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "data offset 18446744073709551584 is beyond 2^64"));
    ry_buf_done(&image);
}
END_TEST

START_TEST(long_names_are_cut_between_characters)
{
    char name[121], quoted[RY_GGUF_QUOTE_BYTES];
    for (int i = 0; i < 40; i++)
        memcpy(name + 3 * i, "\xe2\x82\xac", 3);
    ry_gguf_quote((struct ry_str){name, 120}, quoted);
    ck_assert_uint_eq(strlen(quoted), 78 + 3);
    ck_assert_mem_eq(quoted, name, 78);
    ck_assert_str_eq(quoted + 78, "...");
    ry_gguf_quote((struct ry_str){name, 78}, quoted);
    ck_assert_uint_eq(strlen(quoted), 78);
}
END_TEST

/* ---- models ------------------------------------------------------------------------------------------ */

START_TEST(every_architecture_binds)
{
    struct parsed p = parse_model(archs[_i], RY_FMT_F32);
    struct ry_model m = bind_ok(&p);
    ck_assert_str_eq(m.arch->name, archs[_i]);
    ck_assert_ptr_nonnull(strstr(ry_arch_names(), archs[_i]));
    ck_assert_uint_eq(m.hp.n_vocab, 320);
    ck_assert_uint_eq(m.hp.n_layer, 2);
    ck_assert_uint_eq(m.hp.head_dim_k, 16);
    ck_assert_float_eq(m.hp.attn_scale, 0.25f);
    ck_assert_float_eq(m.hp.rope_scale, 1.0f);
    for (uint32_t i = 0; i < m.hp.n_layer; i++) {
        const struct ry_layer *l = &m.layers[i];
        ck_assert_uint_eq(l->q.n_rows, 64);
        ck_assert_uint_eq(l->k.n_rows, 32);
        ck_assert_uint_eq(l->v.n_rows, 32);
        ck_assert_uint_eq(l->o.n_cols, 64);
        ck_assert_uint_eq(l->gate.n_rows, 96);
        ck_assert_uint_eq(l->up.n_rows, 96);
        ck_assert_uint_eq(l->down.n_cols, 96);
        ck_assert_int_eq(l->q_bias != NULL, m.arch->qkv_bias);
        ck_assert_int_eq(l->q_norm != NULL, m.arch->qk_norm);
        ck_assert_int_eq(l->ffn_sub_norm != NULL, m.arch->sub_norms);
        ck_assert_int_eq(l->post_ffn_norm != NULL, m.arch->post_norms);
    }
    ck_assert_int_eq(m.output.data == m.tok_embd.data, m.arch->must_tie);
    ry_model_done(&m);
    done(&p);
}
END_TEST

START_TEST(every_format_binds_and_decodes_to_what_was_encoded)
{
    enum ry_fmt fmt = (enum ry_fmt)_i;
    struct parsed p = parse_model("llama", fmt);
    struct ry_model m = bind_ok(&p);
    const struct ry_wmat *w = &m.layers[1].down;
    ck_assert_int_eq(w->fmt, fmt);
    ck_assert_uint_eq(w->row_bytes, ry_fmt_row_bytes(fmt, w->n_cols));
    ck_assert_int_eq(w->uniform, ry_fmt_info(fmt)->ternary);
    float row[512], largest = 0;
    ck_assert_uint_le(w->n_cols, 512);
    ry_fmt_info(fmt)->decode(row, w->data, w->n_cols);
    for (size_t i = 0; i < w->n_cols; i++)
        largest = fmaxf(largest, fabsf(row[i]));
    if (fmt == RY_FMT_I2_S)
        largest *= w->scale;
    float unit = 1.0f / sqrtf((float)w->n_cols);
    ck_assert_float_gt(largest, 0.9f * unit);
    ck_assert_float_lt(largest, 2.0f * unit);
    if (w->uniform)
        ck_assert_float_eq_tol(w->scale, unit, 1e-3f * unit);
    ry_model_done(&m);
    done(&p);
}
END_TEST

START_TEST(tied_heads_are_the_embedding)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
    shape.tied = true;
    gb_model(&b, &shape);
    struct parsed p = parse_built(&b), q = parse_model("llama", RY_FMT_F32);
    struct ry_model tied = bind_ok(&p), untied = bind_ok(&q);
    ck_assert_ptr_eq(tied.output.data, tied.tok_embd.data);
    ck_assert_ptr_ne(untied.output.data, untied.tok_embd.data);
    ck_assert_uint_eq(tied.weight_bytes, untied.weight_bytes);
    ck_assert_uint_eq(tied.n_params + 64 * 320, untied.n_params);
    ry_model_done(&tied);
    ry_model_done(&untied);
    done(&p);
    done(&q);
}
END_TEST

START_TEST(fused_matrices_are_views_of_rows)
{
    struct parsed p = parse_model("phi3", RY_FMT_F16);
    struct ry_model m = bind_ok(&p);
    const struct ry_layer *l = &m.layers[0];
    const uint8_t *qkv = ry_gguf_find_tensor(p.gguf, "blk.0.attn_qkv.weight")->data;
    const uint8_t *up = ry_gguf_find_tensor(p.gguf, "blk.0.ffn_up.weight")->data;
    ck_assert_ptr_eq(l->q.data, qkv);
    ck_assert_ptr_eq(l->k.data, qkv + 64 * 64 * 2);
    ck_assert_ptr_eq(l->v.data, qkv + (64 + 32) * 64 * 2);
    ck_assert_ptr_eq(l->gate.data, up);
    ck_assert_ptr_eq(l->up.data, up + 96 * 64 * 2);
    ry_model_done(&m);
    done(&p);
}
END_TEST

START_TEST(half_precision_norms_become_f32)
{
    static const enum ry_fmt halves[] = {RY_FMT_F16, RY_FMT_BF16};
    for (int h = 0; h < 2; h++) {
        struct gb b;
        struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
        gb_model(&b, &shape);
        gb_drop_tensor(&b, "output_norm.weight");
        float norm[64];
        for (int i = 0; i < 64; i++)
            norm[i] = 0.5f + (float)i / 64.0f;
        gb_add_matrix(&b, "output_norm.weight", halves[h], 64, 1, norm);
        gb_layout(&b);
        struct parsed p = parse_built(&b);
        struct ry_model m = bind_ok(&p);
        ck_assert_mem_eq(m.output_norm, norm, sizeof norm);
        ry_model_done(&m);
        done(&p);
    }
}
END_TEST

START_TEST(layers_of_gemma3_slide_but_each_sixth)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("gemma3", RY_FMT_F32);
    shape.n_layer = 7;
    gb_model(&b, &shape);
    uint8_t slides[7] = {1, 1, 1, 1, 1, 0, 1};
    gb_set_array(&b, "gemma3.attention.sliding_window_pattern", RY_GGUF_BOOL, 7, slides, 7);
    gb_set_f32(&b, "gemma3.rope.freq_base", 1e6f);
    gb_set_str(&b, "gemma3.rope.scaling.type", "linear");
    gb_set_f32(&b, "gemma3.rope.scaling.factor", 8.0f);
    struct parsed p = parse_built(&b);
    struct ry_model m = bind_ok(&p);
    for (uint32_t i = 0; i < 7; i++) {
        bool global = i == 5;
        ck_assert_uint_eq(m.layers[i].window, global ? 0 : 8);
        ck_assert_float_eq(m.layers[i].rope_base, global ? 1e6f : 1e4f);
        ck_assert_float_eq(m.layers[i].rope_scale, global ? 8.0f : 1.0f);
    }
    ry_model_done(&m);
    done(&p);
}
END_TEST

START_TEST(layers_of_gemma2_slide_when_even)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("gemma2", RY_FMT_F32);
    gb_model(&b, &shape);
    gb_drop_kv(&b, "gemma2.attention.sliding_window");
    struct parsed p = parse_built(&b);
    struct ry_model m = bind_ok(&p);
    ck_assert_uint_eq(m.layers[0].window, 4096);
    ck_assert_uint_eq(m.layers[1].window, 0);
    ck_assert_float_eq(m.hp.attn_softcap, 50.0f);
    ck_assert_float_eq(m.hp.final_softcap, 30.0f);
    ry_model_done(&m);
    done(&p);
}
END_TEST

/* Heads are wider than n_embd / n_head in the 27B models, whose scores are scaled by the latter. */
START_TEST(the_27b_models_of_gemma_scale_scores_by_the_width)
{
    static const struct {
        const char *arch;
        uint32_t n_layer;
        float scale;
    } cases[] = {
        {"gemma2", 46, 0.5f}, {"gemma2", 2, 0.25f}, {"gemma3", 62, 0.5f}, {"gemma3", 2, 0.25f}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gb b;
        struct gb_shape shape = gb_shape_default(cases[i].arch, RY_FMT_F32);
        shape.n_embd = 16;
        shape.n_ff = 8;
        shape.n_layer = cases[i].n_layer;
        gb_model(&b, &shape);
        struct parsed p = parse_built(&b);
        struct ry_model m = bind_ok(&p);
        ck_assert_float_eq(m.hp.attn_scale, cases[i].scale);
        ry_model_done(&m);
        done(&p);
    }
}
END_TEST

START_TEST(each_fourth_layer_of_smollm3_has_no_rope)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("smollm3", RY_FMT_F32);
    shape.n_layer = 5;
    gb_model(&b, &shape);
    struct parsed p = parse_built(&b);
    struct ry_model m = bind_ok(&p);
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_float_eq(m.layers[i].rope_base, i == 3 ? 0.0f : 1e4f);
    ry_model_done(&m);
    done(&p);
}
END_TEST

START_TEST(longrope_serves_its_original_context)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("phi3", RY_FMT_F32);
    gb_model(&b, &shape);
    float shorts[8], longs[8];
    for (int i = 0; i < 8; i++) {
        shorts[i] = 1.0f + (float)i;
        longs[i] = 100.0f;
    }
    if (_i) /* converters leave it out */
        gb_set_str(&b, "phi3.rope.scaling.type", "longrope");
    gb_set_u32(&b, "phi3.rope.scaling.original_context_length", 128);
    gb_set_f32(&b, "phi3.rope.scaling.attn_factor", 1.25f);
    gb_add_matrix(&b, "rope_factors_short.weight", RY_FMT_F32, 8, 1, shorts);
    gb_add_matrix(&b, "rope_factors_long.weight", RY_FMT_F32, 8, 1, longs);
    gb_layout(&b);
    struct parsed p = parse_built(&b);
    struct ry_model m = bind_ok(&p);
    ck_assert_uint_eq(m.hp.n_ctx_train, 128);
    ck_assert_mem_eq(m.rope_freqs, shorts, sizeof shorts);
    ck_assert_float_eq(m.hp.attn_scale, 0.25f * 1.25f * 1.25f);
    ry_model_done(&m);
    done(&p);
}
END_TEST

START_TEST(every_layer_of_phi3_slides_where_the_file_says_so)
{
    static const uint32_t windows[] = {0, 100};
    for (int k = 0; k < 2; k++) {
        struct gb b;
        struct gb_shape shape = gb_shape_default("phi3", RY_FMT_F32);
        gb_model(&b, &shape);
        gb_set_u32(&b, "phi3.attention.sliding_window", windows[k]);
        struct parsed p = parse_built(&b);
        struct ry_model m = bind_ok(&p);
        ck_assert_uint_eq(m.layers[0].window, windows[k]);
        ck_assert_uint_eq(m.layers[1].window, windows[k]);
        ck_assert_float_eq(m.layers[1].rope_base, 10000.0f);
        ry_model_done(&m);
        done(&p);
    }
}
END_TEST

START_TEST(defaults_stand_in_for_optional_keys)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
    shape.n_head_kv = 4;
    gb_model(&b, &shape);
    static const char *const optional[] = {
        "llama.attention.head_count_kv", "llama.attention.key_length",
        "llama.attention.value_length", "llama.rope.dimension_count", "llama.rope.freq_base"};
    for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++)
        gb_drop_kv(&b, optional[i]);
    uint32_t heads[2] = {4, 4};
    gb_set_array(&b, "llama.attention.head_count", RY_GGUF_U32, 2, heads, sizeof heads);
    struct parsed p = parse_built(&b);
    struct ry_model m = bind_ok(&p);
    ck_assert_uint_eq(m.hp.n_head, 4);
    ck_assert_uint_eq(m.hp.n_head_kv, 4);
    ck_assert_uint_eq(m.hp.head_dim_k, 16);
    ck_assert_uint_eq(m.hp.head_dim_v, 16);
    ck_assert_uint_eq(m.hp.n_rot, 16);
    ck_assert_float_eq(m.hp.rope_base, 10000.0f);
    ck_assert_ptr_null(m.rope_freqs);
    ry_model_done(&m);
    done(&p);
}
END_TEST

static void bind_refused(struct gb *b, const char *expect)
{
    struct parsed p = parse_built(b);
    struct ry_model m;
    ry_err err = {0};
    ck_assert_int_eq(ry_model_bind(&m, p.gguf, &err), RY_ERR_MODEL);
    ck_assert_msg(strstr(err.text, expect), "said: %s", err.text);
    ck_assert_ptr_null(m.arena);
    done(&p);
}

START_TEST(a_vocabulary_alone_does_not_bind)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
    gb_model(&b, &shape);
    while (b.n_tensors)
        gb_drop_tensor(&b, ry_buf_str(&b.tensors[0].name));
    bind_refused(&b, "built.gguf: holds no tensors: a vocabulary only");
}
END_TEST

START_TEST(a_vocabulary_beyond_the_cap_is_refused)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
    gb_model(&b, &shape);
    uint64_t ne[2] = {1, RY_MAX_VOCAB + 1};
    char *zeros = calloc(ne[1], 2);
    ck_assert_ptr_nonnull(zeros);
    gb_drop_tensor(&b, "token_embd.weight");
    gb_add_tensor(&b, "token_embd.weight", 1, 2, ne, zeros, ne[1] * 2);
    free(zeros);
    gb_layout(&b);
    bind_refused(&b, "has 4194305 rows: a vocabulary of 4194304 at most");
}
END_TEST

START_TEST(heads_of_another_type_are_refused)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
    gb_model(&b, &shape);
    float heads[2] = {4, 4};
    gb_set_array(&b, "llama.attention.head_count", RY_GGUF_F32, 2, heads, sizeof heads);
    bind_refused(&b, "key 'llama.attention.head_count' is an array of f32, must hold integers");
}
END_TEST

/* ---- ternary scales ---------------------------------------------------------------------------------- */

/* Binds a bitnet model whose blk.0.ffn_up of 512 rows of one block each was changed by the caller. */
static struct ry_wmat bound_up(struct gb *b)
{
    struct parsed p = parse_built(b);
    struct ry_model m = bind_ok(&p);
    struct ry_wmat up = m.layers[0].up;
    up.data = NULL; /* dies with the image */
    ry_model_done(&m);
    done(&p);
    return up;
}

static struct gb ternary_model(enum ry_fmt fmt, uint8_t **block)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("bitnet", fmt);
    gb_model(&b, &shape);
    *block = (uint8_t *)gb_find_tensor(&b, "blk.0.ffn_up.weight")->data.data +
             100 * ry_fmt_row_bytes(fmt, 256);
    return b;
}

static void set_block(enum ry_fmt fmt, uint8_t *block, float value, uint16_t d_bits)
{
    float w[256];
    for (int i = 0; i < 256; i++)
        w[i] = value;
    ry_fmt_encode(fmt, block, w, 256);
    memcpy(block + ry_fmt_info(fmt)->block_bytes - 2, &d_bits, 2);
}

START_TEST(one_scale_for_all_blocks_is_found)
{
    static const enum ry_fmt fmts[] = {RY_FMT_TQ1_0, RY_FMT_TQ2_0};
    enum ry_fmt fmt = fmts[_i];
    uint8_t *block;
    struct gb b = ternary_model(fmt, &block);
    struct ry_wmat up = bound_up(&b);
    ck_assert(up.uniform);
    ck_assert_float_eq(up.scale, 0.0625f);

    b = ternary_model(fmt, &block); /* another scale in one block */
    set_block(fmt, block, 1.0f, ry_f32_to_f16(0.125f));
    ck_assert(!bound_up(&b).uniform);

    b = ternary_model(fmt, &block); /* a scale of 0 over codes other than 0: those weights are 0 */
    set_block(fmt, block, 1.0f, 0);
    ck_assert(!bound_up(&b).uniform);

    b = ternary_model(fmt, &block); /* all codes 0: whatever the scale says */
    set_block(fmt, block, 0.0f, 0);
    up = bound_up(&b);
    ck_assert(up.uniform);
    ck_assert_float_eq(up.scale, 0.0625f);
    b = ternary_model(fmt, &block);
    set_block(fmt, block, 0.0f, ry_f32_to_f16(3.0f));
    ck_assert(bound_up(&b).uniform);
}
END_TEST

START_TEST(a_scale_tensor_multiplies)
{
    static const enum ry_fmt fmts[] = {RY_FMT_TQ2_0, RY_FMT_I2_S, RY_FMT_F16};
    static const float own[] = {0.0625f, 0.0625f, 1.0f};
    for (int i = 0; i < 3; i++) {
        uint8_t *block;
        struct gb b = ternary_model(fmts[i], &block);
        float three = 3.0f;
        gb_add_matrix(&b, "blk.0.ffn_up.scale", RY_FMT_F32, 1, 1, &three);
        gb_layout(&b);
        ck_assert_float_eq(bound_up(&b).scale, 3.0f * own[i]);
    }
}
END_TEST

/* ---- ryot info --------------------------------------------------------------------------------------- */

static void describe(const struct parsed *p, const struct ry_model *m, bool json, ry_buf *out)
{
    ry_err err = {0};
    ck_assert_int_eq(ry_describe(p->gguf, m, NULL, "chatml", false, json, out, &err), RY_OK);
}

START_TEST(the_description_is_valid_json_and_says_it_all)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("gemma3", RY_FMT_Q8_0);
    gb_model(&b, &shape);
    gb_set_str(&b, "general.name", "a \"name\"\n\x1b[31m \xff");
    gb_set_f32(&b, "odd.number", NAN);
    struct parsed p = parse_built(&b);
    struct ry_model m = bind_ok(&p);
    ry_buf out = {0};
    describe(&p, &m, true, &out);
    cJSON *root = cJSON_Parse(ry_buf_str(&out));
    ck_assert_ptr_nonnull(root);
    cJSON *model = cJSON_GetObjectItem(root, "model"), *keys = cJSON_GetObjectItem(root, "keys");
    ck_assert_str_eq(cJSON_GetObjectItem(model, "arch")->valuestring, "gemma3");
    ck_assert_int_eq(cJSON_GetObjectItem(model, "n_ff")->valueint, 96);
    ck_assert_int_eq(cJSON_GetArraySize(keys), (int)ry_gguf_n_kv(p.gguf));
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "tensors")),
                     (int)ry_gguf_n_tensors(p.gguf));
    const cJSON *kv;
    int n_checked = 0;
    cJSON_ArrayForEach(kv, keys)
    {
        const char *key = cJSON_GetObjectItem(kv, "key")->valuestring;
        const cJSON *value = cJSON_GetObjectItem(kv, "value");
        if (strcmp(key, "general.name") == 0) {
            ck_assert_str_eq(value->valuestring, "a \"name\"\n\x1b[31m \xef\xbf\xbd");
            n_checked++;
        } else if (strcmp(key, "odd.number") == 0) {
            ck_assert(cJSON_IsNull(value));
            n_checked++;
        } else if (strcmp(key, "tokenizer.ggml.tokens") == 0) {
            ck_assert_int_eq(cJSON_GetObjectItem(value, "count")->valueint, 320);
            ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(value, "first")), 8);
            n_checked++;
        }
    }
    ck_assert_int_eq(n_checked, 3);
    cJSON_Delete(root);
    ry_buf_done(&out);
    ry_model_done(&m);
    done(&p);
}
END_TEST

START_TEST(the_text_keeps_one_line_a_key_and_no_control_bytes)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_Q4_0);
    gb_model(&b, &shape);
    gb_set_str(&b, "general.name", "x\ntensors (0)\x1b]0;evil\x07");
    struct parsed p = parse_built(&b);
    struct ry_model m = bind_ok(&p);
    ry_buf out = {0};
    describe(&p, &m, false, &out);
    const char *text = ry_buf_str(&out);
    ck_assert_ptr_nonnull(strstr(text, "architecture  llama\n"));
    ck_assert_ptr_nonnull(strstr(text, "5 F32, 16 Q4_0\n"));
    ck_assert_ptr_nonnull(strstr(text, "x\\ntensors (0)\\u001b]0;evil\\u0007"));
    ck_assert_ptr_nonnull(strstr(text, "\"token_embd.weight\" Q4_0 [64, 320] 11520 bytes at "));
    ck_assert_ptr_null(strchr(text, 0x1b));
    ry_buf_clear(&out);
    describe(&p, NULL, false, &out);
    ck_assert_ptr_nonnull(strstr(ry_buf_str(&out), "architecture  \"llama\"\n"));
    ry_buf_done(&out);
    ry_model_done(&m);
    done(&p);
}
END_TEST

START_TEST(every_kind_of_value_and_the_tokenizer_are_described)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("gemma2", RY_FMT_F32);
    gb_model(&b, &shape);
    uint64_t most = UINT64_MAX;
    double f64 = 0.125;
    char text[151];
    memset(text, 'y', 150);
    text[150] = '\0';
    gb_set(&b, "k.u64", RY_GGUF_U64, &most, 8);
    gb_set(&b, "k.f64", RY_GGUF_F64, &f64, 8);
    gb_set_bool(&b, "k.bool", true);
    gb_set_str(&b, "k.long", text);
    gb_set_array(&b, "k.empty", RY_GGUF_U32, 0, "", 0);
    struct parsed p = parse_built(&b);
    struct ry_model m = bind_ok(&p);
    ry_tok *tok = NULL;
    ry_err err = {0};
    ck_assert_msg(ry_tok_load(&tok, p.gguf, m.hp.n_vocab, &err) == RY_OK, "%s", err.text);
    ry_buf out = {0};
    ck_assert_int_eq(ry_describe(p.gguf, &m, tok, "gemma", false, false, &out, &err), RY_OK);
    const char *lines[] = {"\"k.u64\" u64 18446744073709551615\n",
                           "\"k.f64\" f64 0.125\n",
                           "\"k.bool\" bool true\n",
                           "yyy\"... (150 bytes)\n",
                           "\"k.empty\" u32[0] []\n",
                           ", window 8 (one layer in 2 sees everything)\n",
                           "tokenizer     SPM, 320 tokens, bos 1, eos 2\n",
                           "template      gemma (stands in for one that ryot does not know)\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        ck_assert_msg(strstr(ry_buf_str(&out), lines[i]), "not there: %s", lines[i]);
    ry_buf_clear(&out);
    ck_assert_int_eq(ry_describe(p.gguf, NULL, tok, "", false, true, &out, &err), RY_OK);
    cJSON *root = cJSON_Parse(ry_buf_str(&out));
    ck_assert_ptr_nonnull(root);
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(root, "model")));
    const cJSON *described = cJSON_GetObjectItem(root, "tokenizer");
    ck_assert_int_eq(cJSON_GetObjectItem(described, "n_vocab")->valueint, 320);
    cJSON_Delete(root);
    ry_buf_done(&out);
    ry_tok_free(tok);
    ry_model_done(&m);
    done(&p);
}
END_TEST

/* ---- real files -------------------------------------------------------------------------------------- */

/* Every GGUF of a shared folder opens; with weights, it binds. Returns how many. */
static int open_all(const char *folder, bool header_only)
{
    const char *path = ry_test_shared(folder);
    if (!path)
        return -1;
    char file[4500];
    int n = 0;
    DIR *d = opendir(path);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d));) {
        size_t len = strlen(e->d_name);
        if (len < 5 || strcmp(e->d_name + len - 5, ".gguf") != 0)
            continue;
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        ry_gguf *gguf = NULL;
        ry_err err = {0};
        ck_assert_msg(ry_gguf_open(&gguf, file, header_only, &err) == RY_OK, "%s", err.text);
        if (!header_only) {
            struct ry_model m;
            ck_assert_msg(ry_model_bind(&m, gguf, &err) == RY_OK, "%s", err.text);
            bool ternary = ry_fmt_info(m.layers[0].q.fmt)->ternary;
            ck_assert_msg(m.layers[0].q.uniform == ternary, "%s: no common scale", file);
            ry_model_done(&m);
        }
        ry_gguf_close(gguf);
        n++;
    }
    closedir(d);
    return n;
}

START_TEST(the_golden_files_bind)
{
    int n = open_all("golden", false);
    if (n >= 0)
        ck_assert_int_ge(n, 25);
}
END_TEST

START_TEST(the_trained_models_bind)
{
    int n = open_all("models", false);
    if (n >= 0)
        ck_assert_int_ge(n, 5);
}
END_TEST

START_TEST(the_vocabularies_open)
{
    int n = open_all("vocabs", true);
    if (n >= 0)
        ck_assert_int_ge(n, 6);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("gguf");
    TCase *tc = tcase_create("gguf");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, typed_reads_give_what_was_written);
    tcase_add_test(tc, strings_that_changed_after_the_parse_do_not_lead_outside);
    tcase_add_test(tc, version_2_reads_like_3);
    tcase_add_test(tc, alignment_moves_the_data);
    tcase_add_test(tc, the_fingerprint_tells_files_apart);
    tcase_add_test(tc, header_only_takes_unknown_types_and_missing_data);
    tcase_add_test(tc, header_only_still_refuses_offsets_beyond_2_64);
    tcase_add_test(tc, long_names_are_cut_between_characters);
    tcase_add_loop_test(tc, every_architecture_binds, 0, N_ARCHS);
    tcase_add_loop_test(tc, every_format_binds_and_decodes_to_what_was_encoded, 0, RY_FMT_COUNT);
    tcase_add_test(tc, tied_heads_are_the_embedding);
    tcase_add_test(tc, fused_matrices_are_views_of_rows);
    tcase_add_test(tc, half_precision_norms_become_f32);
    tcase_add_test(tc, layers_of_gemma3_slide_but_each_sixth);
    tcase_add_test(tc, layers_of_gemma2_slide_when_even);
    tcase_add_test(tc, the_27b_models_of_gemma_scale_scores_by_the_width);
    tcase_add_test(tc, each_fourth_layer_of_smollm3_has_no_rope);
    tcase_add_loop_test(tc, longrope_serves_its_original_context, 0, 2);
    tcase_add_test(tc, every_layer_of_phi3_slides_where_the_file_says_so);
    tcase_add_test(tc, defaults_stand_in_for_optional_keys);
    tcase_add_test(tc, a_vocabulary_alone_does_not_bind);
    tcase_add_test(tc, a_vocabulary_beyond_the_cap_is_refused);
    tcase_add_test(tc, heads_of_another_type_are_refused);
    tcase_add_loop_test(tc, one_scale_for_all_blocks_is_found, 0, 2);
    tcase_add_test(tc, a_scale_tensor_multiplies);
    tcase_add_test(tc, the_description_is_valid_json_and_says_it_all);
    tcase_add_test(tc, the_text_keeps_one_line_a_key_and_no_control_bytes);
    tcase_add_test(tc, every_kind_of_value_and_the_tokenizer_are_described);
    tcase_add_test(tc, the_golden_files_bind);
    tcase_add_test(tc, the_trained_models_bind);
    tcase_add_test(tc, the_vocabularies_open);
    suite_add_tcase(s, tc);
    return s;
}

RY_TEST_MAIN(suite);
