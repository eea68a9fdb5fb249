/*
 * merge_share.h - what the participants of a parallel merge of scans tell each other
 *
 * Each child is taken by one participant, which returns its rows.  All know how near the wanted
 * rows are that they have found together.
 */
#ifndef VECTOR_AM_MERGE_SHARE_H
#define VECTOR_AM_MERGE_SHARE_H

#include "pg_compat.h"

#include "am/nearest.h"

/* In shared memory. */
typedef struct MergeShared MergeShared;

/* What EXPLAIN shows, of all searches. */
typedef struct MergeCounters
{
	uint64		compared;		/* children whose codes were compared before they began, */
	uint64		begun;			/* those that began, */
	uint64		skipped;		/* and those that have not */
} MergeCounters;

/* Makes one for this many plans of children, and so many wanted rows, 0: all. */
extern Size merge_share_size(int plans, uint64 wanted);
extern void merge_share_init(MergeShared *shared, int plans, uint64 wanted);

/* Before children are taken once more; nobody uses it. */
extern void merge_share_reset(MergeShared *shared, uint64 wanted);

extern uint64 merge_share_wanted(const MergeShared *shared);

/* The number of a plan that nobody has taken, and that this process has now; -1: none is left. */
extern int	merge_share_take(MergeShared *shared);

/* A child's search has begun: returns how many have. */
extern uint32 merge_share_count(MergeShared *shared);

/*
 * Distances of rows that were found: by the comparison before scans begin, and by scans; and the
 * values by which rows are merged of those that participants return.
 */
extern NearestShared *merge_share_compared(MergeShared *shared);
extern NearestShared *merge_share_found(MergeShared *shared);
extern NearestShared *merge_share_returned(MergeShared *shared);

/*
 * A participant begins to take children; and knows the rows of its own that are wanted as far as
 * the distances of all tell: waits until this is true of all that have begun.  Nothing else is
 * waited for between the two, so they do not wait for each other in a circle.
 */
extern void merge_share_enter(MergeShared *shared);
extern void merge_share_leave(MergeShared *shared);

/* Moves what a process has counted to the shared counters; and back. */
extern void merge_share_report(MergeShared *shared, MergeCounters *counters);
extern void merge_share_collect(MergeShared *shared, MergeCounters *counters);

#endif							/* VECTOR_AM_MERGE_SHARE_H */
