/* The conversation in lines. */
#include "src/app/plain.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "src/app/out.h"
#include "src/app/signals.h"
#include "src/base/mem.h"

enum { LINE_MAX_BYTES = 16 << 20, END_MS = 700, QUIT_MS = 5000 };

struct plain {
    ry_chat *chat;
    ry_buf input; /* what was read and not yet taken */
    bool terminal, eof, quitting, prompted;
    bool hinted; /* ^C on an idle prompt was answered once */
    int sig;
    ry_err last; /* of the last line or turn that failed */
};

/* ---- surface ---- */

static void on_text(void *user, const char *text, size_t len)
{
    (void)user;
    ry_out_text(text, len);
}

static void on_answered(void *user)
{
    struct plain *p = user;
    ry_out_text_end();
    if (p->chat && p->chat->last_rc == RY_OK)
        p->last.rc = RY_OK;
}

static void on_note(void *user, const char *text)
{
    (void)user;
    ry_out_notes(text);
}

static void on_notice(void *user, const char *text, bool error)
{
    struct plain *p = user;
    if (!error) {
        ry_out_note("%s", text);
        return;
    }
    ry_out_error("%s", text);
    ry_err_set(&p->last, p->chat && p->chat->last_rc != RY_OK ? p->chat->last_rc : RY_FAIL, "%s",
               text);
}

static bool on_perform(void *user, enum ry_surface_do what, int arg)
{
    struct plain *p = user;
    (void)arg;
    if (what == RY_DO_QUIT)
        p->quitting = true;
    return what == RY_DO_QUIT;
}

/* ---- input ---- */

static void read_more(struct plain *p)
{
    if (!ry_buf_reserve(&p->input, 65536) || p->input.len > LINE_MAX_BYTES) {
        ry_out_error("a line of more than %d bytes cannot be read", LINE_MAX_BYTES);
        p->last.rc = RY_ERR_INPUT;
        p->quitting = true;
        return;
    }
    ssize_t n = read(STDIN_FILENO, p->input.data + p->input.len, 65536);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        p->eof = true;
        return;
    }
    p->input.len += (size_t)n;
    p->input.data[p->input.len] = '\0';
}

static void submit(struct plain *p, const char *text, size_t len)
{
    ry_err err;
    p->prompted = false;
    if (len == 0)
        return;
    ry_rc rc = ry_chat_submit(p->chat, text, len, &err);
    if (rc == RY_OK)
        return;
    ry_out_error("%s", err.text);
    p->last = err;
    if (p->chat->model_state == RY_MODEL_FAILED && p->chat->last_rc != RY_OK)
        p->last.rc = p->chat->last_rc;
}

/* Takes one line of the input; at the end of stdin what is left is one. */
static void take_line(struct plain *p)
{
    const char *data = ry_buf_str(&p->input);
    const char *nl = p->input.len ? memchr(data, '\n', p->input.len) : NULL;
    if (!nl && !(p->eof && p->input.len))
        return;
    size_t len = nl ? (size_t)(nl - data) : p->input.len, used = len + (nl != NULL);
    char *line = ry_mem_strndup(data, len);
    ry_buf_drop_front(&p->input, used);
    if (line && len > 0 && line[len - 1] == '\r')
        len--;
    if (line)
        submit(p, line, len);
    ry_mem_free(line);
}

static bool has_line(const struct plain *p)
{
    return p->input.len && (p->eof || memchr(p->input.data, '\n', p->input.len));
}

/* Ready for the next line: nothing is going on, and what a command asked the vault for has come.
 * A person may type while the model loads; a script's lines wait for it. */
static bool ready(const struct plain *p)
{
    const ry_chat *chat = p->chat;
    return chat->vault_open && !ry_chat_busy(chat) && !chat->session_pending &&
           !chat->list_pending && (p->terminal || chat->model_state != RY_MODEL_LOADING);
}

/* ---- signals ---- */

static void on_interrupt(struct plain *p)
{
    if (p->chat->turn != RY_TURN_IDLE) {
        ry_chat_stop(p->chat);
        if (!p->terminal)
            p->sig = SIGINT;
    } else if (p->terminal && !p->hinted) {
        p->hinted = true;
        p->prompted = false;
        ry_out_prompt("\n");
        ry_out_note("^C once more, ^D or /quit leaves");
    } else {
        p->sig = SIGINT;
    }
}

static void take_signals(struct plain *p)
{
    ry_signals_drain();
    if (ry_signals_take(SIGTERM))
        p->sig = SIGTERM;
    if (ry_signals_take(SIGHUP))
        p->sig = SIGHUP;
    if (ry_signals_take(SIGINT))
        on_interrupt(p);
    if (ry_signals_take(SIGTSTP)) {
        struct sigaction sa = {.sa_handler = SIG_DFL}, old;
        sigemptyset(&sa.sa_mask);
        sigaction(SIGTSTP, &sa, &old);
        raise(SIGTSTP);
        sigaction(SIGTSTP, &old, NULL);
        p->prompted = false;
    }
}

/* ---- loop ---- */

static bool over(const struct plain *p)
{
    if (p->sig || p->quitting || p->chat->fatal.rc != RY_OK || ry_out_broken(NULL))
        return true;
    return p->eof && p->input.len == 0 && ready(p);
}

static void loop(struct plain *p)
{
    while (!over(p)) {
        bool wants_line = ready(p);
        if (wants_line && has_line(p)) {
            take_line(p);
            ry_chat_pump(p->chat);
            continue;
        }
        if (wants_line && p->terminal && !p->prompted) {
            ry_out_prompt("> ");
            p->prompted = true;
        }
        struct pollfd fds[] = {{.fd = ry_chat_fd(p->chat), .events = POLLIN},
                               {.fd = ry_signals_fd(), .events = POLLIN},
                               {.fd = STDIN_FILENO, .events = POLLIN}};
        poll(fds, wants_line && !p->eof ? 3 : 2, ry_chat_timeout_ms(p->chat));
        take_signals(p);
        ry_chat_pump(p->chat);
        if (wants_line && !p->eof && fds[2].revents && !p->sig) {
            p->hinted = false;
            read_more(p);
        }
    }
}

ry_rc ry_plain_run(const struct ry_chat_options *options, int *sig, ry_err *err)
{
    struct plain p = {.terminal = isatty(STDIN_FILENO) != 0};
    struct ry_chat_options chat = *options;
    chat.surface = (struct ry_surface){.user = &p,
                                       .text = on_text,
                                       .answered = on_answered,
                                       .note = on_note,
                                       .notice = on_notice,
                                       .perform = on_perform};
    ry_rc rc = ry_chat_start(&p.chat, &chat, err);
    if (rc != RY_OK)
        return rc;
    loop(&p);
    ry_chat_settle(p.chat, p.sig ? END_MS : QUIT_MS);
    if (p.prompted && p.terminal)
        ry_out_prompt("\n");
    p.last.text[0] = '\0'; /* it was said when it happened */
    if (p.chat->fatal.rc != RY_OK)
        p.last = p.chat->fatal;
    int n_lost = ry_chat_end(p.chat, p.sig ? 0 : -1);
    if (n_lost > 0) {
        ry_out_error("%d changes could not be saved", n_lost);
        p.last.rc = RY_ERR_VAULT;
    }
    ry_buf_done(&p.input);
    *sig = p.sig;
    *err = p.last;
    return p.last.rc;
}
