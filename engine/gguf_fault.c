/* The SIGBUS guard of mapped model files. Process-wide, lock-free; any thread.
 *
 * A file that somebody truncates while it is mapped raises SIGBUS at the next read behind its new end. The handler
 * looks the address up in a small table of watched maps; inside one it lays anonymous zero pages over the rest of
 * the map (from the faulting page: everything behind it is gone too), marks the slot and returns, so that the read
 * is repeated and sees zeros. Whoever evaluates asks ry_gguf_faulted afterwards and reports. Any other SIGBUS goes
 * to the handler that was there before.
 *
 *   slot.base   0: free, 1: being filled in, else the map's first address
 *               stored with release by watch, loaded with acquire by the handler, which then reads len
 *   slot.faulted  stored with release by the handler, loaded with acquire by watch_faulted
 *
 * mmap is not on POSIX's list of async-signal-safe functions; it is a bare system call on every system that ryot
 * runs on. Must not know what is inside the files. */
#include "engine/gguf_internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

enum { N_SLOTS = 64 };

static struct slot {
    _Atomic uintptr_t base;
    _Atomic size_t len;
    atomic_bool faulted;
} slots[N_SLOTS];

static pthread_once_t install_once = PTHREAD_ONCE_INIT;
static struct sigaction previous;
static uintptr_t page_bytes;

/* Covers [page of at, end) with zero pages. */
static bool lay_zero_pages(uintptr_t at, uintptr_t end)
{
    uintptr_t page = at / page_bytes * page_bytes;
    return mmap((void *)page, end - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                0) != MAP_FAILED;
}

static bool absorb(uintptr_t at)
{
    for (size_t i = 0; i < N_SLOTS; i++) {
        struct slot *s = &slots[i];
        uintptr_t base = atomic_load_explicit(&s->base, memory_order_acquire);
        if (base <= 1 || at < base)
            continue;
        size_t len = atomic_load_explicit(&s->len, memory_order_relaxed);
        if (at - base >= len)
            continue;
        atomic_store_explicit(&s->faulted, true, memory_order_release);
        return lay_zero_pages(at, base + len);
    }
    return false;
}

static void pass_on(int sig, siginfo_t *info, void *context)
{
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(sig, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(sig);
    } else {
        /* The instruction is repeated and the default action ends the process, as it would have without us. */
        struct sigaction plain = {.sa_handler = SIG_DFL};
        sigaction(sig, &plain, NULL);
    }
}

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
    int saved = errno;
    if (!absorb((uintptr_t)info->si_addr))
        pass_on(sig, info, context);
    errno = saved;
}

static void install(void)
{
    page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct sigaction action = {.sa_sigaction = on_sigbus,
                               .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous);
}

int ry_gguf_watch(const void *base, size_t len)
{
    pthread_once(&install_once, install);
    for (int i = 0; i < N_SLOTS; i++) {
        struct slot *s = &slots[i];
        uintptr_t expected = 0;
        if (!atomic_compare_exchange_strong_explicit(&s->base, &expected, 1, memory_order_acquire,
                                                     memory_order_relaxed))
            continue;
        atomic_store_explicit(&s->faulted, false, memory_order_relaxed);
        /* Whole pages: the kernel may name any address of the last one. */
        size_t whole = (len + page_bytes - 1) / page_bytes * page_bytes;
        atomic_store_explicit(&s->len, whole, memory_order_relaxed);
        atomic_store_explicit(&s->base, (uintptr_t)base, memory_order_release);
        return i;
    }
    return -1;
}

void ry_gguf_unwatch(int slot)
{
    if (slot >= 0)
        atomic_store_explicit(&slots[slot].base, 0, memory_order_release);
}

bool ry_gguf_watch_faulted(int slot)
{
    return slot >= 0 && atomic_load_explicit(&slots[slot].faulted, memory_order_acquire);
}
