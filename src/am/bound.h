/*
 * bound.h - what a query's conditions and its LIMIT say about a scan
 */
#ifndef VECTOR_AM_BOUND_H
#define VECTOR_AM_BOUND_H

#include "pg_compat.h"

#include "access/skey.h"
#include "nodes/execnodes.h"

#include "am/merge.h"
#include "segment/filter.h"
#include "shared/once.h"

/* Found by the keys that amrescan is given; NULL if the scan was not started by the executor. */
typedef struct ScanBound ScanBound;

extern void scan_bound_init(void);
extern ScanBound *scan_bound(ScanKey orderbys);

/* Makes the bounds of scans that begin after the query has, below a node that merges them. */
extern void scan_bound_begin(LimitState *limit, MergedScan *merged, PlanState *node);

/*
 * Those of a scan's conditions, in the order of a distance, that are no limits of it, and not among
 * some, by number.
 */
extern List *scan_other_conditions(List *conditions, OpExpr *order, const List *met);

/*
 * Whether only leakproof operators may be evaluated on rows that the query's conditions leave out.
 * Policies make a plan depend on the role, which parallel workers are not told.
 */
extern bool scan_needs_leakproof(const EState *state);

/* No row with a greater distance meets the conditions; returns false if no row at all does. */
extern bool scan_bound_limit(const ScanBound *bound, double *limit);

/*
 * Another node offers to find the rows among which all are that meet conditions of the query.  The
 * scan asks for them before its first row; or, if the offer is for late, only once few of the rows
 * that it has returned meet the conditions.  The rows must stay until the node offers again.
 */
typedef struct ScanOffer
{
	TidSet	   *(*find) (void *arg);
	void	   *arg;
	Cost		late;			/* of finding them and searching among them; 0: not for late */

	/*
	 * Of a parallel scan, else NULL: what the first participant, which finds the rows, makes of
	 * them for all.
	 */
	Once	   *once;
	dsa_area   *area;			/* of its value */
} ScanOffer;

extern void scan_bound_offer(ScanBound *bound, const ScanOffer *offer);

/* Finds these rows; NULL without an offer. */
extern TidSet *scan_bound_among(const ScanBound *bound);
extern bool scan_bound_is_late(const ScanBound *bound);
extern double scan_bound_late_worth(const ScanBound *bound, uint32 dims);

/*
 * Whether participants of a parallel scan share what one makes of these rows: the value, or NULL in
 * the first one, which finds them and sets it.
 */
extern bool scan_bound_is_shared(const ScanBound *bound);
extern const void *scan_bound_get_shared(const ScanBound *bound);
extern const void *scan_bound_set_shared(const ScanBound *bound, const void *value, Size size);

/*
 * The query's other conditions on attributes, in the current memory context; NULL if there are
 * none.
 */
extern FilterNode *scan_bound_tree(const ScanBound *bound);

/* Of an index-only scan: whether the query reads a column of the index, the first being 0. */
extern bool scan_bound_reads(const ScanBound *bound, int column);

/* The number of rows that the LIMIT takes, if all are visible; 0 if not known. */
extern uint64 scan_bound_rows(const ScanBound *bound);

/* Of a scan whose conditions are all on attributes: the share of rows that is expected to pass. */
extern double scan_bound_share(const ScanBound *bound);

/*
 * Of a parallel scan: the number of rows that the LIMIT takes of all participants, if all are
 * visible and what is between changes nothing; 0 if not known.
 */
extern uint64 scan_bound_shared_rows(const ScanBound *bound);

/* Of a parallel scan, in its leader: how many workers have been started. */
extern int	scan_bound_workers(const ScanBound *bound);

/*
 * Whether there are tests among the conditions on attributes; and whether the scan does all of
 * them, which it says before it asks the following.
 */
extern bool scan_bound_is_tested(const ScanBound *bound);
extern void scan_bound_set_answered(ScanBound *bound, bool answered);

/*
 * Whether there are conditions that only the executor evaluates, and if so how many rows that this
 * and earlier scans returned have met them.
 */
extern bool scan_bound_is_filtered(const ScanBound *bound);
extern uint64 scan_bound_passed(const ScanBound *bound);

/*
 * Of a scan with such conditions: the rows that the LIMIT still takes, 0 if not known; about how
 * many rows the scan has to return for them, 0 if not known; and see residual.h.  Of scans whose
 * rows are merged each is taken to have as many of them.
 */
extern double scan_bound_missing(const ScanBound *bound);
extern double scan_bound_expected(const ScanBound *bound);
extern double scan_bound_worth(const ScanBound *bound, uint32 dims);
extern TidSet *scan_bound_passing(const ScanBound *bound, uint64 *tested);

/* The place of a scan below a node that merges scans for a LIMIT, or NULL; bound may be NULL. */
extern MergedScan *scan_bound_merged(const ScanBound *bound);

#endif							/* VECTOR_AM_BOUND_H */
