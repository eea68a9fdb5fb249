/*
 * measure.h - a worker's step that measures what recall searches have
 */
#ifndef VECTOR_WORKER_MEASURE_H
#define VECTOR_WORKER_MEASURE_H

#include "pg_compat.h"

#include "utils/rel.h"

/*
 * Measures the curves of an index, which is locked, if they are due, as the owner of its table;
 * false if these have to wait, because the table is locked, as by the VACUUM that asks for them.
 * While the table is read, measure_gives_way says whether another process waits for it.
 */
extern bool measure_index(Relation index);
extern bool measure_gives_way(void);

/* Forgets the table after an error, which ended the transaction. */
extern void measure_abandon(void);

#endif							/* VECTOR_WORKER_MEASURE_H */
