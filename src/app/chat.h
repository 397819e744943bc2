/* One conversation: its lines, its turn, its workers. The same for the screen, plain mode and
 * tests.
 *
 *   submit ─▶ SAVING ─saved─▶ WAITING (for the model) ─▶ PREFILL ─first token─▶ GENERATING ─done─▶ IDLE
 *               │                 │                        │                       │
 *               └──── stop ───────┴──▶ IDLE                └──── stop: cancel ─────┘ (the text is kept)
 *
 * A user's message is on the disk before its inference starts (while the disk fails, it waits in
 * the vault's queue, the person is told, and the turn goes on); an answer is appended at its
 * first text, updated every 200 ms, and finished with its status and figures. Knows no terminal:
 * what happens is told through struct ry_surface. Main thread. */
#ifndef RYOT_APP_CHAT_H
#define RYOT_APP_CHAT_H

#include "src/app/lookup.h"
#include "src/app/msg.h"
#include "src/app/perf.h"
#include "src/app/work_engine.h"
#include "src/app/work_vault.h"
#include "src/base/buf.h"
#include "src/base/wake.h"

enum ry_line_role { RY_LINE_USER, RY_LINE_ASSISTANT, RY_LINE_NOTE };

struct ry_line {
    uint64_t key; /* unique in the process, never reused */
    enum ry_line_role role;
    enum ry_vault_status status;
    bool streaming, in_vault; /* in_vault: it counts as a position of the session there */
    ry_buf text;              /* raw bytes; only grows */
    char tail[96];            /* short remark, "" none */
};

enum ry_turn { RY_TURN_IDLE, RY_TURN_SAVING, RY_TURN_WAITING, RY_TURN_PREFILL, RY_TURN_GENERATING };
enum ry_model_state { RY_MODEL_NONE, RY_MODEL_LOADING, RY_MODEL_READY, RY_MODEL_FAILED };

/* What a slash command wants of the surface. */
enum ry_surface_do {
    RY_DO_PANEL_PERF,
    RY_DO_PANEL_THREADS,
    RY_DO_PANEL_CACHE,
    RY_DO_HELP,
    RY_DO_MOUSE, /* arg: 1 on, 0 off */
    RY_DO_RAW,
    RY_DO_QUIT
};

/* Callbacks into the screen or plain mode; each may be NULL. Texts are raw: sanitise at the
 * sink. */
struct ry_surface {
    void *user;
    void (*text)(void *user, const char *text, size_t len);   /* of the answer, as it comes */
    void (*answered)(void *user);                             /* the turn is over */
    void (*note)(void *user, const char *text);               /* a line of ryot in the transcript */
    void (*notice)(void *user, const char *text, bool error); /* passing news */
    void (*draft)(void *user, const char *text, size_t len);  /* text comes back to the prompt */
    bool (*perform)(void *user, enum ry_surface_do what, int arg); /* false: not on this surface */
};

enum { RY_SESSION_NEW = 0, RY_SESSION_LAST = -1 };

struct ry_chat_options {
    struct ry_surface surface;
    struct ry_live live; /* initial values */
    bool sampling_given; /* on the command line: a resumed session does not change it */
    uint64_t seed;
    const char *system; /* of a new session; NULL none */
    bool system_given;  /* on the command line: a resumed session takes it too */
    const char *model;  /* what to load; NULL: the session's, else default_model */
    const char *default_model;
    /* A person's word for a model into what ry_engine_open takes; *path is the caller's. */
    ry_rc (*resolve_model)(void *user, const char *word, char **path, ry_err *err);
    void *resolve_user;
    struct ry_session_options session; /* live is set by the chat */
    int max_tokens;                    /* of an answer; < 0: until the window is full */
    const char *const *stops;
    size_t n_stops;
    int64_t session_id; /* RY_SESSION_NEW, RY_SESSION_LAST or an id */
    struct ry_vault_options vault;
    struct ry_read_limit read_limit; /* as it was measured before; empty: it was not */
};

typedef struct ry_chat {
    struct ry_chat_options options; /* strings borrowed for the chat's life */
    struct ry_live live;            /* read by the engine worker */
    ry_wake wake;
    ry_engine_worker *engine;
    ry_vault_worker *vault;
    ry_err fatal;  /* rc != RY_OK: the vault cannot be used, the surface ends with this */
    ry_rc last_rc; /* of the last turn */

    struct ry_line *lines; /* [n_lines] owned */
    size_t n_lines, cap_lines;
    uint64_t next_key;

    enum ry_model_state model_state;
    double load_share;
    struct ry_model_facts model;
    char *model_word; /* path being loaded or loaded, owned */

    int64_t session_id;   /* 0: none yet */
    bool session_posted;  /* the vault knows or was asked for it */
    bool session_pending; /* it is being read */
    bool list_pending;    /* the list of sessions is */
    bool vault_open;      /* its reply to the opening has come */
    bool unsaved;         /* the vault is in trouble: what is posted waits there */
    char *title, *system; /* owned, never NULL after new */
    char *attachment;     /* owned: text of /read for the next message, or NULL */
    struct ry_vault_stats vault_stats;

    enum ry_turn turn;
    uint64_t user_key; /* line that waits to be saved */
    size_t answer;     /* index of the answer's line; SIZE_MAX while it has none */
    bool answer_dirty, final_due;
    uint64_t saved_ms; /* when the answer was last posted */
    char *final_stats; /* owned: JSON of the turn until it is posted */
    uint64_t turn_no, turn_seed, turn_began_ns;
    struct ry_generated result; /* of the last answer */

    struct ry_figures figures; /* newest */
    struct ry_perf perf_base;  /* before the answer */
    struct ry_rate rate;
    struct {
        double tokens, ns;
    } by_threads[RY_MAX_THREADS + 1];
    uint32_t n_prefill_done, n_prefill_total;
    bool warned_full;

    ry_guide *guide; /* owned; NULL until a model that takes facts is loaded */
    char *notice;    /* owned, NULL none */
    bool notice_is_error;
} ry_chat;

/* Starts both workers; the model loads behind. *out owned by the caller. */
ry_rc ry_chat_start(ry_chat **out, const struct ry_chat_options *options, ry_err *err);

/* Stops and saves what is going on, ends the workers, frees. Accepts NULL. Returns how many
 * changes could not be saved. patience_ms: -1, or how long the engine may take to hear it before
 * it is left behind (with its memory, since the process is about to end by a signal). */
int ry_chat_end(ry_chat *chat, int patience_ms);

/* Descriptor that is readable when pump has something to do. */
int ry_chat_fd(const ry_chat *chat);
/* Milliseconds until pump wants to be called without that; -1: no wish. */
int ry_chat_timeout_ms(const ry_chat *chat);
/* Takes events and replies, saves what is due. */
void ry_chat_pump(ry_chat *chat);

/* A line of the prompt: a slash command ("//" begins a message with one slash) or a message.
 * RY_ERR_BUSY with the reason: nothing happened, the surface keeps the draft. RY_ERR_USAGE
 * likewise for a command. */
ry_rc ry_chat_submit(ry_chat *chat, const char *text, size_t len, ry_err *err);

/* Stops the answer (cancel), or takes back a turn that has not begun. */
void ry_chat_stop(ry_chat *chat);

/* Whether a turn is going on or something waits to be handed to the vault. */
bool ry_chat_busy(const ry_chat *chat);

/* Stops, and pumps until the answer's end is handed to the vault or deadline_ms have passed. */
void ry_chat_settle(ry_chat *chat, int deadline_ms);

/* ---- for the rooms chat, chat_session and commands ---- */

/* Appends a line; NULL when out of memory. text may be NULL. */
struct ry_line *ry_chat_add_line(ry_chat *chat, enum ry_line_role role, const char *text,
                                 size_t len);
void ry_chat_drop_lines(ry_chat *chat, size_t from);
/* A note in the transcript; a passing notice (fmt NULL: cleared). */
void ry_chat_note(ry_chat *chat, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ry_chat_notice(ry_chat *chat, bool error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Marks a live switch in the transcript and in the sparkline. */
void ry_chat_switched(ry_chat *chat, const char *what, const char *from, const char *to);
/* Begins the turn for the last user's line, which is in the vault (or in trouble). */
ry_rc ry_chat_begin_turn(ry_chat *chat, ry_err *err);
/* Loads a model by path or name. */
ry_rc ry_chat_load(ry_chat *chat, const char *word, ry_err *err);

/* chat_session.c: what changes the session as a whole. All want an idle turn: RY_ERR_BUSY else. */
ry_rc ry_chat_new_session(ry_chat *chat, ry_err *err);
ry_rc ry_chat_open_session(ry_chat *chat, int64_t id, ry_err *err);
ry_rc ry_chat_regenerate(ry_chat *chat, ry_err *err);
ry_rc ry_chat_undo(ry_chat *chat, int n, ry_err *err);
ry_rc ry_chat_set_title(ry_chat *chat, const char *title, ry_err *err);
ry_rc ry_chat_set_system(ry_chat *chat, const char *system, ry_err *err);
ry_rc ry_chat_post_session(ry_chat *chat, const char *first_message, size_t len, ry_err *err);
void ry_chat_adopt_session(ry_chat *chat, struct ry_vault_reply *reply);
void ry_chat_list_sessions(ry_chat *chat, const struct ry_vault_reply *reply);
/* The sampling parameters as JSON. *out owned by the caller, NULL when out of memory. */
char *ry_chat_params_json(const ry_chat *chat);
/* The figures of the last turn as JSON (the fields of `ryot run --json` without the text). */
char *ry_chat_stats_json(const ry_chat *chat, const char *finish);
/* Tokens per second from the first token to the last; 0 with fewer than two. */
double ry_chat_decode_rate(const struct ry_generated *result);
/* Sends an operation; frees it and gives RY_ERR_BUSY when the queue is full, RY_ERR_MEMORY when
 * op is NULL. */
ry_rc ry_chat_post(ry_chat *chat, struct ry_vault_op *op, ry_err *err);

#endif
