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

typedef struct SketchSet SketchSet;

/* Begins a search for so many rows that are near by this operator; everything is in its memory. */
extern SketchSet *sketch_begin(Oid operator, Datum query, uint64 wanted, Snapshot snapshot);

/*
 * Searches an index of a table that is locked, and locks it until the transaction ends.  Returns
 * its number, from 0 on; -1 if nothing can be told of it: it is large, or of another kind.
 */
extern int	sketch_add(SketchSet *set, Oid index);

/*
 * Ends the search: returns the operator's value of the last of the rows that are wanted, and sets
 * the distance by which indexes compare rows; both are infinite if there are fewer rows.
 */
extern double sketch_finish(SketchSet *set, float *distance);

/* Whether an index may have rows within that distance. */
extern bool sketch_is_near(const SketchSet *set, int number);

extern void sketch_free(SketchSet *set);

#endif							/* VECTOR_AM_SKETCH_H */
