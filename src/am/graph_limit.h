/*
 * graph_limit.h - searches of graphs that end once what is left is too far
 */
#ifndef VECTOR_AM_GRAPH_LIMIT_H
#define VECTOR_AM_GRAPH_LIMIT_H

#include "pg_compat.h"

#include "segment/search.h"

/*
 * Lets a search for this many rows end by itself (graph_search_limit) before all its candidates are
 * expanded.  How far it goes follows from `size`, the candidates that its user has asked for.  A
 * list has room for so many, or for more if the rows are more.
 */
extern void graph_limit(SearchEffort *effort, const Space *space, uint64 rows, uint32 size,
						uint32 list);

#endif							/* VECTOR_AM_GRAPH_LIMIT_H */
