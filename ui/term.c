/* The terminal: one in a process, so that its state is static. Owned by the UI's thread; the
 * emergency path may run in a signal handler on any thread, and touches only what was prepared when
 * the terminal was taken. */
#include "ui/term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

#include "src/base/clock.h"
#include "ui/grid.h"

enum { ESC_DELAY_MS = 25, PASTE_GIVE_UP_MS = 5000, PASTE_BEGIN = 2000, MAX_SIDE = 2000 };

static const char paste_on[] = "\033[?2004h", paste_off[] = "\033[?2004l";
static const char paste_end[] = "\033[201~";
static const char mouse_off[] = "\033[?1006l\033[?1002l\033[?1000l";

static struct {
    FILE *in, *out;
    bool own_in, own_out, colored, mouse;
    SCREEN *screen;
    WINDOW *keys; /* a pad, so that reading a key never refreshes the screen */
    struct {
        bool open;
        int matched; /* bytes of paste_end seen */
        uint64_t last_ms;
    } paste;
} term;

/* For the emergency: written before `armed` is set (release), read after it was taken (acquire). */
static struct {
    int fd;
    struct termios saved;
    bool has_saved;
    char bytes[256];
    size_t len;
} rescue;
static atomic_int armed;

/* ---- coming back after a crash ---- */

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL,
                                    SIGTERM, SIGHUP, SIGINT,  SIGQUIT};
enum { N_FATAL = sizeof fatal_signals / sizeof *fatal_signals, N_ALWAYS = 5 };
static struct sigaction before[N_FATAL];
static bool taken[N_FATAL];

void ry_term_emergency_restore(void)
{
    if (!atomic_exchange_explicit(&armed, 0, memory_order_acquire))
        return;
    int saved_errno = errno;
    for (size_t at = 0; at < rescue.len;) {
        ssize_t n = write(rescue.fd, rescue.bytes + at, rescue.len - at);
        if (n <= 0 && errno != EINTR)
            break;
        at += n > 0 ? (size_t)n : 0;
    }
    if (rescue.has_saved)
        tcsetattr(rescue.fd, TCSANOW, &rescue.saved);
    errno = saved_errno;
}

/* Restores, gives the signal back to whoever had it, and lets it happen again: a fault by returning
 * to the instruction that faulted, a sent signal by raising it. */
static void on_fatal(int sig, siginfo_t *info, void *context)
{
    (void)context;
    ry_term_emergency_restore();
    for (int i = 0; i < N_FATAL; i++)
        if (fatal_signals[i] == sig)
            sigaction(sig, &before[i], NULL);
    if (info->si_code <= 0 || sig == SIGABRT)
        raise(sig);
}

/* Faults always; the others only where nobody has made arrangements (the hall has its own for
 * them). */
static void take_signals(void)
{
    static char stack[32768];
    stack_t ss;
    if (sigaltstack(NULL, &ss) == 0 && ss.ss_flags & SS_DISABLE) {
        ss = (stack_t){.ss_sp = stack, .ss_size = sizeof stack};
        sigaltstack(&ss, NULL);
    }
    for (int i = 0; i < N_FATAL; i++) {
        struct sigaction mine = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        sigemptyset(&mine.sa_mask);
        taken[i] = false;
        if (sigaction(fatal_signals[i], NULL, &before[i]) < 0 ||
            (i >= N_ALWAYS && before[i].sa_handler != SIG_DFL))
            continue;
        taken[i] = sigaction(fatal_signals[i], &mine, NULL) == 0;
    }
}

static void give_signals_back(void)
{
    for (int i = 0; i < N_FATAL; i++) {
        struct sigaction now;
        if (taken[i] && sigaction(fatal_signals[i], NULL, &now) == 0 && now.sa_flags & SA_SIGINFO &&
            now.sa_sigaction == on_fatal)
            sigaction(fatal_signals[i], &before[i], NULL);
        taken[i] = false;
    }
}

/* Appends a terminfo string without its padding marks ("$<5>"). */
static void rescue_add(const char *s)
{
    if (!s || s == (char *)-1)
        return;
    while (*s && rescue.len < sizeof rescue.bytes) {
        const char *end = s[0] == '$' && s[1] == '<' ? strchr(s, '>') : NULL;
        if (end)
            s = end + 1;
        else
            rescue.bytes[rescue.len++] = *s++;
    }
}

static void arm(void)
{
    rescue.len = 0;
    rescue_add(paste_off);
    rescue_add(mouse_off);
    rescue_add(tigetstr("sgr0"));
    rescue_add(tigetstr("cnorm"));
    rescue_add(tigetstr("rmkx"));
    rescue_add(tigetstr("rmcup"));
    atomic_store_explicit(&armed, 1, memory_order_release);
}

/* ---- entering and leaving ---- */

static void send(const char *bytes)
{
    size_t len = strlen(bytes);
    fflush(term.out);
    while (len > 0) {
        ssize_t n = write(fileno(term.out), bytes, len);
        if (n < 0 && errno != EINTR)
            return;
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

static FILE *tty_or(FILE *standard, const char *mode, bool *own)
{
    *own = !isatty(fileno(standard));
    if (!*own)
        return standard;
    int fd = open("/dev/tty", (*mode == 'r' ? O_RDONLY : O_WRONLY) | O_CLOEXEC | O_NOCTTY);
    FILE *file = fd < 0 ? NULL : fdopen(fd, mode);
    if (!file && fd >= 0)
        close(fd);
    return file;
}

static void release_files(void)
{
    if (term.in && term.own_in)
        fclose(term.in);
    if (term.out && term.own_out)
        fclose(term.out);
    term.in = term.out = NULL;
}

/* Colours by meaning: {dark, light} foregrounds (-1: the terminal's own) and flags that say it
 * without colour. */
static const struct {
    short dark, light;
    unsigned long flags, mono_flags;
} styles[RY_AT_COUNT] = {
    [RY_AT_TEXT] = {-1, -1, A_NORMAL, A_NORMAL},
    [RY_AT_DIM] = {8, 8, A_NORMAL, A_DIM},
    [RY_AT_TITLE] = {COLOR_CYAN, COLOR_BLUE, A_BOLD, A_BOLD},
    [RY_AT_USER] = {COLOR_YELLOW, COLOR_BLUE, A_BOLD, A_BOLD},
    [RY_AT_RYOT] = {COLOR_GREEN, COLOR_GREEN, A_BOLD, A_BOLD},
    [RY_AT_HEADING] = {COLOR_CYAN, COLOR_BLUE, A_BOLD, A_BOLD},
    [RY_AT_CODE] = {COLOR_YELLOW, COLOR_MAGENTA, A_NORMAL, A_NORMAL},
    [RY_AT_LINK] = {COLOR_BLUE, COLOR_BLUE, A_UNDERLINE, A_UNDERLINE},
    [RY_AT_GOOD] = {COLOR_GREEN, COLOR_GREEN, A_NORMAL, A_NORMAL},
    [RY_AT_WARN] = {COLOR_YELLOW, COLOR_MAGENTA, A_BOLD, A_BOLD},
    [RY_AT_ERROR] = {COLOR_RED, COLOR_RED, A_BOLD, A_BOLD},
    [RY_AT_BAR] = {COLOR_CYAN, COLOR_BLUE, A_NORMAL, A_NORMAL},
    [RY_AT_KEY] = {COLOR_CYAN, COLOR_BLUE, A_NORMAL, A_BOLD},
};

static void set_colors(const struct ry_term_options *options)
{
    bool mono = options->theme && strcmp(options->theme, "mono") == 0;
    bool light = options->theme && strcmp(options->theme, "light") == 0;
    term.colored = false;
    if (!options->color || mono || !has_colors() || start_color() == ERR)
        return;
    use_default_colors();
    for (short i = 1; i < RY_AT_COUNT; i++) {
        short fg = light ? styles[i].light : styles[i].dark;
        init_pair(i, fg < COLORS ? fg : -1, -1);
    }
    term.colored = true;
}

void ry_term_style(unsigned attr, unsigned long *curses_attr, short *pair)
{
    unsigned meaning = attr & RY_AT_MEANING;
    unsigned long a;
    if (meaning >= RY_AT_COUNT)
        meaning = RY_AT_TEXT;
    a = term.colored ? styles[meaning].flags : styles[meaning].mono_flags;
    if (term.colored && meaning == RY_AT_DIM && COLORS < 16)
        a |= A_DIM;
    if (attr & RY_AT_BOLD)
        a |= A_BOLD;
    if (attr & RY_AT_ITALIC)
        a |= A_ITALIC;
    if (attr & RY_AT_UNDERLINE)
        a |= A_UNDERLINE;
    if (attr & RY_AT_REVERSE)
        a |= A_REVERSE;
    *curses_attr = a;
    *pair = term.colored ? (short)meaning : 0;
}

ry_rc ry_term_open(const struct ry_term_options *options, ry_err *err)
{
    /* Only SIGWINCH stays with curses; its handlers for the others would end the program behind our
     * back. */
    static const int not_for_curses[] = {SIGINT, SIGTERM, SIGTSTP};
    struct sigaction kept[3];
    if (term.screen)
        return ry_err_set(err, RY_ERR_IO, "the terminal is taken already");
    term.in = tty_or(stdin, "r", &term.own_in);
    term.out = tty_or(stdout, "w", &term.own_out);
    if (!term.in || !term.out) {
        release_files();
        return ry_err_set(err, RY_ERR_IO, "no terminal to draw on: use --plain");
    }
    rescue.fd = fileno(term.out);
    rescue.has_saved = tcgetattr(fileno(term.in), &rescue.saved) == 0;
    for (int i = 0; i < 3; i++)
        sigaction(not_for_curses[i], NULL, &kept[i]);
    set_escdelay(ESC_DELAY_MS);
    term.screen = newterm(NULL, term.out, term.in);
    for (int i = 0; i < 3; i++)
        sigaction(not_for_curses[i], &kept[i], NULL);
    if (!term.screen) {
        release_files();
        return ry_err_set(err, RY_ERR_IO, "the terminal type in TERM is unknown: use --plain");
    }
    take_signals();
    raw();
    noecho();
    nonl();
    term.keys = newpad(1, 1);
    if (term.keys) {
        keypad(term.keys, TRUE);
        nodelay(term.keys, TRUE);
        define_key("\033[200~", PASTE_BEGIN);
    }
    set_colors(options);
    leaveok(stdscr, FALSE);
    arm();
    send(paste_on);
    ry_term_set_mouse(options->mouse);
    if (!term.keys) {
        ry_term_close();
        return ry_err_set(err, RY_ERR_MEMORY, "no memory for the terminal");
    }
    return RY_OK;
}

void ry_term_close(void)
{
    if (!term.screen)
        return;
    if (atomic_load_explicit(&armed, memory_order_relaxed))
        ry_term_suspend();
    if (term.keys)
        delwin(term.keys);
    delscreen(term.screen);
    give_signals_back();
    release_files();
    memset(&term, 0, sizeof term);
}

void ry_term_suspend(void)
{
    if (!term.screen)
        return;
    send(paste_off);
    send(mouse_off);
    endwin();
    atomic_store_explicit(&armed, 0, memory_order_relaxed);
}

void ry_term_resume(void)
{
    if (!term.screen)
        return;
    clearok(curscr, TRUE);
    refresh();
    atomic_store_explicit(&armed, 1, memory_order_release);
    send(paste_on);
    ry_term_set_mouse(term.mouse);
}

int ry_term_fd(void)
{
    return term.in ? fileno(term.in) : -1;
}

void ry_term_set_mouse(bool on)
{
    term.mouse = on;
    if (on)
        mousemask(BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
    else
        mousemask(0, NULL);
}

void ry_term_size(int *rows, int *cols)
{
    struct winsize ws;
    if (term.out && ioctl(fileno(term.out), TIOCGWINSZ, &ws) == 0 && ws.ws_row > 0 &&
        ws.ws_col > 0 && ws.ws_row <= MAX_SIDE && ws.ws_col <= MAX_SIDE &&
        (ws.ws_row != LINES || ws.ws_col != COLS))
        resizeterm(ws.ws_row, ws.ws_col);
    getmaxyx(stdscr, *rows, *cols);
}

/* ---- keys ---- */

static bool is_gone(void)
{
    struct pollfd pfd = {.fd = fileno(term.in), .events = POLLIN};
    int waiting = 0;
    if (poll(&pfd, 1, 0) <= 0)
        return false;
    if (pfd.revents & (POLLHUP | POLLERR | POLLNVAL))
        return true;
    return pfd.revents & POLLIN && ioctl(pfd.fd, FIONREAD, &waiting) == 0 && waiting == 0;
}

/* Reads what a paste has brought. Never more at once than is surely missing of its end, so that
 * nothing behind it is taken. True when the end has come (or is given up). */
static bool read_paste(ry_buf *paste)
{
    int fd = fileno(term.in), waiting = 0;
    uint64_t now = ry_clock_ms();
    while (term.paste.open && ioctl(fd, FIONREAD, &waiting) == 0 && waiting > 0) {
        char bytes[sizeof paste_end];
        ssize_t n = read(fd, bytes, sizeof paste_end - 1 - (size_t)term.paste.matched);
        if (n <= 0)
            break;
        term.paste.last_ms = now;
        for (ssize_t i = 0; i < n; i++) {
            if (bytes[i] != paste_end[term.paste.matched]) {
                ry_buf_add(paste, paste_end, (size_t)term.paste.matched);
                term.paste.matched = 0;
            }
            if (bytes[i] == paste_end[term.paste.matched])
                term.paste.matched++;
            else
                ry_buf_addc(paste, bytes[i]);
        }
        if (term.paste.matched == sizeof paste_end - 1)
            term.paste.open = false;
    }
    if (term.paste.open && now - term.paste.last_ms >= PASTE_GIVE_UP_MS)
        term.paste.open = false;
    return !term.paste.open;
}

int ry_term_timeout_ms(void)
{
    if (!term.paste.open)
        return -1;
    uint64_t past = ry_clock_ms() - term.paste.last_ms;
    return past >= PASTE_GIVE_UP_MS ? 0 : (int)(PASTE_GIVE_UP_MS - past);
}

static int32_t wheel(void)
{
    MEVENT event;
    if (getmouse(&event) != OK)
        return RY_KEY_NONE;
    return event.bstate & BUTTON4_PRESSED   ? RY_KEY_WHEEL_UP
           : event.bstate & BUTTON5_PRESSED ? RY_KEY_WHEEL_DOWN
                                            : RY_KEY_NONE;
}

/* Keys with modifiers have no codes of their own in curses, only names from the terminal
 * description. */
static int32_t named_key(int code)
{
    static const struct {
        const char *name;
        int32_t key;
    } names[] = {
        {"kLFT5", RY_KEY_WORD_LEFT},          {"kLFT3", RY_KEY_WORD_LEFT},
        {"kRIT5", RY_KEY_WORD_RIGHT},         {"kRIT3", RY_KEY_WORD_RIGHT},
        {"kHOM3", RY_KEY_HOME | RY_KEY_ALT},  {"kHOM5", RY_KEY_HOME | RY_KEY_ALT},
        {"kEND3", RY_KEY_END | RY_KEY_ALT},   {"kEND5", RY_KEY_END | RY_KEY_ALT},
        {"kDC3", RY_KEY_DELETE | RY_KEY_ALT}, {"kDC5", RY_KEY_DELETE | RY_KEY_ALT},
    };
    const char *name = keyname(code);
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i].name) == 0)
            return names[i].key;
    return RY_KEY_NONE;
}

static int32_t function_key(int code)
{
    if (code >= KEY_F(1) && code <= KEY_F(12))
        return RY_KEY_F1 + (code - KEY_F(1));
    switch (code) {
    case KEY_UP:
        return RY_KEY_UP;
    case KEY_DOWN:
        return RY_KEY_DOWN;
    case KEY_LEFT:
        return RY_KEY_LEFT;
    case KEY_RIGHT:
        return RY_KEY_RIGHT;
    case KEY_HOME:
    case KEY_A1:
        return RY_KEY_HOME;
    case KEY_END:
    case KEY_C1:
        return RY_KEY_END;
    case KEY_PPAGE:
        return RY_KEY_PAGE_UP;
    case KEY_NPAGE:
        return RY_KEY_PAGE_DOWN;
    case KEY_BACKSPACE:
        return RY_KEY_BACKSPACE;
    case KEY_DC:
        return RY_KEY_DELETE;
    case KEY_BTAB:
        return RY_KEY_BACKTAB;
    case KEY_ENTER:
        return '\r';
    case KEY_RESIZE:
        return RY_KEY_RESIZE;
    case KEY_MOUSE:
        return wheel();
    default:
        return named_key(code);
    }
}

/* The rest of a sequence that the terminal description does not know ("ESC [" was read):
 * parameters, then a final byte. Its cursor keys with a modifier are understood, all else is
 * swallowed rather than typed. */
static int32_t foreign_sequence(void)
{
    int param[2] = {0, 0}, at = 0;
    wint_t wc;
    for (int i = 0; i < 64; i++) {
        if (wget_wch(term.keys, &wc) != OK)
            break;
        if (wc >= '0' && wc <= '9' && param[at] < 1000)
            param[at] = param[at] * 10 + (int)(wc - '0');
        else if (wc == ';')
            at = 1;
        else if (wc >= 0x40 && wc <= 0x7E)
            break;
    }
    bool alt = param[1] == 3 || param[1] == 5;
    switch (wc) {
    case 'C':
        return alt ? RY_KEY_WORD_RIGHT : RY_KEY_RIGHT;
    case 'D':
        return alt ? RY_KEY_WORD_LEFT : RY_KEY_LEFT;
    case 'A':
        return RY_KEY_UP;
    case 'B':
        return RY_KEY_DOWN;
    case 'H':
        return alt ? RY_KEY_HOME | RY_KEY_ALT : RY_KEY_HOME;
    case 'F':
        return alt ? RY_KEY_END | RY_KEY_ALT : RY_KEY_END;
    default:
        return RY_KEY_NONE;
    }
}

static int32_t plain_key(wint_t wc)
{
    if (wc == 0x7F || wc == 0x08)
        return RY_KEY_BACKSPACE;
    return wc <= 0x10FFFF ? (int32_t)wc : RY_KEY_NONE;
}

/* An Escape was read: alone, or does a key follow at once? */
static int32_t after_escape(void)
{
    wint_t wc;
    int rc = wget_wch(term.keys, &wc);
    if (rc == ERR)
        return 0x1B;
    if (rc == OK && (wc == '[' || wc == 'O'))
        return foreign_sequence();
    int32_t key = rc == KEY_CODE_YES ? function_key((int)wc) : plain_key(wc);
    return key >= RY_KEY_ALT || key == RY_KEY_NONE || key == 0x1B ? key : key | RY_KEY_ALT;
}

int32_t ry_term_key(ry_buf *paste)
{
    for (int i = 0; i < 64; i++) {
        wint_t wc;
        int32_t key;
        if (term.paste.open)
            return read_paste(paste) ? RY_KEY_PASTE : is_gone() ? RY_KEY_GONE : RY_KEY_NONE;
        int rc = wget_wch(term.keys, &wc);
        if (rc == ERR)
            return is_gone() ? RY_KEY_GONE : RY_KEY_NONE;
        if (rc == KEY_CODE_YES && wc == PASTE_BEGIN) {
            ry_buf_clear(paste);
            term.paste.open = true;
            term.paste.matched = 0;
            term.paste.last_ms = ry_clock_ms();
            continue;
        }
        key = rc == KEY_CODE_YES ? function_key((int)wc)
              : wc == 0x1B       ? after_escape()
                                 : plain_key(wc);
        if (key != RY_KEY_NONE)
            return key;
    }
    return RY_KEY_NONE;
}
