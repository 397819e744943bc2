/* `ryot doctor`: what ryot finds on this machine, with advice. */
#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "src/app/json.h"
#include "src/app/out.h"
#include "src/app/read_limit.h"
#include "src/cmd/bandwidth.h"
#include "src/cmd/cmd.h"
#include "store/vault.h"

/* One finding: what, how it is, and what to do about it ("" nothing). */
struct finding {
    const char *what;
    char how[512], advice[512];
};

enum { MAX_FINDINGS = 16 };

struct findings {
    struct finding list[MAX_FINDINGS];
    size_t n;
};

static struct finding *add(struct findings *f, const char *what)
{
    struct finding *one = &f->list[f->n++];
    *one = (struct finding){.what = what};
    return one;
}

static void find_cpu(struct findings *f)
{
    struct finding *cpu = add(f, "cpu"), *tiers = add(f, "kernels");
    size_t used = 0;
    snprintf(cpu->how, sizeof cpu->how, "%s", ry_cpu_name()[0] ? ry_cpu_name() : "unknown");
    for (int t = 0; t < RY_TIER_COUNT; t++)
        if (ry_tier_usable((enum ry_tier)t))
            used += (size_t)snprintf(tiers->how + used, sizeof tiers->how - used, "%s%s",
                                     used ? ", " : "", ry_tier_name((enum ry_tier)t));
    for (int t = 0; t < RY_TIER_COUNT; t++)
        if (ry_tier_failed((enum ry_tier)t)[0])
            snprintf(tiers->advice, sizeof tiers->advice,
                     "%s gives other bits than scalar (%s) and is not used: please report it",
                     ry_tier_name((enum ry_tier)t), ry_tier_failed((enum ry_tier)t));
    if (ry_tier_best() == RY_TIER_SCALAR && !tiers->advice[0])
        snprintf(tiers->advice, sizeof tiers->advice,
                 "no vector kernel can run here: expect answers to be slow");
}

static void find_threads(struct findings *f)
{
    struct finding *t = add(f, "threads");
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    snprintf(t->how, sizeof t->how, "%d by default, %ld logical processors online",
             ry_cpu_default_threads(), online);
}

/* What one thread and all of them read from memory: measured once on a machine, since it takes a second. */
static void find_bandwidth(struct findings *f, bool fresh)
{
    struct finding *r = add(f, "read");
    const int counts[] = {1, ry_cpu_default_threads()};
    struct ry_read_limit limit;
    ry_err err;
    bool measured = false;
    size_t used = 0;
    ry_read_limit_load(&limit);
    for (size_t i = 0; i < 2 && (i == 0 || counts[1] > 1); i++) {
        if (fresh || ry_read_limit_exact(&limit, counts[i]) == 0) {
            ry_read_limit_set(&limit, counts[i], ry_bandwidth_measure(counts[i]));
            measured = true;
        }
        double gb_s = ry_read_limit_exact(&limit, counts[i]);
        if (gb_s > 0)
            used += (size_t)snprintf(r->how + used, sizeof r->how - used,
                                     "%s%.1f GB/s with %d thread%s", used ? ", " : "", gb_s,
                                     counts[i], counts[i] > 1 ? "s" : "");
    }
    if (!used)
        snprintf(r->how, sizeof r->how, "not measured: memory is short");
    else
        snprintf(r->how + used, sizeof r->how - used, "%s",
                 measured ? ", measured now" : ", measured before (--fresh measures again)");
    if (measured && used && ry_read_limit_store(&limit, &err) != RY_OK)
        snprintf(r->advice, sizeof r->advice, "it is not remembered: %.400s", err.text);
}

static void find_memory(struct findings *f)
{
    struct finding *m = add(f, "memory");
    bool limited = false;
    uint64_t bytes = ry_cpu_available_memory(&limited);
    if (bytes == UINT64_MAX) {
        snprintf(m->how, sizeof m->how, "available memory cannot be read");
        return;
    }
    snprintf(m->how, sizeof m->how, "%.1f GB available%s", (double)bytes / 1e9,
             limited ? ", limited by the cgroup" : "");
    if (bytes < UINT64_C(1000000000))
        snprintf(m->advice, sizeof m->advice,
                 "less than 1 GB: small models only, or --ctx with a small window");
}

static void find_terminal(struct findings *f)
{
    struct finding *t = add(f, "terminal");
    struct winsize ws = {0};
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    bool tty = isatty(STDERR_FILENO) && ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == 0;
    if (tty)
        snprintf(t->how, sizeof t->how, "%.64s, %u x %u, %s%s",
                 term && term[0] ? term : "TERM is not set", ws.ws_col, ws.ws_row,
                 nl_langinfo(CODESET), no_color && no_color[0] ? ", NO_COLOR" : "");
    else
        snprintf(t->how, sizeof t->how, "stderr is no terminal, TERM %.64s, %s",
                 term && term[0] ? term : "not set", nl_langinfo(CODESET));
    if (!term || !term[0] || strcmp(term, "dumb") == 0)
        snprintf(t->advice, sizeof t->advice,
                 "chat uses plain lines; set TERM for the full screen");
    else if (!utf8)
        snprintf(t->advice, sizeof t->advice,
                 "set LC_ALL to a UTF-8 locale for box lines and all scripts");
    else if (tty && (ws.ws_col < 80 || ws.ws_row < 24))
        snprintf(t->advice, sizeof t->advice, "80 x 24 or more shows panels beside the chat");
}

static void find_model(struct ry_setup *s, struct findings *f)
{
    struct finding *m = add(f, "model");
    ry_err err;
    ry_engine *engine = NULL;
    if (ry_setup_model(s, &err) != RY_OK) {
        snprintf(m->how, sizeof m->how, "none");
        snprintf(m->advice, sizeof m->advice, "%.500s", err.text);
        return;
    }
    struct ry_engine_options options = {.path = s->model, .no_repack = true, .no_screen = true};
    if (ry_engine_open(&engine, &options, &err) != RY_OK) {
        snprintf(m->how, sizeof m->how, "unusable");
        snprintf(m->advice, sizeof m->advice, "%.500s", err.text);
        return;
    }
    const struct ry_model_info *info = ry_engine_info(engine);
    snprintf(m->how, sizeof m->how, "%.200s: %.40s, %.40s, %.1f MB", s->model, info->arch,
             info->format, (double)info->tensor_bytes / 1e6);
    ry_engine_close(engine);
}

static void find_vault(struct ry_setup *s, struct findings *f)
{
    struct finding *v = add(f, "vault");
    struct ry_vault_options options = {0};
    struct ry_vault_report report;
    struct ry_vault_session *all = NULL;
    ry_vault *vault = NULL;
    size_t n = 0;
    ry_err err;
    if (ry_setup_vault(s, &options.path, &err) != RY_OK) {
        snprintf(v->how, sizeof v->how, "no path");
        snprintf(v->advice, sizeof v->advice, "%.500s", err.text);
        return;
    }
    if (access(options.path, F_OK) != 0 && errno == ENOENT) {
        snprintf(v->how, sizeof v->how, "%.400s: not there yet, the first chat makes it",
                 options.path);
        return;
    }
    ry_rc rc = ry_vault_open(&vault, &options, &report, &err);
    if (rc == RY_OK)
        rc = ry_vault_session_list(vault, 0, &all, &n, &err);
    if (rc != RY_OK) {
        snprintf(v->how, sizeof v->how, "unusable");
        snprintf(v->advice, sizeof v->advice, "%.500s", err.text);
    } else {
        snprintf(v->how, sizeof v->how, "%.400s: %zu sessions%s", options.path, n,
                 report.read_only ? ", read-only" : "");
        snprintf(v->advice, sizeof v->advice, "%.500s", report.note);
    }
    ry_vault_sessions_free(all, n);
    ry_vault_close(vault);
}

static void print(const struct findings *f, bool json)
{
    ry_buf out = {0};
    if (json)
        ry_buf_adds(&out, "{");
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *one = &f->list[i];
        if (!json) {
            ry_buf_addf(&out, "%-10s %s\n", one->what, one->how);
            if (one->advice[0])
                ry_buf_addf(&out, "%-10s -> %s\n", "", one->advice);
            continue;
        }
        ry_buf_addf(&out, "%s\"%s\": {", i ? ", " : "", one->what);
        ry_json_field(&out, "found", one->how);
        ry_buf_adds(&out, ", ");
        ry_json_field(&out, "advice", one->advice[0] ? one->advice : NULL);
        ry_buf_addc(&out, '}');
    }
    if (json) {
        ry_buf_adds(&out, "}\n");
        ry_out_bytes(ry_buf_str(&out), out.len);
    } else {
        ry_out_block(ry_buf_str(&out), out.len);
    }
    ry_buf_done(&out);
}

ry_rc ry_cmd_doctor(struct ry_setup *s, int *sig, ry_err *err)
{
    struct findings f = {.n = 0};
    (void)sig;
    (void)err;
    find_cpu(&f);
    find_threads(&f);
    find_memory(&f);
    find_bandwidth(&f, s->opts->fresh);
    find_terminal(&f);
    find_model(s, &f);
    find_vault(s, &f);
    print(&f, s->opts->json);
    return RY_OK;
}
