/* The conversation: messages laid out once and kept, a place in them that only the person moves,
 * and search.
 *
 * The place is held as (message, byte of its laid-out text) and so survives a resize and text that
 * grows below. Moves and searches are requests: they are carried out by the next draw, which is the
 * one to see the messages. Thread: the one that owns the UI. */
#ifndef RYOT_UI_VIEW_CHAT_H
#define RYOT_UI_VIEW_CHAT_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/grid.h"
#include "ui/ui.h"

struct ry_view_chat;

/* NULL when out of memory. */
struct ry_view_chat *ry_view_chat_new(bool ascii);
void ry_view_chat_free(struct ry_view_chat *chat);

/* Rows up (negative) or down; pages are a screenful less one row. */
void ry_view_chat_scroll(struct ry_view_chat *chat, int rows);
void ry_view_chat_page(struct ry_view_chat *chat, int pages);
void ry_view_chat_top(struct ry_view_chat *chat);
void ry_view_chat_follow(struct ry_view_chat *chat);
bool ry_view_chat_is_following(const struct ry_view_chat *chat);

/* Markdown source instead of rendered text. */
void ry_view_chat_set_raw(struct ry_view_chat *chat, bool raw);

/* Looks for text, ignoring case: from the last match (or the bottom of the screen) up, or down when
 * `newer`; round the ends. An empty text ends the search and its highlights. */
void ry_view_chat_find(struct ry_view_chat *chat, const char *text, bool newer);

/* What the last search came to, for the prompt line: -1 searching was not asked, 0 nothing found, 1
 * found. */
int ry_view_chat_find_result(const struct ry_view_chat *chat);

/* Carries out what was asked for and draws the rows of the place. */
void ry_view_chat_draw(struct ry_view_chat *chat, struct ry_grid *grid, struct ry_rect at,
                       const struct ry_ui_model *model);

#endif
