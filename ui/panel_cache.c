/* F4, cache: the vault's cache, its reads, the database behind it, and the KV cache. */
#include "ui/plot.h"
#include "ui/view.h"

enum { ROWS = 9 };

static int want_rows(const struct ry_ui_model *model, int cols)
{
    (void)cols;
    return model->cache.any ? ROWS : 1;
}

static void add_of(ry_buf *text, uint64_t n, uint64_t max, const char *unit)
{
    ry_plot_count(text, n);
    if (max) {
        ry_buf_adds(text, " of ");
        ry_plot_count(text, max);
    }
    ry_buf_adds(text, unit);
}

static void draw_vault(struct ry_grid *grid, struct ry_rect at, const struct ry_ui_cache *cache)
{
    ry_buf text = {0};
    double asked = (double)cache->hits + (double)cache->misses;
    if (asked > 0)
        ry_buf_addf(&text, "hit %.1f %%  ", 100 * (double)cache->hits / asked);
    else
        ry_buf_adds(&text, "not read yet  ");
    add_of(&text, cache->lines_used, cache->lines_max, " lines");
    ry_panel_field(grid, at, 0, 0, "vault  ", ry_buf_str(&text));
    ry_buf_clear(&text);
    ry_plot_bytes(&text, cache->bytes_used);
    ry_buf_adds(&text, " of ");
    ry_plot_bytes(&text, cache->bytes_max);
    ry_panel_field(grid, at, 1, 0, "bytes  ", ry_buf_str(&text));
    ry_buf_clear(&text);
    ry_plot_count(&text, cache->hits);
    ry_buf_adds(&text, " hits  ");
    ry_plot_count(&text, cache->misses);
    ry_buf_adds(&text, " misses");
    ry_panel_field(grid, at, 2, 0, "reads  ", ry_buf_str(&text));
    ry_buf_clear(&text);
    ry_plot_count(&text, cache->insertions);
    ry_buf_adds(&text, " in  ");
    ry_plot_count(&text, cache->evictions);
    ry_buf_adds(&text, " evicted");
    ry_panel_field(grid, at, 3, 0, "lines  ", ry_buf_str(&text));
    ry_buf_done(&text);
}

static void draw_time(struct ry_grid *grid, struct ry_rect at, int row, const char *label,
                      double p50_us, double p99_us)
{
    ry_buf text = {0};
    ry_buf_adds(&text, "p50 ");
    ry_plot_ms(&text, p50_us / 1e3);
    ry_buf_adds(&text, "  p99 ");
    ry_plot_ms(&text, p99_us / 1e3);
    ry_panel_field(grid, at, row, 0, label, ry_buf_str(&text));
    ry_buf_done(&text);
}

static void draw_disk(struct ry_grid *grid, struct ry_rect at, const struct ry_ui_cache *cache)
{
    ry_buf text = {0};
    ry_plot_bytes(&text, cache->db_bytes);
    ry_buf_adds(&text, "  WAL ");
    ry_plot_bytes(&text, cache->wal_bytes);
    ry_buf_adds(&text, "  ");
    ry_plot_count(&text, cache->n_commits);
    ry_buf_adds(&text, " commits");
    ry_panel_field(grid, at, 6, 0, "disk   ", ry_buf_str(&text));
    ry_buf_done(&text);
}

static void draw_kv(struct ry_grid *grid, struct ry_rect at, const struct ry_ui_cache *cache)
{
    ry_buf text = {0};
    add_of(&text, cache->kv_cells, cache->kv_max, " cells  ");
    ry_plot_bytes(&text, cache->kv_bytes);
    ry_panel_field(grid, at, 7, 0, "KV     ", ry_buf_str(&text));
    ry_buf_clear(&text);
    ry_plot_count(&text, cache->kv_reused);
    ry_buf_adds(&text, " reused  ");
    ry_plot_count(&text, cache->kv_computed);
    ry_buf_adds(&text, " computed");
    ry_panel_field(grid, at, 8, 0, "prefix ", ry_buf_str(&text));
    ry_buf_done(&text);
}

static void draw(struct ry_grid *grid, struct ry_rect at, const struct ry_ui_model *model)
{
    const struct ry_ui_cache *cache = &model->cache;
    if (!cache->any) {
        ry_panel_field(grid, at, 0, 0, "nothing was stored or read yet", "");
        return;
    }
    draw_vault(grid, at, cache);
    draw_time(grid, at, 4, "hot    ", cache->hot_p50_us, cache->hot_p99_us);
    draw_time(grid, at, 5, "cold   ", cache->cold_p50_us, cache->cold_p99_us);
    draw_disk(grid, at, cache);
    draw_kv(grid, at, cache);
}

const struct ry_view ry_panel_cache = {.title = "F4 cache", .want_rows = want_rows, .draw = draw};
