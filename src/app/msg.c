/* Making and freeing of messages between threads. */
#include "src/app/msg.h"

#include <string.h>

#include "src/base/mem.h"

struct ry_task *ry_task_new(enum ry_task_kind kind)
{
    struct ry_task *task = ry_mem_zalloc(1, sizeof *task);
    if (task) {
        task->kind = kind;
        ry_arena_init(&task->arena);
    }
    return task;
}

void ry_task_free(struct ry_task *task)
{
    if (!task)
        return;
    ry_arena_done(&task->arena);
    ry_mem_free(task);
}

bool ry_task_add_message(struct ry_task *task, enum ry_role role, const char *text, size_t len)
{
    char *copy = ry_arena_strndup(&task->arena, text, len);
    if (!copy)
        return false;
    task->messages[task->n_messages++] =
        (struct ry_message){.role = role, .text = copy, .len = len};
    return true;
}

struct ry_vault_op *ry_vault_op_new(enum ry_vault_op_kind kind)
{
    struct ry_vault_op *op = ry_mem_zalloc(1, sizeof *op);
    if (op)
        op->kind = kind;
    return op;
}

void ry_vault_op_free(struct ry_vault_op *op)
{
    if (!op)
        return;
    ry_mem_free(op->text);
    ry_mem_free(op->stats);
    ry_mem_free(op->title);
    ry_mem_free(op->model);
    ry_mem_free(op->system);
    ry_mem_free(op->params);
    ry_mem_free(op);
}

void ry_vault_reply_free(struct ry_vault_reply *reply)
{
    if (!reply)
        return;
    ry_vault_session_done(&reply->session);
    ry_vault_messages_free(reply->messages, reply->n_messages);
    ry_vault_sessions_free(reply->list, reply->n_list);
    ry_mem_free(reply);
}
