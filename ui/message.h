/* Laid-out messages, kept by (id, length): a message that grew is laid out again from its last
 * block on; the least recently shown are dropped. Thread: one owner. */
#ifndef RYOT_UI_MESSAGE_H
#define RYOT_UI_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/sanitize.h"
#include "ui/layout.h"
#include "ui/ui.h"

enum { RY_MESSAGES_KEPT = 128 };

struct ry_message {
    uint64_t id, used; /* used: of the cache's clock; 0: an empty slot */
    bool raw, whole;   /* whole: laid out as finished (the sanitiser was flushed) */
    enum ry_ui_role role;
    size_t len; /* raw bytes consumed */
    struct ry_sanitize san;
    ry_buf clean;  /* the sanitised text */
    ry_buf tail;   /* the remark behind it */
    size_t stable; /* bytes of clean that are laid out for good, up to `mark` */
    struct ry_layout_mark mark;
    struct ry_layout layout;
};

struct ry_messages {
    struct ry_message slots[RY_MESSAGES_KEPT];
    uint64_t clock;
    size_t n_blocks; /* chunks rendered so far: what the cache is there to save */
    bool ascii;
};

/* The layout of a message at a width; borrowed until the next RY_MESSAGES_KEPT calls for others. */
const struct ry_layout *ry_messages_get(struct ry_messages *messages,
                                        const struct ry_ui_message *message, int width, bool raw);
void ry_messages_done(struct ry_messages *messages);

#endif
