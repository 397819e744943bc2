/* The vault worker's thread body.
 *
 * Writes are applied in batches inside begin/commit and acknowledged after the commit. When a
 * batch fails it is rolled back and its operations are tried one by one: what fails for a reason
 * that may pass stays at the head (order is kept, later ones wait) and is tried again each
 * second; what is refused for good is dropped, and said. */
#include "src/app/work_vault.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "src/app/signals.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/base/ring.h"

enum { N_OPS = 64, N_REPLIES = 128, RETRY_MS = 1000, MAINTAIN_FOR_MS = 60000 };

struct place {
    int64_t session; /* 0: none yet */
    int64_t message; /* vault id of the last message appended */
    uint64_t key;    /* and the hall's name of it */
};

struct ry_vault_worker {
    pthread_t thread;
    const ry_wake *main_wake;
    ry_wake wake;
    ry_ring *ops, *replies;
    atomic_bool
        ending; /* main stores with release, worker loads with acquire: what was posted is seen */
    struct ry_vault_options options;
    char *path; /* owned */
    /* the worker's own from here */
    ry_vault *vault;
    struct ry_vault_op *batch[N_OPS];
    size_t n_batch;
    struct place place;
    uint64_t written_ms, retry_ms; /* 0: nothing written; when to try again */
    bool trouble;
};

/* ---- replies ---- */

static void send_reply(struct ry_vault_worker *w, struct ry_vault_reply *reply)
{
    if (w->vault)
        ry_vault_get_stats(w->vault, &reply->stats);
    while (!ry_ring_push(w->replies, reply)) {
        const struct timespec ms = {.tv_nsec = 1000000};
        ry_wake_signal(w->main_wake);
        nanosleep(&ms, NULL);
    }
    ry_wake_signal(w->main_wake);
}

/* Without memory for a reply the thread cannot be heard: it waits until there is some. */
static struct ry_vault_reply *new_reply(enum ry_vault_reply_kind kind)
{
    struct ry_vault_reply *r;
    while (!(r = ry_mem_zalloc(1, sizeof *r))) {
        const struct timespec ms = {.tv_nsec = 10000000};
        nanosleep(&ms, NULL);
    }
    r->kind = kind;
    return r;
}

static void tell(struct ry_vault_worker *w, enum ry_vault_reply_kind kind,
                 const struct ry_vault_op *op, ry_rc rc, const ry_err *err)
{
    struct ry_vault_reply *r = new_reply(kind);
    r->rc = rc;
    if (err)
        r->err = *err;
    if (op) {
        r->op = op->kind;
        r->key = op->key;
    }
    r->session_id = w->place.session;
    send_reply(w, r);
}

/* ---- operations ---- */

static ry_rc apply_write(struct ry_vault_worker *w, struct place *p, const struct ry_vault_op *op,
                         ry_err *err)
{
    ry_rc rc;
    int64_t id;
    switch (op->kind) {
    case RY_VOP_SESSION_NEW:
        rc = ry_vault_session_create(w->vault, op->model, op->system, op->params, &id, err);
        if (rc == RY_OK)
            *p = (struct place){.session = id};
        if (rc == RY_OK && op->title)
            rc = ry_vault_session_update(w->vault, id, op->title, NULL, NULL, NULL, err);
        return rc;
    case RY_VOP_SESSION_LEAVE:
        *p = (struct place){0};
        return RY_OK;
    case RY_VOP_SESSION_UPDATE:
        if (!p->session)
            return RY_OK;
        return ry_vault_session_update(w->vault, p->session, op->title, op->model, op->system,
                                       op->params, err);
    case RY_VOP_APPEND:
        rc = ry_vault_message_append(w->vault, p->session, op->role, op->text ? op->text : "",
                                     op->text_len, op->status, op->stats, &id, err);
        if (rc == RY_OK) {
            p->message = id;
            p->key = op->key;
        }
        return rc;
    case RY_VOP_UPDATE:
        if (p->key != op->key)
            return ry_err_set(err, RY_ERR_NOT_FOUND, "the message to be updated was not saved");
        return ry_vault_message_update(w->vault, p->message, op->text ? op->text : "", op->text_len,
                                       op->status, op->stats, err);
    case RY_VOP_TRUNCATE:
        return ry_vault_message_truncate(w->vault, p->session, op->pos, err);
    case RY_VOP_SESSION_OPEN:
    case RY_VOP_LIST:
        break;
    }
    return RY_OK;
}

static void read_session(struct ry_vault_worker *w, const struct ry_vault_op *op)
{
    struct ry_vault_reply *r = new_reply(RY_REPLY_SESSION);
    int64_t id = op->id;
    r->rc = id ? RY_OK : ry_vault_session_last(w->vault, &id, &r->err);
    if (r->rc == RY_OK)
        r->rc = ry_vault_session_get(w->vault, id, &r->session, &r->err);
    if (r->rc == RY_OK)
        r->rc = ry_vault_message_list(w->vault, id, &r->messages, &r->n_messages, &r->err);
    if (r->rc == RY_OK)
        w->place = (struct place){.session = id};
    r->session_id = w->place.session;
    send_reply(w, r);
}

static bool apply_read(struct ry_vault_worker *w, const struct ry_vault_op *op)
{
    if (op->kind == RY_VOP_SESSION_OPEN) {
        read_session(w, op);
        return true;
    }
    if (op->kind != RY_VOP_LIST)
        return false;
    struct ry_vault_reply *r = new_reply(RY_REPLY_LIST);
    r->rc = ry_vault_session_list(w->vault, op->limit, &r->list, &r->n_list, &r->err);
    r->session_id = w->place.session;
    send_reply(w, r);
    return true;
}

static void drop_front(struct ry_vault_worker *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ry_vault_op_free(w->batch[i]);
    memmove(w->batch, w->batch + n, (w->n_batch - n) * sizeof *w->batch);
    w->n_batch -= n;
}

static void saved(struct ry_vault_worker *w, const struct ry_vault_op *op)
{
    if (op->kind == RY_VOP_APPEND)
        tell(w, RY_REPLY_SAVED, op, RY_OK, NULL);
}

static bool may_pass(ry_rc rc)
{
    return rc == RY_ERR_VAULT || rc == RY_ERR_IO || rc == RY_ERR_BUSY || rc == RY_ERR_MEMORY;
}

/* One operation in a commit of its own. False: it stays at the head for later. */
static bool apply_alone(struct ry_vault_worker *w, bool last_chance)
{
    struct ry_vault_op *op = w->batch[0];
    struct place p = w->place;
    ry_err err = {0};
    ry_rc rc = ry_vault_begin(w->vault, &err);
    if (rc == RY_OK) {
        rc = apply_write(w, &p, op, &err);
        if (rc == RY_OK)
            rc = ry_vault_commit(w->vault, &err);
        else
            ry_vault_rollback(w->vault);
    }
    if (rc == RY_OK) {
        w->place = p;
        saved(w, op);
    } else if (may_pass(rc) && !last_chance) {
        if (!op->reported)
            tell(w, RY_REPLY_TROUBLE, op, rc, &err);
        op->reported = true;
        w->trouble = true;
        return false;
    } else {
        ry_log("vault: dropped operation %d: %s", (int)op->kind, err.text);
        tell(w, RY_REPLY_DROPPED, op, rc, &err);
    }
    drop_front(w, 1);
    return true;
}

/* The writes at the head of the batch, n of them, with one sync. False when any failed; nothing
 * happened then. */
static bool apply_together(struct ry_vault_worker *w, size_t n)
{
    struct place p = w->place;
    ry_err err;
    if (ry_vault_begin(w->vault, &err) != RY_OK)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (apply_write(w, &p, w->batch[i], &err) == RY_OK)
            continue;
        ry_vault_rollback(w->vault);
        return false;
    }
    if (ry_vault_commit(w->vault, &err) != RY_OK)
        return false;
    w->place = p;
    for (size_t i = 0; i < n; i++)
        saved(w, w->batch[i]);
    drop_front(w, n);
    return true;
}

static void apply_batch(struct ry_vault_worker *w, bool last_chance)
{
    while (w->n_batch > 0) {
        if (apply_read(w, w->batch[0])) {
            drop_front(w, 1);
            continue;
        }
        size_t n = 0;
        while (n < w->n_batch && w->batch[n]->kind != RY_VOP_SESSION_OPEN &&
               w->batch[n]->kind != RY_VOP_LIST)
            n++;
        w->written_ms = ry_clock_ms();
        bool ok = apply_together(w, n);
        while (!ok && n > 0 && apply_alone(w, last_chance))
            n--;
        if (!ok && n > 0) {
            w->retry_ms = ry_clock_ms() + RETRY_MS;
            return;
        }
    }
    w->retry_ms = 0;
    if (w->trouble) {
        w->trouble = false;
        tell(w, RY_REPLY_HEALED, NULL, RY_OK, NULL);
    }
}

/* ---- thread ---- */

static bool open_vault(struct ry_vault_worker *w)
{
    struct ry_vault_reply *r = new_reply(RY_REPLY_OPENED);
    r->rc = ry_vault_open(&w->vault, &w->options, &r->report, &r->err);
    bool ok = r->rc == RY_OK;
    send_reply(w, r);
    return ok;
}

static int patience_ms(const struct ry_vault_worker *w)
{
    if (w->retry_ms)
        return RETRY_MS;
    return w->written_ms && ry_clock_ms() - w->written_ms < MAINTAIN_FOR_MS ? 1000 : -1;
}

static void *worker_main(void *arg)
{
    struct ry_vault_worker *w = arg;
    ry_err err;
    if (!open_vault(w))
        return NULL;
    for (bool done = false; !done;) {
        bool ending = atomic_load_explicit(&w->ending, memory_order_acquire);
        struct ry_vault_op *op;
        while (w->n_batch < N_OPS && (op = ry_ring_pop(w->ops)))
            w->batch[w->n_batch++] = op;
        if (ending || !w->retry_ms || ry_clock_ms() >= w->retry_ms)
            apply_batch(w, ending);
        if (w->written_ms && ry_vault_maintain(w->vault, ry_clock_ms(), &err) != RY_OK)
            ry_log("vault: maintenance: %s", err.text);
        bool more = ry_ring_count(w->ops) > 0;
        done = ending && !more;
        if (!ending && (!more || w->retry_ms))
            ry_wake_wait(&w->wake, patience_ms(w));
    }
    ry_vault_close(w->vault);
    w->vault = NULL;
    return NULL;
}

/* ---- main's side ---- */

static void free_worker(struct ry_vault_worker *w)
{
    for (struct ry_vault_op *op; w->ops && (op = ry_ring_pop(w->ops));)
        ry_vault_op_free(op);
    for (struct ry_vault_reply *r; w->replies && (r = ry_ring_pop(w->replies));)
        ry_vault_reply_free(r);
    while (w->n_batch > 0)
        drop_front(w, 1);
    ry_ring_free(w->ops);
    ry_ring_free(w->replies);
    ry_wake_done(&w->wake);
    ry_mem_free(w->path);
    ry_mem_free(w);
}

ry_rc ry_vault_worker_start(ry_vault_worker **out, const struct ry_vault_options *options,
                            const ry_wake *main_wake, ry_err *err)
{
    struct ry_vault_worker *w = ry_mem_zalloc(1, sizeof *w);
    if (!w)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the vault's worker");
    w->main_wake = main_wake;
    ry_rc rc = ry_wake_init(&w->wake, err);
    if (rc != RY_OK) {
        ry_mem_free(w);
        return rc;
    }
    w->options = *options;
    if (options->path)
        w->options.path = w->path = ry_mem_strdup(options->path);
    w->ops = ry_ring_new(N_OPS);
    w->replies = ry_ring_new(N_REPLIES);
    if ((options->path && !w->path) || !w->ops || !w->replies) {
        rc = ry_err_set(err, RY_ERR_MEMORY, "out of memory for the vault's queues");
        goto fail;
    }
    sigset_t old;
    ry_signals_block(&old);
    int failed = pthread_create(&w->thread, NULL, worker_main, w);
    ry_signals_unblock(&old);
    if (failed) {
        rc = ry_err_set(err, RY_FAIL, "cannot start a thread: %s", strerror(failed));
        goto fail;
    }
    *out = w;
    return RY_OK;
fail:
    free_worker(w);
    return rc;
}

bool ry_vault_worker_post(ry_vault_worker *w, struct ry_vault_op *op)
{
    if (!ry_ring_push(w->ops, op))
        return false;
    ry_wake_signal(&w->wake);
    return true;
}

struct ry_vault_reply *ry_vault_worker_poll(ry_vault_worker *w)
{
    return ry_ring_pop(w->replies);
}

void ry_vault_worker_stop(ry_vault_worker *w,
                          void (*on_reply)(void *user, const struct ry_vault_reply *reply),
                          void *user)
{
    if (!w)
        return;
    atomic_store_explicit(&w->ending, true, memory_order_release);
    ry_wake_signal(&w->wake);
    struct timespec until;
    int joined;
    do {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 2000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        joined = pthread_timedjoin_np(w->thread, NULL, &until);
        for (struct ry_vault_reply *r; (r = ry_vault_worker_poll(w));) {
            if (on_reply)
                on_reply(user, r);
            ry_vault_reply_free(r);
        }
    } while (joined != 0);
    free_worker(w);
}
