/*
 * sketch.h - what the nearest rows of several small indexes may be, before any is scanned
 *
 * A search for the k nearest rows of all: the codes of all rows are compared, index by index, and
 * then the vectors of those that may be nearest, whatever index they are of.  It knows nothing of
 * visibility, so it tells which scans need not be begun until others have been read to a distance;
 * it returns no rows.
 */
#ifndef VECTOR_AM_SKETCH_H
#define VECTOR_AM_SKETCH_H

#include "pg_compat.h"

#include "utils/snapshot.h"

#include "am/nearest.h"
#include "segment/cache.h"
#include "segment/filter.h"

typedef struct SketchSet SketchSet;

/*
 * The conditions that rows of an index have to meet, in the current memory context, NULL if there
 * are none; false if nothing is to be told of the index.
 */
typedef bool (*SketchConditions) (void *arg, Relation index, CachedIndex *cached,
								  AttributeFilter **filter);

/*
 * Begins a search for so many rows that are near by this operator; everything is in its memory.
 * Processes that search parts of the indexes tell each other distances in `shared`, else NULL.
 */
extern SketchSet *sketch_begin(Oid operator, Datum query, uint64 wanted, Snapshot snapshot,
							   NearestShared *shared);

/*
 * Searches an index of a table that is locked, and locks it until the transaction ends.  Returns
 * its number, from 0 on; -1 if nothing can be told of it: it is large, or of another kind.
 */
extern int	sketch_add(SketchSet *set, Oid index, SketchConditions conditions, void *arg);

/*
 * Ends the search: sets the distance, by which indexes compare rows, of the last of those that are
 * wanted; it is infinite if there are fewer.
 */
extern void sketch_finish(SketchSet *set, float *distance);

/* What is known of an index: it may have rows within that distance, all are beyond, or none is. */
typedef enum SketchResult
{
	SKETCH_NEAR, SKETCH_BEYOND, SKETCH_EMPTY
} SketchResult;

/* This, and if all are beyond, a value of the operator that they are not below. */
extern SketchResult sketch_result(const SketchSet *set, int number, double *value);

extern void sketch_free(SketchSet *set);

#endif							/* VECTOR_AM_SKETCH_H */
