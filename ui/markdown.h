/* Markdown, rendered into a layout: headings, emphasis, lists, quotations, tables, code blocks with
 * a frame.
 *
 * The text is cut into chunks at the top level (blank lines outside fences and lists), and each
 * chunk is rendered by itself. What a chunk is depends on the text up to its end only, so that an
 * answer that streams is laid out like one that came whole, and only its last chunk is parsed
 * again. The text has passed the sanitiser. Pure. */
#ifndef RYOT_UI_MARKDOWN_H
#define RYOT_UI_MARKDOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/layout.h"

enum { RY_MARKDOWN_CHUNK_BYTES = 256 << 10 };

/* Bytes of the first chunk of s[0..len), len > 0. *complete: more text cannot change where it ends.
 */
size_t ry_markdown_chunk(const char *s, size_t len, bool *complete);

/* Appends one chunk, a blank line before it unless it is the first. A chunk that is too long, or
 * that the parser gives up on (tables with too many cells, endless nesting), is shown as its
 * source. */
void ry_markdown_render(struct ry_layout *layout, const char *s, size_t len, bool first,
                        bool ascii);

#endif
