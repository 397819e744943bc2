/* The screen wing, as everybody outside sees it: it draws a view model and returns actions.
 *
 * It knows no model and no database. Editing, scrolling, opening panels and the help happen inside; everything
 * that concerns the conversation leaves as an action. One thread (the one that opened it) calls everything.
 * Every string of the view model is untrusted: the sink sanitises it. */
#ifndef RYOT_UI_UI_H
#define RYOT_UI_UI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

typedef struct ry_ui ry_ui;

/* ---- the view model: filled by the hall before each draw, borrowed for the call ---- */

enum ry_ui_role {
    RY_UI_USER,
    RY_UI_ASSISTANT,
    RY_UI_NOTE
}; /* note: a line of ryot itself between messages */

struct ry_ui_message {
    uint64_t
        id; /* stable and unique in the view: layout is cached by (id, len); text only ever grows under an id */
    enum ry_ui_role role;
    const char *text; /* raw bytes */
    size_t len;
    bool streaming;
    const char
        *tail; /* NULL, or a short remark shown dim behind the message ("stopped", "48.2 tok/s") */
};

enum ry_ui_state { RY_UI_LOADING, RY_UI_IDLE, RY_UI_PREFILL, RY_UI_GENERATING, RY_UI_FAILED };

enum { RY_UI_SPARK = 60, RY_UI_OPS = 12 };

struct ry_ui_perf {
    bool any;            /* false: nothing was measured yet */
    double decode_tok_s; /* one-second window while generating, else of the last answer */
    double prefill_tok_s, ttft_ms;
    double p50_ms, p95_ms, p99_ms; /* per token, of the current or last answer */
    float spark[RY_UI_SPARK];      /* decode rate, one value a second, oldest first */
    size_t n_spark;
    const char *marks[RY_UI_SPARK]; /* NULL or what was switched in that second ("avx2") */
    struct {
        const char *name;
        double share; /* 0..1 of the time */
    } ops[RY_UI_OPS];
    size_t n_ops;
    uint64_t n_screened, n_rescored;   /* rows of logits behind a screen, logits computed in them */
    uint64_t n_drafted, n_accepted;    /* tokens guessed ahead, of them right; 0: no speculation */
    double tokens_a_step;              /* of decoding */
    double read_gb_s, read_limit_gb_s; /* limit 0: not measured on this machine */
    uint64_t memory_bytes, kv_bytes;
    uint32_t kv_reused, kv_computed; /* prefix tokens of the last turn */
    const char *verdict;             /* one line, or NULL */
};

struct ry_ui_threads_row {
    int n_threads;
    double tok_s; /* mean over what was generated with this count */
};

struct ry_ui_cache {
    bool any;
    uint64_t hits, misses, insertions, evictions, lines_used, lines_max, bytes_used, bytes_max;
    uint64_t wal_bytes, db_bytes, n_commits;
    double hot_p50_us, hot_p99_us, cold_p50_us, cold_p99_us;
    uint32_t kv_cells, kv_max, kv_reused, kv_computed;
    uint64_t kv_bytes;
};

struct ry_ui_model {
    const char *app_version, *model_name, *session_title;
    uint32_t ctx_used, ctx_size; /* size 0: not known yet */
    const struct ry_ui_message *messages;
    size_t n_messages;
    enum ry_ui_state state;
    double load_share;                    /* 0..1 while loading */
    uint32_t prefill_done, prefill_total; /* while prefilling */
    double prefill_eta_s;                 /* < 0: unknown */
    const char *kernel, *attention;       /* names, as in the switches */
    int n_threads;
    float temp;
    bool prefetch, repack;
    bool full_head;     /* a screen is there and not used */
    double tok_s;       /* live rate for the status line; 0: none */
    const char *notice; /* NULL, or one line above the prompt that stays until it is replaced */
    bool notice_is_error;
    struct ry_ui_perf perf;
    const struct ry_ui_threads_row *threads;
    size_t n_threads_rows;
    struct ry_ui_cache cache;
};

/* ---- actions ---- */

enum ry_ui_action_kind {
    RY_UI_ACT_NONE,
    RY_UI_ACT_SUBMIT, /* text: what was typed, newlines inside; a line that begins with '/' too */
    RY_UI_ACT_STOP,   /* ^C or Esc while state is prefill or generating */
    RY_UI_ACT_CYCLE_KERNEL, /* ^K on an empty line or while generating (readline's kill otherwise) */
    RY_UI_ACT_THREADS,      /* arg: +1 or -1 */
    RY_UI_ACT_QUIT,         /* ^D on an empty line */
    RY_UI_ACT_SUSPEND,      /* ^Z: the hall calls ry_ui_suspend, stops itself, ry_ui_resume */
    RY_UI_ACT_EXTERNAL_EDIT, /* ^X ^E: the hall runs the editor on text and gives the result to ry_ui_set_draft */
    RY_UI_ACT_HANGUP /* the terminal is gone */
};

struct ry_ui_action {
    enum ry_ui_action_kind kind;
    char *text; /* owned by the caller: ry_mem_free; NULL when the kind has none */
    size_t len;
    int arg;
};

/* A slash command, for completion, hints and the help view; the hall's table, borrowed for the UI's life. */
struct ry_ui_command {
    const char *name; /* "kernel" */
    const char *args; /* "scalar|avx2|avx512", "N", "" … : values split at '|' complete too */
    const char *help; /* one line */
};

/* The command nearest to what was typed (without the slash), for "did you mean"; NULL when none is near. Pure. */
const char *ry_ui_nearest(const struct ry_ui_command *commands, size_t n_commands, const char *name,
                          size_t len);

struct ry_ui_options {
    const struct ry_ui_command *commands; /* [n_commands], sorted by name */
    size_t n_commands;
    const char *history_path; /* NULL: none. Prompt history, 0600; entries keep their newlines */
    bool ascii;               /* no box characters (the locale is not UTF-8) */
    bool color;               /* false with NO_COLOR */
    const char *theme;        /* "dark", "light", "mono"; NULL: dark */
    bool mouse;
};

/* Takes the terminal (stdin, or /dev/tty when stdin is a pipe; so with stdout). Installs the crash restore.
 * RY_ERR_IO when there is no usable terminal. */
ry_rc ry_ui_open(ry_ui **out, const struct ry_ui_options *options, ry_err *err);

/* Gives the terminal back as it was. Accepts NULL. */
void ry_ui_close(ry_ui *ui);

/* Descriptor to poll for input. */
int ry_ui_fd(const ry_ui *ui);

/* Handles what was typed, without waiting, up to the next action: call until kind is NONE. */
void ry_ui_next_action(ry_ui *ui, struct ry_ui_action *out);

/* Milliseconds until the UI wants to be called again without input (a held escape, a frame that the 30 per second
 * limit put off); -1: no wish. */
int ry_ui_timeout_ms(const ry_ui *ui);

/* Draws what changed: at most 30 frames a second, so a call may only remember that it is due (see timeout). */
void ry_ui_draw(ry_ui *ui, const struct ry_ui_model *model);

/* Everything again (^L, after resume, SIGCONT). */
void ry_ui_redraw(ry_ui *ui);

/* SIGWINCH was seen. */
void ry_ui_resized(ry_ui *ui);

/* Leaves and re-enters curses mode around a suspension or an external editor. */
void ry_ui_suspend(ry_ui *ui);
ry_rc ry_ui_resume(ry_ui *ui, ry_err *err);

/* Replaces the draft (external editor, a submission that could not be taken). */
void ry_ui_set_draft(ry_ui *ui, const char *text, size_t len);

/* The draft as it is, NUL-terminated, borrowed until the next call. */
const char *ry_ui_draft(const ry_ui *ui, size_t *len);

enum ry_ui_panel { RY_UI_PANEL_PERF, RY_UI_PANEL_THREADS, RY_UI_PANEL_CACHE, RY_UI_PANEL_COUNT };
/* Opens or closes a panel (the slash commands beside the F-keys); F1 is the help. */
void ry_ui_toggle_panel(ry_ui *ui, enum ry_ui_panel panel);
void ry_ui_show_help(ry_ui *ui);
void ry_ui_set_mouse(ry_ui *ui, bool on);
void ry_ui_toggle_raw(ry_ui *ui); /* markdown source instead of rendered text */

/* Restores the terminal from a signal handler: async-signal-safe, does nothing without an open UI. */
void ry_ui_emergency_restore(void);

#endif
