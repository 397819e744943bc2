/* Least recently used. See policy.h; called with the shard's lock held. */
#include "store/policy.h"

static void push_front(struct ry_cache_order *order, uint32_t line)
{
    struct ry_cache_line *lines = order->lines;
    lines[line].prev = RY_LINE_NONE;
    lines[line].next = order->first;
    if (order->first != RY_LINE_NONE)
        lines[order->first].prev = line;
    else
        order->last = line;
    order->first = line;
}

static void unlink_line(struct ry_cache_order *order, uint32_t line)
{
    struct ry_cache_line *lines = order->lines;
    uint32_t prev = lines[line].prev, next = lines[line].next;
    if (prev != RY_LINE_NONE)
        lines[prev].next = next;
    else
        order->first = next;
    if (next != RY_LINE_NONE)
        lines[next].prev = prev;
    else
        order->last = prev;
}

static void touch(struct ry_cache_order *order, uint32_t line)
{
    if (order->first == line)
        return;
    unlink_line(order, line);
    push_front(order, line);
}

/* Pins are short, so the walk from the cold end passes few of them. */
static uint32_t victim(struct ry_cache_order *order)
{
    uint32_t line = order->last;
    while (line != RY_LINE_NONE && order->lines[line].pins > 0)
        line = order->lines[line].prev;
    return line;
}

const struct ry_cache_policy ry_cache_policy_lru = {
    .name = "lru",
    .inserted = push_front,
    .touched = touch,
    .removed = unlink_line,
    .victim = victim,
};
