/*
 * compact.h - closing the gaps between extents
 */
#ifndef VECTOR_SEGMENT_COMPACT_H
#define VECTOR_SEGMENT_COMPACT_H

#include "pg_compat.h"

#include "utils/rel.h"

/*
 * Frees retired extents, closes gaps with the extents that follow, and truncates the file; does
 * nothing if another process uses the index.  Not for parallel mode.
 */
extern void segment_compact(Relation index);

#endif							/* VECTOR_SEGMENT_COMPACT_H */
