/* Signals: noted in a handler, read by the main thread. INT, TERM, HUP, WINCH, TSTP and CONT are
 * caught, PIPE is ignored (a broken stdout is seen by its write). A signal that was ignored when
 * the program began stays so.
 *
 * Process-wide, since signals are. Handlers only store atomics (relaxed: the wake's write orders
 * them for its reader) and write to the wake. */
#ifndef RYOT_APP_SIGNALS_H
#define RYOT_APP_SIGNALS_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "src/base/err.h"

/* How SIGINT, SIGTERM and SIGHUP are meant. */
enum ry_signals_mode {
    RY_SIGNALS_CANCEL, /* a synchronous command: the cancel flag is set; the same signal again ends at once */
    RY_SIGNALS_LOOP, /* a poll loop reads them from the descriptor */
};

/* Installs the handlers. Call once, before threads. */
ry_rc ry_signals_init(enum ry_signals_mode mode, ry_err *err);

/* Descriptor to poll for signals; -1 before init. */
int ry_signals_fd(void);

/* Empties the descriptor; call before taking. */
void ry_signals_drain(void);

/* Whether sig came since the last take. */
bool ry_signals_take(int sig);

/* Set by INT, TERM and HUP in mode CANCEL. Never NULL. */
const atomic_bool *ry_signals_cancel(void);

/* The first of INT, TERM, HUP that came in mode CANCEL, 0 for none. */
int ry_signals_ending(void);

/* Blocks every signal but the synchronous ones in the calling thread (for workers), returning
 * the old mask. */
void ry_signals_block(sigset_t *old);
void ry_signals_unblock(const sigset_t *old);

/* Ends the process by sig's default action, so that the parent sees 128 + sig. */
_Noreturn void ry_signals_reraise(int sig);

#endif
