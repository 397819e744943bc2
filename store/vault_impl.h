/* What the two files behind store/vault.h share (inside store/ only). Thread: the vault's owner. */
#ifndef RYOT_STORE_VAULT_IMPL_H
#define RYOT_STORE_VAULT_IMPL_H

#include "store/cache.h"
#include "store/db.h"
#include "store/hist.h"
#include "store/vault.h"

struct ry_vault {
    struct ry_db db;
    ry_cache *cache;          /* owned: message lists and messages, by the keys below */
    int64_t data_version;     /* of the file, when the cache was last known to agree with it */
    struct ry_hist hot, cold; /* time of one message's read: from the cache, from sqlite */
};

/* Forgets the cache when another process has changed the file. */
void ry_vault_refresh(ry_vault *vault);

/* Forgets a session's list and the messages that it names. */
void ry_vault_forget_messages(ry_vault *vault, int64_t session);

/* Sets the session's time of change. RY_ERR_NOT_FOUND when there is none. Inside a transaction. */
ry_rc ry_vault_touch_session(ry_vault *vault, int64_t id, ry_err *err);

/* Starts a change (ry_db_enter; ry_db_leave ends it) with a cache that agrees with the file. */
ry_rc ry_vault_enter(ry_vault *vault, ry_err *err);

#endif
