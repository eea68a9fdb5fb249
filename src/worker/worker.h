/*
 * worker.h - background workers: sealing, merging, and finding work after a restart
 */
#ifndef VECTOR_WORKER_WORKER_H
#define VECTOR_WORKER_WORKER_H

#include "pg_compat.h"

#include "access/amapi.h"
#include "utils/rel.h"

/* Defines the settings and, if the library is preloaded, registers the launcher. */
extern void worker_init(void);

/* An access method of ours, known by its build function: seal_rows of an index. */
extern void worker_add_am(const char *name, ambuild_function build,
						  uint32 (*seal_rows) (Relation index));

/* Whether an access method has the name of one of ours. */
extern bool worker_is_our_am(Oid am);

/* seal_rows of an index of ours. */
extern uint32 worker_seal_rows(Relation index);

/*
 * Requests a worker to seal and merge an index's segments.  Returns false if none will come:
 * workers are switched off, only this session can see the index, or there are no slots.
 */
extern bool worker_request(Relation index);

extern PGDLLEXPORT void vector_worker_main(Datum slot);
extern PGDLLEXPORT void vector_launcher_main(Datum arg);

#endif							/* VECTOR_WORKER_WORKER_H */
