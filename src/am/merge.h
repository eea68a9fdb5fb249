/*
 * merge.h - one node that merges the rows of several scans, mainly of partitions, for a LIMIT
 */
#ifndef VECTOR_AM_MERGE_H
#define VECTOR_AM_MERGE_H

#include "pg_compat.h"

#include "nodes/execnodes.h"

#include "am/nearest.h"

typedef struct ScanMerge ScanMerge;

/* A scan below the node; it sets what follows `looks`. */
typedef struct MergedScan
{
	ScanMerge  *merge;
	PlanState  *scan;			/* of the index; NULL: the child is something else */
	bool		shares;			/* its distances are those of others */
	bool		looks;			/* it is called not for its next row, but for what that will be */
	bool		answered;		/* it has been called */
	bool		comparable;		/* its values are those that order the rows of all */
	bool		ended;			/* there is no further row */
	bool		beyond;			/* its next row is not known, but beyond the value */
	double		value;			/* of the row that it returned, or of its next one */
} MergedScan;

/* Makes a node merge by what its scans tell, if its order is one value; else returns NULL. */
extern ScanMerge *scan_merge(MergeAppendState *node, const LimitState *limit);

/* The child with this number; and that it is a scan of an index, or nodes that pass on its rows. */
extern MergedScan *scan_merge_child(ScanMerge *merge, int number);
extern void scan_merge_add(MergedScan *child, PlanState *scan, Oid operator);

/*
 * The distances that scans with the same operator have found, while the node asks for its first
 * row; else NULL.
 */
extern NearestFound *scan_merge_nearest(const MergedScan *child);

/*
 * No row farther than this is wanted of a child, which had better find all nearer rows at once;
 * INFINITY while so few have searched that their rows tell little.
 */
extern float scan_merge_known(const MergedScan *child);

/* How many children there are, of those that run-time pruning leaves. */
extern int	scan_merge_children(const MergedScan *child);

#endif							/* VECTOR_AM_MERGE_H */
