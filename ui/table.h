/* Tables of a markdown answer: cells are collected, then set in columns that fit the width. Pure.
 */
#ifndef RYOT_UI_TABLE_H
#define RYOT_UI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/layout.h"

enum { RY_TABLE_COLS = 32, RY_TABLE_CELLS = 4096 };

enum ry_align { RY_ALIGN_LEFT, RY_ALIGN_CENTER, RY_ALIGN_RIGHT };

struct ry_table_cell {
    size_t from, len; /* in para.text */
    bool head;
    enum ry_align align;
};

/* Ready to use when zeroed. */
struct ry_table {
    struct ry_para para; /* the text of all cells, one behind the other: text is added here */
    struct ry_table_cell *cells; /* [n_cells] row-major, owned */
    size_t n_cells, cap_cells, n_cols;
};

void ry_table_begin(struct ry_table *table, size_t n_cols);

/* The cell is what was added to para since the last one. False when the table has too many columns
 * or cells. */
bool ry_table_cell_end(struct ry_table *table, bool head, enum ry_align align);

/* Appends the table to the layout. */
void ry_table_set(struct ry_table *table, struct ry_layout *layout, const struct ry_setting *set,
                  bool ascii);

void ry_table_done(struct ry_table *table);

#endif
