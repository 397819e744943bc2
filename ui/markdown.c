/* Markdown by md4c. Its callbacks fill one paragraph at a time; containers (lists, quotations) are
 * a small stack of indents. Tables are collected and set by ui/table.c when they end. */
#include "ui/markdown.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <md4c.h>

#include "src/base/sanitize.h"
#include "src/base/utf8.h"
#include "ui/table.h"

enum { MAX_DEPTH = 24 };

/* ---- chunks ---- */

enum marker { MARKER_NO, MARKER_YES, MARKER_UNKNOWN };

/* Does a line begin with a list marker? Unknown: more bytes of the line could make it one. */
static enum marker list_marker(const char *s, size_t len, bool whole)
{
    size_t i = 0;
    while (i < len && i < 9 && s[i] >= '0' && s[i] <= '9')
        i++;
    if (i == len)
        return whole ? MARKER_NO : MARKER_UNKNOWN;
    if (i > 0 ? s[i] != '.' && s[i] != ')' : s[i] != '-' && s[i] != '*' && s[i] != '+')
        return MARKER_NO;
    i++;
    if (i == len)
        return whole ? MARKER_YES : MARKER_UNKNOWN;
    return s[i] == ' ' || s[i] == '\t' ? MARKER_YES : MARKER_NO;
}

struct fence {
    char c; /* 0: not in one */
    size_t n;
};

static bool opens_fence(const char *s, size_t len, struct fence *fence)
{
    size_t n = 0;
    char c = len ? s[0] : 0;
    while (n < len && s[n] == c)
        n++;
    if ((c != '`' && c != '~') || n < 3 || (c == '`' && memchr(s + n, '`', len - n)))
        return false;
    *fence = (struct fence){c, n};
    return true;
}

static bool closes_fence(const char *s, size_t len, const struct fence *fence)
{
    size_t n = 0;
    while (n < len && s[n] == fence->c)
        n++;
    if (n < fence->n)
        return false;
    while (n < len && (s[n] == ' ' || s[n] == '\t'))
        n++;
    return n == len;
}

size_t ry_markdown_chunk(const char *s, size_t len, bool *complete)
{
    struct fence fence = {0};
    bool blank_before = false, any = false, in_list = false;
    *complete = true;
    for (size_t pos = 0; pos < len;) {
        const char *line = s + pos, *end = memchr(line, '\n', len - pos);
        size_t n = end ? (size_t)(end - line) : len - pos, indent = 0;
        size_t next = pos + n + (end ? 1 : 0);
        while (indent < n && (line[indent] == ' ' || line[indent] == '\t'))
            indent++;
        if (fence.c) {
            if (closes_fence(line + indent, n - indent, &fence) && end) {
                fence.c = 0;
                if (!in_list)
                    return next;
            }
        } else if (indent == n) {
            blank_before = any && end;
        } else {
            enum marker marker = list_marker(line + indent, n - indent, end != NULL);
            if (blank_before && indent == 0 && !(in_list && marker != MARKER_NO))
                return pos;
            if (!any)
                in_list = marker == MARKER_YES;
            any = true;
            blank_before = false;
            if (indent < 4 || in_list)
                opens_fence(line + indent, n - indent, &fence);
        }
        pos = next;
    }
    *complete = false;
    return len;
}

/* ---- rendering ---- */

struct container {
    bool list, tight, ordered;
    unsigned number;
    int indent; /* cells that it adds */
};

struct md {
    struct ry_layout *out;
    struct ry_para para; /* the block being filled */
    struct ry_table table;
    struct container stack[MAX_DEPTH];
    int depth, indent;
    uint64_t bars;
    char marker[16]; /* of the list item whose first line is still to come */
    bool gap;        /* something stands before: a blank line first */
    bool in_code, in_cell, ascii,
        open; /* open: the paragraph belongs to an item without block of its own */
    int strong, em, code, link;
    unsigned heading;
    bool gave_up;  /* md4c does not pass every refusal of a callback on */
    size_t budget; /* callbacks left: what costs more than its length is refused */
};

static int give_up(struct md *md)
{
    md->gave_up = true;
    return 1;
}

static const struct container *innermost_list(const struct md *md)
{
    for (int i = md->depth; i-- > 0;)
        if (md->stack[i].list)
            return &md->stack[i];
    return NULL;
}

static struct ry_setting setting(struct md *md)
{
    return (struct ry_setting){
        .indent = md->indent, .first_indent = md->indent, .bars = md->bars, .words = true};
}

static void blank_line(struct md *md)
{
    struct ry_para empty = {0};
    struct ry_setting set = setting(md);
    ry_layout_line(md->out, &empty, &set);
}

/* A block begins: the blank line that parts it from the one before. */
static void begin_block(struct md *md)
{
    const struct container *list = innermost_list(md);
    if (md->gap && !(list && list->tight) && !md->marker[0])
        blank_line(md);
    md->gap = false;
}

/* Sets the paragraph, behind its list marker when it is the first of an item. */
static void end_para(struct md *md)
{
    struct ry_setting set = setting(md);
    struct ry_para marked = {0};
    if (md->marker[0]) {
        size_t n = strlen(md->marker);
        ry_para_add(&marked, RY_AT_DIM, md->marker, n);
        ry_para_slice(&marked, &md->para, 0, md->para.text.len, 0);
        set.first_indent -= md->depth ? md->stack[md->depth - 1].indent : 0;
        md->marker[0] = '\0';
        ry_layout_para(md->out, &marked, &set);
        ry_para_done(&marked);
    } else {
        ry_layout_para(md->out, &md->para, &set);
    }
    ry_para_clear(&md->para);
    md->gap = true;
    md->open = false;
}

/* The text of a tight item ends where another block begins or the item does. */
static void close_open(struct md *md)
{
    if (md->open || md->marker[0] || md->para.text.len)
        end_para(md);
}

static bool push(struct md *md, struct container c)
{
    if (md->depth == MAX_DEPTH)
        return false;
    if (md->indent + c.indent > RY_LAYOUT_MAX_INDENT || md->indent + c.indent > md->out->width / 2)
        c.indent = 0;
    md->indent += c.indent;
    md->stack[md->depth++] = c;
    return true;
}

static void pop(struct md *md)
{
    const struct container *c = &md->stack[--md->depth];
    md->indent -= c->indent;
    if (!c->list && c->indent)
        md->bars &= ~((uint64_t)1 << md->indent);
}

static bool enter_item(struct md *md, const MD_BLOCK_LI_DETAIL *li)
{
    struct container *list = md->depth ? &md->stack[md->depth - 1] : NULL;
    const char *task = li->is_task ? (li->task_mark == ' ' ? "[ ] " : "[x] ") : "";
    if (!list)
        return false;
    if (md->gap && !list->tight)
        blank_line(md);
    md->gap = false;
    char bullet[16];
    if (list->ordered)
        snprintf(bullet, sizeof bullet, "%u. ", list->number++ % 1000000000u);
    else
        snprintf(bullet, sizeof bullet, "%s ", md->ascii ? "*" : "\u2022");
    int cells = ry_cells_width(bullet, strlen(bullet));
    if (!push(md, (struct container){.list = true, .tight = list->tight, .indent = cells}))
        return false;
    memcpy(md->marker, bullet, sizeof bullet);
    md->open = true;
    ry_para_add(&md->para, RY_AT_DIM, task, strlen(task));
    return true;
}

/* An attribute of a span or block, entities and all, as plain text. */
static void add_attribute(struct ry_para *para, unsigned attr, const MD_ATTRIBUTE *a)
{
    ry_para_add(para, attr, a->text, a->size);
}

static void enter_code(struct md *md, const MD_BLOCK_CODE_DETAIL *code)
{
    struct ry_setting set = setting(md);
    struct ry_para label = {0};
    add_attribute(&label, RY_AT_DIM, &code->lang);
    set.frame = RY_FRAME_TOP;
    ry_layout_line(md->out, &label, &set);
    ry_para_done(&label);
    md->in_code = true;
}

static void leave_code(struct md *md)
{
    struct ry_setting set = setting(md);
    struct ry_para none = {0};
    size_t len = md->para.text.len;
    if (len && md->para.text.data[len - 1] == '\n') {
        md->para.text.data[--md->para.text.len] = '\0';
        if (md->para.n_runs)
            md->para.runs[md->para.n_runs - 1].len--;
    }
    set.frame = RY_FRAME_MID;
    set.words = false;
    if (len)
        ry_layout_para(md->out, &md->para, &set);
    ry_para_clear(&md->para);
    set.frame = RY_FRAME_BOTTOM;
    ry_layout_line(md->out, &none, &set);
    md->in_code = false;
    md->gap = true;
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *user)
{
    struct md *md = user;
    struct ry_setting set;
    if (md->budget-- == 0)
        return give_up(md);
    if (type != MD_BLOCK_LI && type != MD_BLOCK_P && type != MD_BLOCK_DOC &&
        !(type >= MD_BLOCK_THEAD))
        close_open(md);
    switch (type) {
    case MD_BLOCK_QUOTE:
        begin_block(md);
        if (!push(md, (struct container){.indent = 2}))
            return give_up(md);
        if (md->stack[md->depth - 1].indent)
            md->bars |= (uint64_t)1 << (md->indent - 2);
        break;
    case MD_BLOCK_UL:
        begin_block(md);
        if (!push(md, (struct container){.list = true,
                                         .tight = ((MD_BLOCK_UL_DETAIL *)detail)->is_tight}))
            return give_up(md);
        break;
    case MD_BLOCK_OL:
        begin_block(md);
        if (!push(md, (struct container){.list = true,
                                         .tight = ((MD_BLOCK_OL_DETAIL *)detail)->is_tight,
                                         .ordered = true,
                                         .number = ((MD_BLOCK_OL_DETAIL *)detail)->start}))
            return give_up(md);
        break;
    case MD_BLOCK_LI:
        return enter_item(md, detail) ? 0 : give_up(md);
    case MD_BLOCK_HR:
        begin_block(md);
        set = setting(md);
        set.frame = RY_FRAME_RULE;
        ry_layout_line(md->out, &md->para, &set);
        md->gap = true;
        break;
    case MD_BLOCK_H:
        begin_block(md);
        md->heading = ((MD_BLOCK_H_DETAIL *)detail)->level;
        break;
    case MD_BLOCK_CODE:
        begin_block(md);
        enter_code(md, detail);
        break;
    case MD_BLOCK_P:
        begin_block(md);
        break;
    case MD_BLOCK_TABLE:
        begin_block(md);
        ry_table_begin(&md->table, ((MD_BLOCK_TABLE_DETAIL *)detail)->col_count);
        break;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
        md->in_cell = true;
        break;
    default:
        break;
    }
    return 0;
}

static enum ry_align alignment(MD_ALIGN align)
{
    return align == MD_ALIGN_RIGHT    ? RY_ALIGN_RIGHT
           : align == MD_ALIGN_CENTER ? RY_ALIGN_CENTER
                                      : RY_ALIGN_LEFT;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *user)
{
    struct md *md = user;
    struct ry_setting set = setting(md);
    switch (type) {
    case MD_BLOCK_QUOTE:
    case MD_BLOCK_UL:
    case MD_BLOCK_OL:
        pop(md);
        md->gap = true;
        break;
    case MD_BLOCK_LI:
        close_open(md);
        pop(md);
        md->gap = true;
        break;
    case MD_BLOCK_H:
    case MD_BLOCK_P:
        end_para(md);
        md->heading = 0;
        break;
    case MD_BLOCK_CODE:
        leave_code(md);
        break;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
        md->in_cell = false;
        return ry_table_cell_end(&md->table, type == MD_BLOCK_TH,
                                 alignment(((MD_BLOCK_TD_DETAIL *)detail)->align))
                   ? 0
                   : give_up(md);
    case MD_BLOCK_TABLE:
        ry_table_set(&md->table, md->out, &set, md->ascii);
        md->gap = true;
        break;
    default:
        break;
    }
    return 0;
}

static struct ry_para *target(struct md *md)
{
    return md->in_cell ? &md->table.para : &md->para;
}

static unsigned attr_now(const struct md *md)
{
    unsigned attr = md->in_code || md->code ? RY_AT_CODE
                    : md->heading           ? RY_AT_HEADING
                    : md->link              ? RY_AT_LINK
                                            : RY_AT_TEXT;
    if (md->strong || md->heading)
        attr |= RY_AT_BOLD;
    if (md->em)
        attr |= RY_AT_ITALIC;
    if (md->heading == 1)
        attr |= RY_AT_UNDERLINE;
    return attr;
}

static int enter_span(MD_SPANTYPE type, void *detail, void *user)
{
    struct md *md = user;
    (void)detail;
    if (md->budget-- == 0)
        return give_up(md);
    md->em += type == MD_SPAN_EM;
    md->strong += type == MD_SPAN_STRONG;
    md->link += type == MD_SPAN_A;
    if (type == MD_SPAN_CODE) {
        md->code++;
        ry_para_add(target(md), attr_now(md), "`", 1);
    } else if (type == MD_SPAN_DEL) {
        ry_para_add(target(md), attr_now(md), "~~", 2);
    } else if (type == MD_SPAN_IMG) {
        ry_para_add(target(md), RY_AT_DIM, "image: ", 7);
    }
    return 0;
}

/* Where a link leads is shown unless the text says it. */
static void add_address(struct md *md, const MD_ATTRIBUTE *href)
{
    struct ry_para *para = target(md);
    bool said = href->size == 0 || (para->text.len >= href->size &&
                                    memcmp(para->text.data + para->text.len - href->size,
                                           href->text, href->size) == 0);
    if (!said) {
        ry_para_add(para, RY_AT_DIM, " (", 2);
        add_attribute(para, RY_AT_DIM, href);
        ry_para_add(para, RY_AT_DIM, ")", 1);
    }
}

static int leave_span(MD_SPANTYPE type, void *detail, void *user)
{
    struct md *md = user;
    if (type == MD_SPAN_CODE) {
        ry_para_add(target(md), attr_now(md), "`", 1);
        md->code--;
    } else if (type == MD_SPAN_DEL) {
        ry_para_add(target(md), attr_now(md), "~~", 2);
    } else if (type == MD_SPAN_A) {
        md->link--;
        add_address(md, &((MD_SPAN_A_DETAIL *)detail)->href);
    } else if (type == MD_SPAN_IMG) {
        add_address(md, &((MD_SPAN_IMG_DETAIL *)detail)->src);
    }
    md->em -= type == MD_SPAN_EM;
    md->strong -= type == MD_SPAN_STRONG;
    return 0;
}

/* &amp; and its like; a numbered one may stand for anything, and passes the sanitiser. */
static void add_entity(struct md *md, const char *s, size_t len)
{
    static const struct {
        const char *name, *text;
    } named[] = {{"&amp;", "&"},        {"&lt;", "<"},         {"&gt;", ">"},
                 {"&quot;", "\""},      {"&apos;", "'"},       {"&nbsp;", " "},
                 {"&ndash;", "\u2013"}, {"&mdash;", "\u2014"}, {"&hellip;", "\u2026"}};
    char raw[16], bytes[RY_UTF8_MAX_BYTES], shown[32];
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        if (strlen(named[i].name) == len && memcmp(named[i].name, s, len) == 0) {
            ry_para_add(target(md), attr_now(md), named[i].text, strlen(named[i].text));
            return;
        }
    }
    if (len > 3 && len < sizeof raw && s[1] == '#') {
        bool hex = s[2] == 'x' || s[2] == 'X';
        memcpy(raw, s, len);
        raw[len] = '\0';
        unsigned long cp = strtoul(raw + (hex ? 3 : 2), NULL, hex ? 16 : 10);
        size_t n = cp > 0 && cp <= 0x10FFFF ? ry_utf8_encode((int32_t)cp, bytes) : 0;
        n = ry_sanitize_fixed(bytes, n, shown, sizeof shown);
        if (n) {
            ry_para_add(target(md), attr_now(md), shown, n);
            return;
        }
    }
    ry_para_add(target(md), attr_now(md), s, len);
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *user)
{
    struct md *md = user;
    if (md->budget-- == 0)
        return give_up(md);
    switch (type) {
    case MD_TEXT_NULLCHAR:
        ry_para_add(target(md), attr_now(md), "\uFFFD", 3);
        break;
    case MD_TEXT_BR:
        ry_para_add(target(md), attr_now(md), "\n", 1);
        break;
    case MD_TEXT_SOFTBR:
        ry_para_add(target(md), attr_now(md), " ", 1);
        break;
    case MD_TEXT_ENTITY:
        add_entity(md, text, size);
        break;
    default:
        ry_para_add(target(md), attr_now(md), text, size);
        break;
    }
    return 0;
}

static void render_source(struct md *md, const char *s, size_t len)
{
    struct ry_setting set = {.words = true};
    while (len && (s[len - 1] == '\n' || s[len - 1] == ' '))
        len--;
    ry_para_clear(&md->para);
    ry_para_add(&md->para, RY_AT_TEXT, s, len);
    if (len)
        ry_layout_para(md->out, &md->para, &set);
}

void ry_markdown_render(struct ry_layout *layout, const char *s, size_t len, bool first, bool ascii)
{
    static const MD_PARSER parser = {.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH |
                                              MD_FLAG_TASKLISTS | MD_FLAG_NOHTML |
                                              MD_FLAG_NOINDENTEDCODEBLOCKS,
                                     .enter_block = enter_block,
                                     .leave_block = leave_block,
                                     .enter_span = enter_span,
                                     .leave_span = leave_span,
                                     .text = on_text};
    struct md md = {.out = layout, .ascii = ascii, .budget = 4 * len + 1000};
    struct ry_layout_mark mark = ry_layout_mark(layout);
    md.gap = !first;
    if (len > RY_MARKDOWN_CHUNK_BYTES || md_parse(s, (MD_SIZE)len, &parser, &md) != 0 ||
        md.gave_up) {
        ry_layout_back(layout, mark);
        md.indent = 0;
        md.bars = 0;
        if (!first)
            blank_line(&md);
        render_source(&md, s, len);
    }
    ry_para_done(&md.para);
    ry_table_done(&md.table);
}
