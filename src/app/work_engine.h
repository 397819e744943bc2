/* The engine worker: the one thread that evaluates the model, and so the only one to enter its
 * team.
 *
 * Called by the main thread only. Owns engine and session; tells main what it needs to know as
 * events. */
#ifndef RYOT_APP_WORK_ENGINE_H
#define RYOT_APP_WORK_ENGINE_H

#include "src/app/msg.h"
#include "src/base/wake.h"

typedef struct ry_engine_worker ry_engine_worker;

/* Starts the thread. `main_wake` is signalled with each event; borrowed until stop. */
ry_rc ry_engine_worker_start(ry_engine_worker **out, const ry_wake *main_wake, ry_err *err);

/* Moves a task to the worker and takes back an earlier cancel; false when the queue is full: the
 * task stays the caller's. */
bool ry_engine_worker_post(ry_engine_worker *w, struct ry_task *task);

/* Stops what is being loaded or generated, and what was posted before; DONE or LOAD_FAILED still
 * comes. */
void ry_engine_worker_cancel(ry_engine_worker *w);

/* The next event or NULL; give each back. */
struct ry_event *ry_engine_worker_poll(ry_engine_worker *w);
void ry_engine_worker_release(ry_engine_worker *w, struct ry_event *event);

/* Cancels, joins, frees; true. False when the thread has not ended within patience_ms (-1: as
 * long as it takes): then nothing is freed, what it borrows must stay, and the process should
 * end. Accepts NULL. */
bool ry_engine_worker_stop(ry_engine_worker *w, int patience_ms);

#endif
