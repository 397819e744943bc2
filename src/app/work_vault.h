/* The vault worker: the only thread that uses the vault. It opens it, applies operations in
 * order with one sync for a burst, and keeps what cannot be saved now until it can.
 *
 * Called by the main thread only. */
#ifndef RYOT_APP_WORK_VAULT_H
#define RYOT_APP_WORK_VAULT_H

#include "src/app/msg.h"
#include "src/base/wake.h"

typedef struct ry_vault_worker ry_vault_worker;

/* Starts the thread, which opens the vault and replies OPENED. path is copied; `main_wake` is
 * borrowed until stop and signalled with each reply. */
ry_rc ry_vault_worker_start(ry_vault_worker **out, const struct ry_vault_options *options,
                            const ry_wake *main_wake, ry_err *err);

/* Moves an operation to the worker; false when the queue is full: it stays the caller's. */
bool ry_vault_worker_post(ry_vault_worker *w, struct ry_vault_op *op);

/* The next reply or NULL; free with ry_vault_reply_free. */
struct ry_vault_reply *ry_vault_worker_poll(ry_vault_worker *w);

/* Lets the worker apply what was posted, close the vault and end; frees. Replies that come
 * meanwhile go to `on_reply` (may be NULL), which does not own them. Accepts NULL. */
void ry_vault_worker_stop(ry_vault_worker *w,
                          void (*on_reply)(void *user, const struct ry_vault_reply *reply),
                          void *user);

#endif
