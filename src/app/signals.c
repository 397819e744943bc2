/* Signals, noted in a handler and read by the main thread. */
#include "src/app/signals.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/wake.h"

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP, SIGCONT};
enum { N_CAUGHT = sizeof caught / sizeof *caught };

static atomic_bool came[N_CAUGHT]; /* handler stores, main exchanges */
static atomic_bool cancel;
static atomic_int ending;
static enum ry_signals_mode mode;
static ry_wake wake = {-1, -1};

static void on_signal(int sig)
{
    int saved = errno;
    if (mode == RY_SIGNALS_CANCEL && (sig == SIGINT || sig == SIGTERM || sig == SIGHUP)) {
        int none = 0;
        if (!atomic_compare_exchange_strong_explicit(&ending, &none, sig, memory_order_relaxed,
                                                     memory_order_relaxed) &&
            none == sig) {
            signal(sig, SIG_DFL);
            raise(sig);
        }
        atomic_store_explicit(&cancel, true, memory_order_relaxed);
    }
    for (int i = 0; i < N_CAUGHT; i++)
        if (caught[i] == sig)
            atomic_store_explicit(&came[i], true, memory_order_relaxed);
    ry_wake_signal(&wake);
    errno = saved;
}

ry_rc ry_signals_init(enum ry_signals_mode how, ry_err *err)
{
    mode = how;
    ry_rc rc = ry_wake_init(&wake, err);
    if (rc != RY_OK)
        return rc;
    struct sigaction sa = {.sa_handler = on_signal}, old;
    sigemptyset(&sa.sa_mask);
    for (int i = 0; i < N_CAUGHT; i++) {
        if (how == RY_SIGNALS_CANCEL && caught[i] != SIGINT && caught[i] != SIGTERM &&
            caught[i] != SIGHUP)
            continue;
        if (sigaction(caught[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
            continue;
        if (sigaction(caught[i], &sa, NULL) != 0)
            return ry_err_set(err, RY_FAIL, "sigaction for signal %d: %s", caught[i],
                              strerror(errno));
    }
    return RY_OK;
}

int ry_signals_fd(void)
{
    return wake.read_fd;
}

void ry_signals_drain(void)
{
    ry_wake_drain(&wake);
}

bool ry_signals_take(int sig)
{
    for (int i = 0; i < N_CAUGHT; i++)
        if (caught[i] == sig)
            return atomic_exchange_explicit(&came[i], false, memory_order_relaxed);
    return false;
}

const atomic_bool *ry_signals_cancel(void)
{
    return &cancel;
}

int ry_signals_ending(void)
{
    return atomic_load_explicit(&ending, memory_order_relaxed);
}

void ry_signals_block(sigset_t *old)
{
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &all, old);
}

void ry_signals_unblock(const sigset_t *old)
{
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

void ry_signals_reraise(int sig)
{
    struct sigaction sa = {.sa_handler = SIG_DFL};
    sigset_t one;
    sigemptyset(&sa.sa_mask);
    sigaction(sig, &sa, NULL);
    sigemptyset(&one);
    sigaddset(&one, sig);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    raise(sig);
    _exit(128 + sig);
}
