/* The vault, measured: what a turn of chat pays for never losing a word.
 *
 *   bench_vault [--json] [--messages N] [DIRECTORY]
 *
 * A vault is made in DIRECTORY (default: here) and removed.
 *
 *   append       one message, acknowledged (one sync)
 *   group        100 messages, one sync, per message
 *   update       an answer of 4 KB rewritten while streaming   maintain  a TRUNCATE checkpoint
 *   list hot     a session of 50 messages from the cache       list cold the same from sqlite
 *   open         opening and checking the whole vault */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/mem.h"
#include "store/hist.h"
#include "store/vault.h"

enum { PER_SESSION = 50, TEXT_BYTES = 800, ANSWER_BYTES = 4096, GROUP = 100 };

static struct {
    bool json;
    long n_messages;
    const char *dir;
} opt = {false, 10000, "."};

static ry_err err;
static char path[512], text[ANSWER_BYTES];

static bool ok(ry_rc rc)
{
    if (rc != RY_OK)
        fprintf(stderr, "bench_vault: %s\n", err.text);
    return rc == RY_OK;
}

static void report(const char *name, const struct ry_hist *h, double per)
{
    if (opt.json)
        printf("{\"bench\":\"vault\",\"test\":\"%s\",\"n\":%llu,\"p50_us\":%.2f,\"p99_us\":%.2f,"
               "\"max_us\":%.2f}\n",
               name, (unsigned long long)h->n, ry_hist_quantile_us(h, 0.5) / per,
               ry_hist_quantile_us(h, 0.99) / per, (double)h->max_ns / 1000.0 / per);
    else
        printf("%-10s %7llu %12.2f %12.2f %12.2f\n", name, (unsigned long long)h->n,
               ry_hist_quantile_us(h, 0.5) / per, ry_hist_quantile_us(h, 0.99) / per,
               (double)h->max_ns / 1000.0 / per);
}

static bool append(ry_vault *vault, int64_t session, int64_t *id)
{
    return ok(ry_vault_message_append(vault, session, RY_VAULT_USER, text, TEXT_BYTES,
                                      RY_VAULT_COMPLETE, NULL, id, &err));
}

/* Sessions of 50 messages, in groups of 100. */
static bool fill(ry_vault *vault, struct ry_hist *group)
{
    int64_t session = 0;
    for (long i = 0; i < opt.n_messages; i += GROUP) {
        uint64_t t = ry_clock_ns();
        if (!ok(ry_vault_begin(vault, &err)))
            return false;
        for (int j = 0; j < GROUP; j++) {
            if (j % PER_SESSION == 0 &&
                !ok(ry_vault_session_create(vault, "model", "", "", &session, &err)))
                return false;
            if (!append(vault, session, NULL))
                return false;
        }
        if (!ok(ry_vault_commit(vault, &err)))
            return false;
        ry_hist_add(group, ry_clock_ns() - t);
        if (!ok(ry_vault_maintain(vault, ry_clock_ms(), &err)))
            return false;
    }
    return true;
}

static bool turn(ry_vault *vault, struct ry_hist *appends, struct ry_hist *updates,
                 struct ry_hist *checkpoints)
{
    int64_t session, id;
    if (!ok(ry_vault_session_create(vault, "model", "", "", &session, &err)))
        return false;
    for (int i = 0; i < 200; i++) {
        uint64_t t = ry_clock_ns();
        if (!append(vault, session, &id))
            return false;
        ry_hist_add(appends, ry_clock_ns() - t);
        t = ry_clock_ns();
        if (!ok(ry_vault_message_update(vault, id, text, ANSWER_BYTES, RY_VAULT_STREAMING, NULL,
                                        &err)))
            return false;
        ry_hist_add(updates, ry_clock_ns() - t);
        if (i % 20 == 19) {
            t = ry_clock_ns();
            if (!ok(ry_vault_maintain(vault, ry_clock_ms() + 60000, &err)))
                return false;
            ry_hist_add(checkpoints, ry_clock_ns() - t);
        }
    }
    return true;
}

static bool list(ry_vault *vault, int64_t session, struct ry_hist *hist)
{
    struct ry_vault_message *m;
    size_t n;
    uint64_t t = ry_clock_ns();
    if (!ok(ry_vault_message_list(vault, session, &m, &n, &err)))
        return false;
    ry_hist_add(hist, ry_clock_ns() - t);
    ry_vault_messages_free(m, n);
    return true;
}

static bool open_vault(ry_vault **vault, struct ry_hist *opens)
{
    uint64_t t = ry_clock_ns();
    if (!ok(ry_vault_open(vault, &(struct ry_vault_options){.path = path, .create = true}, NULL,
                          &err)))
        return false;
    ry_hist_add(opens, ry_clock_ns() - t);
    return true;
}

static void print_message_stats(const ry_vault *vault)
{
    struct ry_vault_stats s;
    ry_vault_get_stats(vault, &s);
    if (opt.json)
        printf("{\"bench\":\"vault\",\"test\":\"message\",\"hot_p50_us\":%.3f,\"hot_p99_us\":%.3f,"
               "\"cold_p50_us\":%.3f,\"cold_p99_us\":%.3f,\"db_bytes\":%llu}\n",
               s.hot_p50_us, s.hot_p99_us, s.cold_p50_us, s.cold_p99_us,
               (unsigned long long)s.db_bytes);
    else
        printf(
            "one message: hot p50 %.2f p99 %.2f us, cold p50 %.2f p99 %.2f us; vault of %.1f MB\n",
            s.hot_p50_us, s.hot_p99_us, s.cold_p50_us, s.cold_p99_us, (double)s.db_bytes / 1e6);
}

static bool measure(void)
{
    struct ry_hist group = {0}, appends = {0}, updates = {0}, checkpoints = {0}, hot = {0},
                   cold = {0}, first_open = {0}, opens = {0};
    ry_vault *vault = NULL;
    bool good = open_vault(&vault, &first_open) && fill(vault, &group) &&
                turn(vault, &appends, &updates, &checkpoints);
    ry_vault_close(vault);
    for (int i = 0; good && i < 5; i++) {
        vault = NULL;
        good = open_vault(&vault, &opens);
        if (i < 4)
            ry_vault_close(vault);
    }
    int64_t n_sessions = opt.n_messages / PER_SESSION;
    for (int64_t s = 1; good && s <= n_sessions; s++)
        good = list(vault, s, &cold);
    int64_t warm = n_sessions < 50 ? n_sessions : 50; /* the last ones, which the cache holds */
    for (int64_t i = 0; good && i < 2000; i++)
        good = list(vault, n_sessions - i % warm, &hot);
    if (good) {
        if (!opt.json)
            printf("%-10s %7s %12s %12s %12s\n", "test", "n", "p50 us", "p99 us", "max us");
        report("append", &appends, 1);
        report("group", &group, GROUP);
        report("update", &updates, 1);
        report("maintain", &checkpoints, 1);
        report("list cold", &cold, 1);
        report("list hot", &hot, 1);
        report("create", &first_open, 1);
        report("open", &opens, 1);
        print_message_stats(vault);
    }
    ry_vault_close(vault);
    return good;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            opt.json = true;
        } else if (strcmp(argv[i], "--messages") == 0 && i + 1 < argc &&
                   atol(argv[i + 1]) >= GROUP) {
            opt.n_messages = atol(argv[++i]) / GROUP * GROUP;
        } else if (argv[i][0] != '-') {
            opt.dir = argv[i];
        } else {
            fprintf(stderr, "usage: bench_vault [--json] [--messages N] [DIRECTORY]\n");
            return 2;
        }
    }
    snprintf(path, sizeof path, "%s/bench_vault.%ld.db", opt.dir, (long)getpid());
    memset(text, 'x', sizeof text);
    bool good = measure();
    unlink(path);
    snprintf(path, sizeof path, "%s/bench_vault.%ld.lock", opt.dir, (long)getpid());
    unlink(path);
    return good ? 0 : 1;
}
