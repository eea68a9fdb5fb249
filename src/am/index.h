/*
 * index.h - what all access methods share
 */
#ifndef VECTOR_AM_INDEX_H
#define VECTOR_AM_INDEX_H

#include "pg_compat.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "access/reloptions.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"

#include "segment/directory.h"
#include "segment/row.h"
#include "segment/tiering.h"

/* Defines settings and relation options of all methods, and the hooks that their scans need. */
extern void vector_am_init(void);

/* Whether the index that the planner considers is of this library; costs nothing. */
extern bool vector_am_plans(const IndexOptInfo *index);

/* Whether one of a table's indexes is. */
extern bool vector_am_plans_any(const RelOptInfo *rel);

/* Maximum number of bits; other types have their own limits. */
#define INDEX_MAX_BITS	64000

/*
 * The type, metric and dimensions of an index, from its column and operator class; raises an error
 * if the access method does not support them.
 */
extern DirectoryOptions index_column_options(Relation index);

/*
 * Sets the payload of a row with these columns, in the current memory context; false: the row is
 * not indexed.
 */
extern bool index_take_row(Relation index, const Space *space, const Datum *values,
						   const bool *isnull, SegmentRow *row);

/* Raises an error if the user may not see what an index has: its owner may, and who monitors. */
extern void index_require_may_see(Relation index);

/* Counts the rows that are not known to be dead. */
extern uint64 index_count_live(Relation index);

/* What the relation options of all access methods begin with. */
typedef struct IndexOptions
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	int			seal_rows;		/* 0: not given */
	int			tier;			/* offset of a server's name; 0: none */
	int			tier_after;		/* offset of an interval; 0: the default */
	int			tier_min_rows;
} IndexOptions;

/*
 * A new kind of relation options, which has those of IndexOptions; without those of tiering if no
 * segments of this method are tiered.
 */
extern relopt_kind index_relopt_kind(const SegmentMethod *segments);

/* How they are parsed: the first elements of a table. */
#define INDEX_OPTION_ELEMENTS \
	{.optname = "seal_rows", .opttype = RELOPT_TYPE_INT, \
	 .offset = offsetof(IndexOptions, seal_rows)}, \
	{.optname = "tier", .opttype = RELOPT_TYPE_STRING, .offset = offsetof(IndexOptions, tier)}, \
	{.optname = "tier_after", .opttype = RELOPT_TYPE_STRING, \
	 .offset = offsetof(IndexOptions, tier_after)}, \
	{.optname = "tier_min_rows", .opttype = RELOPT_TYPE_INT, \
	 .offset = offsetof(IndexOptions, tier_min_rows)}

#define INDEX_OPTION_COUNT	4

/* Number of inserted rows of an index at which a sealed segment is made of them. */
extern uint32 index_seal_rows(Relation index);

/*
 * Sets what a worker tiers of an index by its options, but for the server; false if that is
 * nothing.
 */
extern bool index_tiering(Relation index, TieringChoice *choice);

/* Then, the server; raises an error if there is none, or the index's owner may not use it. */
extern Oid	index_tiering_server(Relation index);

/* What PostgreSQL calls, of every access method. */

extern IndexBuildResult *vectorbuild(Relation heap, Relation index, IndexInfo *indexInfo);
extern void vectorbuildempty(Relation index);

/*
 * Whether an operator class has what its access method needs, and its family has nothing wrong;
 * reports what is wrong by INFO messages.
 */
extern bool vectorvalidate(Oid class);

extern bool vectorinsert(Relation index, Datum *values, bool *isnull, ItemPointer heap_tid,
						 Relation heap, IndexUniqueCheck checkUnique, bool indexUnchanged,
						 IndexInfo *indexInfo);
extern IndexBulkDeleteResult *vectorbulkdelete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
											   IndexBulkDeleteCallback callback,
											   void *callback_state);
extern IndexBulkDeleteResult *vectorvacuumcleanup(IndexVacuumInfo *info,
												  IndexBulkDeleteResult *stats);

/* What is known of a scan with a bitmap of other indexes, while it is priced. */
typedef struct IndexPricing
{
	double		share;			/* of the index's rows that the bitmap leaves */
	Cost		find;			/* of the bitmap, if it is made only when few rows pass; or -1 */
	Cost		before;			/* of it, if a parallel scan has to wait for it */
} IndexPricing;

#define INDEX_PRICING	{.share = 1, .find = -1}

extern IndexPricing index_pricing;

/*
 * What it takes to return a row of a table to the executor's filter, compared with what residual.h
 * and filter_scan compare; infinite if the scan cannot begin again among fewer rows (scan.c).
 */
extern Cost index_returned_cost(const RelOptInfo *rel, Oid index);

/* The part of a relation of this many blocks that is assumed to be in memory. */
extern double index_cached_part(double blocks);

/* Only ordered scans are possible. */
extern void vectorcostestimate(PlannerInfo *root, IndexPath *path, double loop_count,
							   Cost *indexStartupCost, Cost *indexTotalCost,
							   Selectivity *indexSelectivity, double *indexCorrelation,
							   double *indexPages);

/* Sets the costs of a path of a parallel scan; false if there should be none. */
extern bool index_share_costs(PlannerInfo *root, IndexPath *path);

extern IndexScanDesc vectorbeginscan(Relation index, int nkeys, int norderbys);
extern void vectorrescan(IndexScanDesc desc, ScanKey keys, int nkeys, ScanKey orderbys,
						 int norderbys);
extern bool vectorgettuple(IndexScanDesc desc, ScanDirection direction);
extern void vectorendscan(IndexScanDesc desc);
extern void vectorparallelrescan(IndexScanDesc desc);

#endif							/* VECTOR_AM_INDEX_H */
