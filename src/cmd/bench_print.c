/* Rows of `ryot bench` as JSON lines, CSV, or tables for people. */
#include <math.h>
#include <stdio.h>

#include "src/app/json.h"
#include "src/app/out.h"
#include "src/cmd/bench.h"
#include "src/commit.h"

/* ---- for programs: the same fields as JSON and as CSV ---- */

enum kind { TEXT, COUNT, NUMBER };

struct field {
    const char *key;
    enum kind kind;
    const char *text;
    uint64_t count;
    double number; /* NaN: nothing */
};

enum { MAX_FIELDS = 48, NAME_BYTES = 48 };

struct fields {
    struct field list[MAX_FIELDS];
    size_t n;
};

static void text(struct fields *f, const char *key, const char *value)
{
    f->list[f->n++] = (struct field){.key = key, .kind = TEXT, .text = value};
}

static void count(struct fields *f, const char *key, uint64_t value)
{
    f->list[f->n++] = (struct field){.key = key, .kind = COUNT, .count = value};
}

static void number(struct fields *f, const char *key, double value)
{
    f->list[f->n++] = (struct field){.key = key, .kind = NUMBER, .number = value};
}

/* "pp512", "tg128", with the depth behind an @ where there is one. */
static const char *test_name(const struct ry_bench_row *row, char out[NAME_BYTES])
{
    int n = snprintf(out, NAME_BYTES, "%s%zu", row->decode ? "tg" : "pp",
                     row->decode ? row->n_gen : row->n_prompt);
    if (row->n_depth)
        snprintf(out + n, NAME_BYTES - (size_t)n, "@%zu", row->n_depth);
    return out;
}

static const char *kv_name(const struct ry_bench *b)
{
    static const char *const names[RY_KV_COUNT] = {
        [RY_KV_AUTO] = "auto", [RY_KV_F32] = "f32", [RY_KV_F16] = "f16", [RY_KV_Q8] = "q8"};
    return names[ry_session_kv_type(b->session)];
}

static const char *on_off(bool on)
{
    return on ? "on" : "off";
}

static void fill_switches(const struct ry_bench *b, struct fields *f)
{
    const struct ry_model_info *info = ry_engine_info(b->engine);
    bool flash = atomic_load(&b->live.attention) == RY_ATTENTION_FLASH;
    text(f, "attention", flash ? "flash" : "standard");
    text(f, "kv", kv_name(b));
    text(f, "prefetch", on_off(atomic_load(&b->live.prefetch)));
    text(f, "head", atomic_load(&b->live.screen) && info->screen_bytes > 0 ? "screened" : "full");
    text(f, "repack", on_off(atomic_load(&b->live.repack) && info->repacked_bytes > 0));
}

static void fill_fields(const struct ry_bench *b, const struct ry_bench_row *r, const char *test,
                        struct fields *f)
{
    const struct ry_model_info *info = ry_engine_info(b->engine);
    f->n = 0;
    text(f, "model", b->model);
    text(f, "format", info->format);
    count(f, "n_params", info->n_params);
    text(f, "kernel", ry_tier_name(r->tier));
    count(f, "threads", (uint64_t)r->n_threads);
    fill_switches(b, f);
    text(f, "test", test);
    count(f, "n_depth", r->n_depth);
    count(f, "n_prompt", r->n_prompt);
    count(f, "n_gen", r->n_gen);
    number(f, "rate_tok_s_median", r->median);
    number(f, "rate_tok_s_best", r->best);
    number(f, "rate_tok_s_stdev", r->stdev);
    number(f, "ttft_ms", r->ttft_ms);
    number(f, "token_ms_p50", r->p50_ms);
    number(f, "token_ms_p95", r->p95_ms);
    number(f, "token_ms_p99", r->p99_ms);
    count(f, "runs", (uint64_t)b->opts->bench_reps);
    number(f, "read_bandwidth_gb_s", r->bandwidth_gb_s);
    number(f, "weight_bytes_per_token", r->weight_bytes);
    number(f, "kv_bytes_per_token", r->kv_bytes);
    number(f, "share_of_bandwidth", r->share);
    number(f, "gmac_s", r->gmac_s);
    number(f, "product_gmac_s", r->product_gmac_s);
    number(f, "speed_up", r->speed_up);
    number(f, "efficiency", r->speed_up * b->threads[0] / r->n_threads);
    text(f, "cpu", ry_cpu_name());
    text(f, "commit", RYOT_COMMIT);
    text(f, "version", PACKAGE_VERSION);
    text(f, "date", b->date);
}

static void print_json(const struct fields *f, ry_buf *out)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct field *one = &f->list[i];
        ry_buf_adds(out, i ? ", " : "{");
        if (one->kind == TEXT)
            ry_json_field(out, one->key, one->text);
        else if (one->kind == COUNT)
            ry_buf_addf(out, "\"%s\": %llu", one->key, (unsigned long long)one->count);
        else
            ry_json_number(out, one->key, one->number);
    }
    ry_buf_adds(out, "}\n");
}

static void csv_text(ry_buf *out, const char *s)
{
    ry_buf_addc(out, '"');
    for (; *s; s++)
        ry_buf_addf(out, *s == '"' ? "\"\"" : "%c", *s);
    ry_buf_addc(out, '"');
}

static void print_csv(const struct fields *f, bool heads, ry_buf *out)
{
    for (size_t i = 0; i < f->n && heads; i++)
        ry_buf_addf(out, "%s%s", i ? "," : "", f->list[i].key);
    if (heads)
        ry_buf_addc(out, '\n');
    for (size_t i = 0; i < f->n; i++) {
        const struct field *one = &f->list[i];
        ry_buf_adds(out, i ? "," : "");
        if (one->kind == TEXT)
            csv_text(out, one->text);
        else if (one->kind == COUNT)
            ry_buf_addf(out, "%llu", (unsigned long long)one->count);
        else if (isfinite(one->number))
            ry_buf_addf(out, "%.6g", one->number);
    }
    ry_buf_addc(out, '\n');
}

/* ---- for people ---- */

static const struct {
    const char *head;
    int width;
} columns[] = {{"kernel", 7},  {"threads", 7}, {"test", 10},   {"tok/s", 9},  {"+-", 7},
               {"TTFT ms", 8}, {"p50 ms", 8},  {"p95 ms", 8},  {"p99 ms", 8}, {"GMAC/s", 7},
               {"weights", 9}, {"of read", 7}, {"speed-up", 8}};
enum { N_COLUMNS = sizeof columns / sizeof *columns, CELL_BYTES = NAME_BYTES };

static void cell(char out[CELL_BYTES], const char *fmt, double x)
{
    snprintf(out, CELL_BYTES, isfinite(x) ? fmt : "-", x);
}

static void fill_cells(const struct ry_bench_row *r, const char *test,
                       char cells[N_COLUMNS][CELL_BYTES])
{
    size_t n = 0;
    snprintf(cells[n++], CELL_BYTES, "%s", ry_tier_name(r->tier));
    snprintf(cells[n++], CELL_BYTES, "%d", r->n_threads);
    snprintf(cells[n++], CELL_BYTES, "%s", test);
    cell(cells[n++], r->median < 1000 ? "%.1f" : "%.0f", r->median);
    cell(cells[n++], r->stdev < 1000 ? "%.1f" : "%.0f", r->stdev);
    cell(cells[n++], r->ttft_ms < 100 ? "%.2f" : "%.0f", r->ttft_ms);
    cell(cells[n++], "%.3f", r->p50_ms);
    cell(cells[n++], "%.3f", r->p95_ms);
    cell(cells[n++], "%.3f", r->p99_ms);
    cell(cells[n++], "%.1f", r->gmac_s);
    cell(cells[n++], "%.1f GB/s", r->weight_bytes * r->median / 1e9);
    cell(cells[n++], "%.0f %%", 100 * r->share);
    cell(cells[n++], "%.2f", r->speed_up);
}

static void add_row(ry_buf *out, bool md, const char *const texts[N_COLUMNS])
{
    for (size_t i = 0; i < N_COLUMNS; i++)
        ry_buf_addf(out, "%s%*s", md ? "| " : i ? " " : "", columns[i].width, texts[i]);
    ry_buf_adds(out, md ? " |\n" : "\n");
}

static void print_table(const struct ry_bench *b, const struct ry_bench_row *r, const char *test,
                        ry_buf *out)
{
    char cells[N_COLUMNS][CELL_BYTES];
    const char *texts[N_COLUMNS];
    bool md = b->opts->md;
    if (b->n_rows == 0) {
        ry_buf_addf(out, md ? "**%s** (%s, %s)\n\n" : "%s (%s, %s)\n", b->model,
                    ry_engine_info(b->engine)->format, ry_cpu_name());
        for (size_t i = 0; i < N_COLUMNS; i++)
            texts[i] = columns[i].head;
        add_row(out, md, texts);
        for (size_t i = 0; i < N_COLUMNS && md; i++)
            ry_buf_adds(out, "|---:");
        ry_buf_adds(out, md ? "|\n" : "");
    }
    fill_cells(r, test, cells);
    for (size_t i = 0; i < N_COLUMNS; i++)
        texts[i] = cells[i];
    add_row(out, md, texts);
}

bool ry_bench_print(struct ry_bench *b, const struct ry_bench_row *row)
{
    ry_buf out = {0};
    struct fields fields;
    char test[NAME_BYTES];
    bool ok;
    test_name(row, test);
    fill_fields(b, row, test, &fields);
    if (b->opts->json)
        print_json(&fields, &out);
    else if (b->opts->csv)
        print_csv(&fields, b->n_rows == 0, &out);
    else
        print_table(b, row, test, &out);
    if (b->opts->json || b->opts->csv)
        ok = ry_out_bytes(ry_buf_str(&out), out.len);
    else
        ok = ry_out_block(ry_buf_str(&out), out.len);
    b->n_rows++;
    ry_buf_done(&out);
    return ok;
}
