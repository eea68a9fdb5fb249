/*
 * worker.h - background workers: sealing, merging, and finding work after a restart
 */
#ifndef VECTOR_WORKER_WORKER_H
#define VECTOR_WORKER_WORKER_H

#include "pg_compat.h"

#include "utils/rel.h"

/* Defines the settings and, if the library is preloaded, registers the launcher. */
extern void worker_init(void);

/*
 * Requests a worker to seal and merge an index's segments.  Returns false if none will come:
 * workers are switched off, only this session can see the index, or there are no slots.
 */
extern bool worker_request(Relation index);

/*
 * Likewise for an index that this transaction has made.  It is locked until the transaction ends,
 * so the worker puts it off until then; if the transaction is aborted, the worker finds no index.
 */
extern bool worker_request_made(Relation index);

/* Likewise for what is done when it is idle, unless vector.idle_merge_delay says never. */
extern bool worker_request_idle(Relation index);

extern PGDLLEXPORT void vector_worker_main(Datum slot);
extern PGDLLEXPORT void vector_launcher_main(Datum arg);

#endif							/* VECTOR_WORKER_WORKER_H */
