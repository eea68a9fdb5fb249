/*
 * merge.h - one node that merges the rows of several scans, mainly of partitions, for a LIMIT
 */
#ifndef VECTOR_AM_MERGE_H
#define VECTOR_AM_MERGE_H

#include "pg_compat.h"

#include "nodes/execnodes.h"
#include "nodes/extensible.h"

#include "am/merge_share.h"
#include "segment/filter.h"

struct Tuplestorestate;

typedef struct ScanMerge ScanMerge;

/* A scan below the node; it sets what follows `looks`. */
typedef struct MergedScan
{
	ScanMerge  *merge;
	PlanState  *scan;			/* of the index; NULL: the child is something else */
	bool		shares;			/* its distances are those of others */
	double		share;			/* of its rows, that the node's conditions are expected to leave */
	bool		counted;		/* its search has been counted before it begins */
	bool		looks;			/* it is called not for its next row, but for what that will be */
	bool		answered;		/* it has been called */
	bool		comparable;		/* its values are those that order the rows of all */
	bool		ended;			/* there is no further row */
	bool		beyond;			/* its next row is not known, but beyond the value */
	double		value;			/* of the row that it returned, or of its next one */
} MergedScan;

/* What is known of the conditions of a child that has not begun; see merge_filter.c. */
typedef struct MergeFilter MergeFilter;

/*
 * A node that is ours, and begins its children only when they may have the next row.  What is
 * merged is a state of PostgreSQL's node, which no other node has as its child.  Its children are
 * those plans that are left by the pruning when the query starts.
 *
 * If the plan is parallel, each of the processes that run it takes some of the children, and
 * returns the rows of these in order.
 */
typedef struct MergeNode
{
	CustomScanState node;
	MergeAppendState *append;	/* mergeplans of children that have not begun are NULL */
	int			eflags;
	int		   *plans;			/* of children, in CustomScan.custom_plans */
	MergeFilter **filters;		/* of children; NULL: not needed yet */
	Oid			operator;		/* of all children's distances */
	ExprState  *query;			/* from which these are */
	MergeCounters counters;
	LimitState *limit;			/* above the node, or as a worker is told of it; NULL: not known */

	/* if several processes run it: */
	MergeShared *shared;		/* NULL: this one is alone */
	Bitmapset  *taken;			/* children that this process has compared before any began */
	struct Tuplestorestate *rows;	/* that it has found, and not returned; or NULL */
	TupleTableSlot *slot;		/* for one of these */
} MergeNode;

/* What EXPLAIN shows. */
#define MERGE_NODE_NAME	"Vector Merge Append"

/* With fewer scans, or more rows in each on average, less is saved than is compared again. */
#define MERGE_LEAST_SCANS	32
#define MERGE_MOST_ROWS		4096

/*
 * Scans whose rows the executor filters do not search for a common number of rows if that is more
 * than so many for each, which takes longer than a search that they go on with as they are asked.
 */
#define MERGE_MOST_SHARED	10

extern bool merge_node_enabled;

/*
 * Makes the state of a node.  CustomScan.custom_plans are scans, custom_exprs is the query, and
 * custom_private the column by which rows are merged; the index of each scan that orders by the
 * distance from that query, or 0 for other children; the share of rows that are expected to meet
 * the conditions of all; and how children are pruned when the query runs, or NULL.
 */
extern const CustomScanMethods merge_node_methods;
extern void merge_node_init(void);

/* The scan of a vector index that is a child, perhaps among the rows of a bitmap; else NULL. */
extern IndexScan *merge_node_scan(Plan *child);

/* The state of such a node, or NULL. */
extern MergeNode *merge_node(PlanState *node);

/* Begins a child; and tells it of the LIMIT and of its place. */
extern PlanState *merge_node_begin(MergeNode *node, int number);
extern void merge_node_begun(PlanState *child, LimitState *limit, MergedScan *merged);

/*
 * The child of this process that comes after one, -1 at first, of those that pruning has left; of
 * several processes each gets others.  Negative: there is none.
 */
extern int	merge_node_next(MergeNode *node, const Bitmapset *valid, int previous);

/*
 * The LIMIT of a node that is all that a parallel worker runs, which has none above it; NULL if
 * that is not so.  What it is, is known when the first row is asked for.
 */
extern LimitState *merge_node_told(PlanState *node);

/*
 * The share of the rows that are compared before children begin, that is expected to meet all
 * conditions.
 */
extern double merge_node_share(MergeNode *node, const Bitmapset *valid);

/*
 * Compares the rows of children by their codes, for as many rows as are wanted.  Returns those
 * children, palloc'd, that have none of these, sets operators' values that all their rows are
 * beyond, and how far the wanted rows are at most, if that is known and scans look for as many.
 * Adds to *empty those children that have no row which meets their conditions.
 */
extern Bitmapset *merge_node_sketch(MergeNode *node, const Bitmapset *valid, uint64 wanted,
									NearestFound *nearest, double *values, Bitmapset **empty);

/*
 * The conditions of a scan of an index, by which the rows can be left out that the scan would not
 * return; it has not begun, and `node` is the one that may begin it.  They are made once.
 */
extern MergeFilter *merge_filter_make(const IndexScan *scan, Relation index, ScanState *node);

/* Whether every row that is left meets all conditions, as far as is known before. */
extern bool merge_filter_is_whole(const MergeFilter *filter);

/*
 * The conditions with their values, in the current memory context, or NULL if there are none;
 * *whole says whether all rows that are left meet all conditions.
 */
extern AttributeFilter *merge_filter(const MergeFilter *filter, ExprContext *context,
									 Relation index, CachedIndex *cached, bool *whole);

/*
 * The rows that a LIMIT takes, which is computed before a row is asked for and workers are started;
 * 0: all, or not known.
 */
extern uint64 merge_rows_taken(const LimitState *limit);

/*
 * How many rows scans return for those that are wanted, if this share of them meets the conditions
 * of their nodes; 0: they do not search for a common number.
 */
extern double merge_rows(double wanted, double share, double scans);

/*
 * Makes a node merge by what its scans tell, if its order is one value; else returns NULL.  `late`
 * is the node around it that begins its children, or NULL.
 */
extern ScanMerge *scan_merge(MergeAppendState *node, LimitState *limit, MergeNode *late);

/* The child with this number; and that it is a scan of an index, or nodes that pass on its rows. */
extern MergedScan *scan_merge_child(ScanMerge *merge, int number);
extern void scan_merge_add(MergedScan *child, PlanState *scan, Oid operator);

/*
 * The distances that scans with the same operator have found, while the node asks for its first
 * row; else NULL.
 */
extern NearestFound *scan_merge_nearest(const MergedScan *child);

/*
 * Whether a scan is not to return its next row, but to tell what that will be: because the node
 * looks ahead, or as the row that the scan has returned in the same call was not taken.
 */
static inline bool
scan_merge_looks(const MergedScan *child)
{
	return child->looks || (child->answered && child->comparable);
}

/* The value of the last row that the node has returned; -INFINITY before the first one. */
extern double scan_merge_returned(const MergedScan *child);

/*
 * No row farther than this is wanted of a child, which had better find all nearer rows at once;
 * INFINITY while so few have searched that their rows tell little.
 */
extern float scan_merge_known(const MergedScan *child);

/* How many children there are, of those that run-time pruning leaves. */
extern int	scan_merge_children(const MergedScan *child);

#endif							/* VECTOR_AM_MERGE_H */
