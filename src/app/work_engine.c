/* The engine worker's thread body. Text and figures are gathered and leave at most every 33 ms,
 * the first text at once; when main lags behind they wait in the event being filled, and when
 * that is full, so does the model. */
#include "src/app/work_engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "src/app/perf.h"
#include "src/app/signals.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/base/ring.h"

enum { N_EVENTS = 64, N_TASKS = 8 };
static const uint64_t flush_ns = 33000000u;

struct ry_engine_worker {
    pthread_t thread;
    const ry_wake *main_wake;
    ry_wake wake;               /* main signals: a task, a freed event */
    ry_ring *tasks;             /* main pushes, worker pops */
    ry_ring *events, *freed;    /* worker pushes / main pushes */
    struct ry_event *pool;      /* [N_EVENTS] */
    atomic_bool cancel, ending; /* main stores, worker loads, relaxed */
    /* the worker's own from here */
    ry_engine *engine;
    ry_session *session;
    struct ry_session_options session_options;
    char path[1024];
    struct ry_event *cur; /* the event being filled, NULL while none was free */
    uint64_t flushed_ns, began_ns;
    double ttft_ms;
    struct ry_histogram times;
    uint32_t n_prompt, n_past;
    struct ry_figures gathered;
};

/* ---- events ---- */

static struct ry_event *fresh_event(struct ry_engine_worker *w)
{
    struct ry_event *e = ry_ring_pop(w->freed);
    if (e) {
        e->rc = RY_OK;
        e->len = 0;
    }
    return e;
}

/* An event that must leave: waits for main to give one back. */
static struct ry_event *demand_event(struct ry_engine_worker *w)
{
    struct ry_event *e = w->cur ? w->cur : fresh_event(w);
    while (!e) {
        const struct timespec ms = {.tv_nsec = 1000000};
        nanosleep(&ms, NULL);
        e = fresh_event(w);
    }
    w->cur = NULL;
    return e;
}

/* The ring holds as many as the pool, so there is always room. */
static void send_event(struct ry_engine_worker *w, struct ry_event *e, enum ry_event_kind kind)
{
    e->kind = kind;
    ry_ring_push(w->events, e);
    ry_wake_signal(w->main_wake);
}

static void take_figures(struct ry_engine_worker *w, struct ry_figures *out)
{
    *out = w->gathered;
    out->ttft_ms = w->ttft_ms;
    out->p50_ms = (double)ry_histogram_percentile(&w->times, 0.50) / 1e6;
    out->p95_ms = (double)ry_histogram_percentile(&w->times, 0.95) / 1e6;
    out->p99_ms = (double)ry_histogram_percentile(&w->times, 0.99) / 1e6;
    out->n_past = w->n_past;
    ry_session_perf(w->session, &out->perf);
    w->gathered = (struct ry_figures){0};
}

/* Sends what was gathered if the next event to fill is at hand; false when it has to wait. */
static bool flush(struct ry_engine_worker *w)
{
    if (!w->cur || (w->cur->len == 0 && w->gathered.n_tokens == 0))
        return true;
    struct ry_event *next = fresh_event(w);
    if (!next)
        return false;
    take_figures(w, &w->cur->figures);
    send_event(w, w->cur, RY_EVENT_TEXT);
    w->cur = next;
    w->flushed_ns = ry_clock_ns();
    return true;
}

static void on_text(void *user, const char *text, size_t len)
{
    struct ry_engine_worker *w = user;
    while (len > 0) {
        if (!w->cur)
            w->cur = demand_event(w);
        size_t room = sizeof w->cur->text - w->cur->len, n = len < room ? len : room;
        memcpy(w->cur->text + w->cur->len, text, n);
        w->cur->len += n;
        text += n;
        len -= n;
        while (w->cur->len == sizeof w->cur->text && !flush(w)) {
            const struct timespec ms = {.tv_nsec = 1000000};
            nanosleep(&ms, NULL);
        }
    }
    if (w->flushed_ns == 0 || ry_clock_ns() - w->flushed_ns >= flush_ns)
        flush(w);
}

static void on_token(void *user, int32_t id, uint64_t t_ns)
{
    struct ry_engine_worker *w = user;
    (void)id;
    int n_threads = atomic_load_explicit(&w->session_options.live->n_threads, memory_order_relaxed);
    if (w->gathered.n_tokens > 0 && w->gathered.n_threads != n_threads && !flush(w))
        n_threads = 0;
    if (w->ttft_ms == 0)
        w->ttft_ms = (double)(ry_clock_ns() - w->began_ns) / 1e6;
    ry_histogram_add(&w->times, t_ns);
    w->gathered.n_tokens++;
    w->gathered.ns += t_ns;
    w->gathered.n_threads = n_threads;
    w->n_past++;
    if (ry_clock_ns() - (w->flushed_ns ? w->flushed_ns : w->began_ns) >= flush_ns)
        flush(w);
}

static void on_prefill(void *user, size_t n_done, size_t n_total)
{
    struct ry_engine_worker *w = user;
    struct ry_event *e = fresh_event(w);
    w->n_past = w->n_prompt - (uint32_t)(n_total - n_done);
    if (!e)
        return;
    e->n_done = (uint32_t)n_done;
    e->n_total = (uint32_t)n_total;
    e->figures.n_past = w->n_past;
    send_event(w, e, RY_EVENT_PREFILL);
}

static void on_loading(void *user, double share)
{
    struct ry_engine_worker *w = user;
    struct ry_event *e = fresh_event(w);
    if (!e)
        return;
    e->share = share;
    send_event(w, e, RY_EVENT_LOADING);
}

/* ---- loading ---- */

static void send_loaded(struct ry_engine_worker *w)
{
    const struct ry_model_info *info = ry_engine_info(w->engine);
    struct ry_event *e = demand_event(w);
    struct ry_model_facts *f = &e->model;
    ry_err ignored;
    *f = (struct ry_model_facts){0};
    snprintf(f->name, sizeof f->name, "%s", info->name[0] ? info->name : info->path);
    snprintf(f->path, sizeof f->path, "%s", w->path);
    snprintf(f->format, sizeof f->format, "%s", info->format);
    f->template_known = info->template_known;
    f->n_ctx = ry_session_n_ctx(w->session);
    f->kv = ry_session_kv_type(w->session);
    f->kv_bytes = ry_session_kv_bytes(w->session);
    f->fingerprint = info->fingerprint;
    snprintf(f->no_repack, sizeof f->no_repack, "%s", info->no_repack);
    snprintf(f->no_screen, sizeof f->no_screen, "%s", info->no_screen);
    if (ry_session_estimate(w->engine, &w->session_options, &f->memory, &ignored) != RY_OK)
        f->memory = (struct ry_memory){.weights = info->tensor_bytes, .kv = f->kv_bytes};
    send_event(w, e, RY_EVENT_LOADED);
}

static ry_rc open_model(struct ry_engine_worker *w, const struct ry_task *task, ry_engine **out,
                        ry_err *err)
{
    struct ry_engine_options options = {
        .path = task->path,
        .no_repack = !atomic_load_explicit(&task->session.live->repack, memory_order_relaxed),
        .no_screen = !atomic_load_explicit(&task->session.live->screen, memory_order_relaxed),
        .progress = on_loading,
        .user = w,
        .cancel = &w->cancel};
    ry_rc rc = ry_engine_open(out, &options, err);
    if (rc != RY_OK)
        return rc;
    const struct ry_model_info *info = ry_engine_info(*out);
    if (info->has_weights && info->has_tokenizer)
        return RY_OK;
    rc = ry_err_set(err, RY_ERR_MODEL, "%s: no chat with this file: it holds no %s", task->path,
                    info->has_weights ? "tokenizer" : "weights");
    ry_engine_close(*out);
    *out = NULL;
    return rc;
}

/* The session before is given up for the new one's memory, and made again if that fails. */
static void load(struct ry_engine_worker *w, const struct ry_task *task)
{
    ry_engine *engine = NULL;
    ry_session *session = NULL;
    ry_err err = {0}, again;
    ry_rc rc = open_model(w, task, &engine, &err);
    if (rc == RY_OK) {
        ry_session_free(w->session);
        w->session = NULL;
        rc = ry_session_new(&session, engine, &task->session, &err);
        if (rc != RY_OK && w->engine &&
            ry_session_new(&w->session, w->engine, &w->session_options, &again) != RY_OK) {
            ry_engine_close(w->engine);
            w->engine = NULL;
        }
    }
    if (rc != RY_OK) {
        ry_engine_close(engine);
        struct ry_event *e = demand_event(w);
        e->rc = rc;
        e->err = err;
        e->kept = w->session != NULL;
        send_event(w, e, RY_EVENT_LOAD_FAILED);
        return;
    }
    ry_engine_close(w->engine);
    w->engine = engine;
    w->session = session;
    w->session_options = task->session;
    snprintf(w->path, sizeof w->path, "%s", task->path);
    send_loaded(w);
}

/* ---- generating ---- */

static ry_rc answer(struct ry_engine_worker *w, const struct ry_task *task,
                    struct ry_generated *result, ry_err *err)
{
    ry_ids prompt = {0};
    if (!w->session)
        return ry_err_set(err, RY_ERR_MODEL, "no model is loaded");
    ry_rc rc = ry_engine_render_chat(w->engine, task->messages, task->n_messages, &prompt, err);
    if (rc == RY_OK) {
        w->n_prompt = (uint32_t)prompt.n;
        struct ry_generate g = {
            .prompt = prompt.v,
            .n_prompt = prompt.n,
            .max_tokens = task->max_tokens,
            .seed = task->seed,
            .stops = task->stops,
            .n_stops = task->n_stops,
            .cancel = &w->cancel,
            .user = w,
            .on_prefill = on_prefill,
            .on_text = on_text,
            .on_token = on_token,
        };
        rc = ry_generate(w->session, &g, result, err);
    }
    ry_ids_done(&prompt);
    return rc;
}

static void generate(struct ry_engine_worker *w, const struct ry_task *task)
{
    struct ry_generated result = {0};
    ry_err err = {0};
    memset(&w->times, 0, sizeof w->times);
    w->gathered = (struct ry_figures){0};
    w->ttft_ms = 0;
    w->flushed_ns = 0;
    w->n_past = w->n_prompt = 0;
    w->began_ns = ry_clock_ns();
    if (!w->cur)
        w->cur = demand_event(w);
    ry_rc rc = answer(w, task, &result, &err);
    while (!flush(w)) {
        const struct timespec ms = {.tv_nsec = 1000000};
        nanosleep(&ms, NULL);
    }
    struct ry_event *e = demand_event(w);
    e->rc = rc;
    e->err = err;
    e->result = result;
    e->figures = (struct ry_figures){0};
    if (w->session) {
        w->n_past = ry_session_n_past(w->session);
        take_figures(w, &e->figures);
    }
    send_event(w, e, RY_EVENT_DONE);
}

static void *worker_main(void *arg)
{
    struct ry_engine_worker *w = arg;
    for (;;) {
        struct ry_task *task = ry_ring_pop(w->tasks);
        if (!task && atomic_load_explicit(&w->ending, memory_order_relaxed))
            break;
        if (!task) {
            ry_wake_wait(&w->wake, -1);
            continue;
        }
        bool quit = task->kind == RY_TASK_QUIT;
        if (task->kind == RY_TASK_LOAD)
            load(w, task);
        else if (task->kind == RY_TASK_GENERATE)
            generate(w, task);
        ry_task_free(task);
        if (quit || atomic_load_explicit(&w->ending, memory_order_relaxed))
            break;
    }
    ry_session_free(w->session);
    ry_engine_close(w->engine);
    return NULL;
}

/* ---- main's side ---- */

static void free_worker(struct ry_engine_worker *w)
{
    for (struct ry_task *t; w->tasks && (t = ry_ring_pop(w->tasks));)
        ry_task_free(t);
    ry_ring_free(w->tasks);
    ry_ring_free(w->events);
    ry_ring_free(w->freed);
    ry_mem_free(w->pool);
    ry_wake_done(&w->wake);
    ry_mem_free(w);
}

ry_rc ry_engine_worker_start(ry_engine_worker **out, const ry_wake *main_wake, ry_err *err)
{
    struct ry_engine_worker *w = ry_mem_zalloc(1, sizeof *w);
    if (!w)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the engine's worker");
    w->main_wake = main_wake;
    ry_rc rc = ry_wake_init(&w->wake, err);
    if (rc != RY_OK) {
        ry_mem_free(w);
        return rc;
    }
    w->tasks = ry_ring_new(N_TASKS);
    w->events = ry_ring_new(N_EVENTS);
    w->freed = ry_ring_new(N_EVENTS);
    w->pool = ry_mem_zalloc(N_EVENTS, sizeof *w->pool);
    if (!w->tasks || !w->events || !w->freed || !w->pool) {
        rc = ry_err_set(err, RY_ERR_MEMORY, "out of memory for the engine's queues");
        goto fail;
    }
    for (int i = 0; i < N_EVENTS; i++)
        ry_ring_push(w->freed, &w->pool[i]);
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

bool ry_engine_worker_post(ry_engine_worker *w, struct ry_task *task)
{
    atomic_store_explicit(&w->cancel, false, memory_order_relaxed);
    if (!ry_ring_push(w->tasks, task))
        return false;
    ry_wake_signal(&w->wake);
    return true;
}

void ry_engine_worker_cancel(ry_engine_worker *w)
{
    atomic_store_explicit(&w->cancel, true, memory_order_relaxed);
}

struct ry_event *ry_engine_worker_poll(ry_engine_worker *w)
{
    return ry_ring_pop(w->events);
}

void ry_engine_worker_release(ry_engine_worker *w, struct ry_event *event)
{
    ry_ring_push(w->freed, event);
}

bool ry_engine_worker_stop(ry_engine_worker *w, int patience_ms)
{
    if (!w)
        return true;
    uint64_t began = ry_clock_ms();
    struct ry_task *quit = ry_task_new(RY_TASK_QUIT);
    atomic_store_explicit(&w->ending, true, memory_order_relaxed);
    if (quit && !ry_engine_worker_post(w, quit))
        ry_task_free(quit);
    ry_engine_worker_cancel(w);
    ry_wake_signal(&w->wake);
    for (struct timespec until;;) {
        for (struct ry_event *e; (e = ry_engine_worker_poll(w));)
            ry_engine_worker_release(w, e);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 2000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        if (pthread_timedjoin_np(w->thread, NULL, &until) == 0)
            break;
        if (patience_ms >= 0 && ry_clock_ms() - began > (uint64_t)patience_ms)
            return false;
    }
    free_worker(w);
    return true;
}
