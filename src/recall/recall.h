/*
 * recall.h - measures how many of the nearest rows an index finds
 */
#ifndef VECTOR_RECALL_H
#define VECTOR_RECALL_H

#include "pg_compat.h"

#include "utils/rel.h"

/* Installs what hides other indexes while recall is measured, and what ANALYZE measures by. */
extern void recall_init(void);

/* Opens an index whose searches have a recall; raises an error for any other relation. */
extern Relation recall_open_index(Oid oid);

/* Measures what recall the searches of an index have, by how far they go, and keeps that in it. */
extern void recall_measure_curves(Relation index);

#endif							/* VECTOR_RECALL_H */
