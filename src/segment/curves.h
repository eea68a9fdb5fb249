/*
 * curves.h - what recall the searches of an index have, by how far they go
 *
 * A curve belongs to a number of wanted rows.  Its points are the efforts (the value of the setting
 * by which searches find more rows: ef_search, probes) with which sampled queries were searched for
 * so many rows, and the mean share that they found of the nearest ones.  All curves of an index are
 * measured at the same time, and lie in an extent of one block, of the kind SEGMENT_CURVES.  New
 * ones replace it as centroids are replaced, so old scans keep theirs.
 */
#ifndef VECTOR_SEGMENT_CURVES_H
#define VECTOR_SEGMENT_CURVES_H

#include "segment/cache.h"

#define CURVES_MAX			4
#define CURVE_MAX_POINTS	24

typedef struct CurvePoint
{
	float		effort;
	float		recall;
} CurvePoint;

typedef struct RecallCurve
{
	uint32		wanted;			/* rows */
	uint32		queries;		/* that were searched */
	uint32		count;			/* of the points, whose efforts ascend */
	CurvePoint	points[CURVE_MAX_POINTS];
} RecallCurve;

typedef struct RecallCurves
{
	double		rows;			/* of the index, when they were measured */
	uint32		count;
	uint32		sampled;		/* 1: measured by queries that were searched for; 0: by rows */
	RecallCurve curves[CURVES_MAX];	/* their numbers of rows ascend */
} RecallCurves;

/* Writes curves that were measured from a time on, which replace those that the index has. */
extern void curves_write(Relation index, const RecallCurves *curves, TimestampTz since);

/* The newest curves of an index, held as the parts of the cache are; NULL: none are measured. */
extern const RecallCurves *curves_acquire(CachedIndex *cached, Relation index);

/*
 * The part of the rows that is in sealed segments made since the newest curves began to be
 * measured: rows that came, and rows of merged segments, which searches find by other ways than
 * before.  Rows of growing segments are all compared.  0 without curves.
 */
extern double curves_changed_part(CachedIndex *cached);

/*
 * The least effort with which searches for this many rows are expected to have a recall, by the
 * logarithms of efforts and missed shares between two points; of the greatest effort that was
 * tried, if none suffices.  For more rows than those of the last curve it may be beyond what
 * searches can have.
 */
extern double curves_effort(const RecallCurves *curves, double wanted, double recall);

#endif							/* VECTOR_SEGMENT_CURVES_H */
