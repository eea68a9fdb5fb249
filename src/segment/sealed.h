/*
 * sealed.h - reading a sealed segment, whatever its method
 */
#ifndef VECTOR_SEGMENT_SEALED_H
#define VECTOR_SEGMENT_SEALED_H

#include "segment/block_reader.h"
#include "segment/cache.h"

/* What a scan did, for vector_last_scan. */
typedef struct ScanStatistics
{
	uint64		hops;
	uint64		distances;
	uint64		blocks;
	uint64		segments;
	uint64		walks;			/* segments whose graph was walked, */
	uint64		reads;			/* and those whose rows were compared one by one: */
	uint64		switches;		/* of which so many had been walked before */
	uint64		survivors;		/* rows that conditions left, if there are any */
	uint64		rejected;		/* rows met that conditions or deletes left out */
	uint64		table_rows;		/* rows of the table that were tested: see am/residual.h */
	uint64		rounds;			/* times that it waited for an object store, */
	uint64		gets;			/* for so many ranges */
	uint64		stored_bytes;	/* of these */
	uint64		search_rounds;	/* of searches, each of which has one at least */
	uint64		among;			/* searches begun again among the rows that pass */
	uint64		blocks_hit;		/* blocks found in buffers, those of compared rows too, */
	uint64		blocks_read;	/* and those not found there */
	uint64		microseconds;	/* until the first row was found, and of further rounds */
} ScanStatistics;

typedef struct SealedScan
{
	Relation	index;
	const Space *space;
	const SpaceQuery *query;
	CachedSegment *segment;
	ExcludedRows excluded;		/* its dead rows, unless a search sets others */
	ScanStatistics *statistics;
	int			level;			/* that is searched */
	BlockReader reader;
	MemoryContext context;		/* in which the scan began */
	char	   *scratch;		/* in it; a copy of a node that crosses blocks */
	Size		scratch_size;
	BlockToken	node;			/* the block of the visited node, unless that is a copy */
} SealedScan;

/*
 * A bit of GraphFound.tag: the node has more rows than the first, whose TID is in the low 48 bits.
 */
#define FOUND_EXTRAS		(UINT64CONST(1) << 63)
/* The first row is excluded. */
#define FOUND_FIRST_EXCLUDED	(UINT64CONST(1) << 62)
/* The distance is that of the vector that was indexed, however the index stores it. */
#define FOUND_EXACT			(UINT64CONST(1) << 61)
/* The bits of the TID. */
#define FOUND_TID			((UINT64CONST(1) << 48) - 1)

/* Sets what follows from a row's distance; `error` and `scale` are as for space_order_by. */
static inline void
found_set_bound(GraphFound *found, const Space *space, const SpaceQuery *query, float error,
				float scale)
{
	found->bound = (float) space_order_by(space, query, found->distance, error, scale);
	if (error == 0)
		found->tag |= FOUND_EXACT;
}

/* Checks: an estimate may differ from the distance by this part of the estimate's terms. */
#define ESTIMATE_TOLERANCE	0.1f

/* Begins a scan of a segment that is held. */
extern void sealed_scan_begin(SealedScan *scan, Relation index, const Space *space,
							  CachedSegment *segment, ScanStatistics *statistics);

/* Copies the rows' TIDs and nodes from a block of them on; returns their number. */
extern uint32 sealed_read_rows(Extent extent, const SealedHeader *header, uint32 first,
							   SealedRow *rows);

/* A row's TID and node, by its number. */
extern void sealed_read_row(SealedScan *scan, uint32 number, SealedRow *row);

/* Raises an error if a node names a row that does not exist. */
static inline void
sealed_check_named(const SealedScan *scan, uint32 row)
{
	if (unlikely(row >= scan->segment->header.rows))
		sealed_damaged(scan->index, "In segment %u, a node names row %u.",
					   scan->segment->part.uid, row);
}

/* Opens a block of the segment's extent by its reader, and counts it. */
static inline const char *
sealed_open_block(SealedScan *scan, BlockNumber place, BlockToken *token)
{
	scan->statistics->blocks++;
	return block_open(&scan->reader, place, token);
}

/*
 * Prefetches a node of the level being searched that will be visited soon, or adds it to a batch if
 * one is given.
 */
extern void sealed_prefetch_node(SealedScan *scan, uint32 id, BlockBatch *batch);

/* Likewise; only its distance will be computed. */
extern void sealed_prefetch_vector(SealedScan *scan, uint32 id, BlockBatch *batch);

/* Of a node in an object store: brings near what a look for it reads; see tier_bring_near. */
extern void sealed_bring_near(const SealedScan *scan, uint32 id, bool slot);

/* Whether a node of the level being searched can be visited without waiting for an object store. */
extern bool sealed_node_at_hand(const SealedScan *scan, uint32 id);

/* A node of the level being searched, contiguous; valid until sealed_leave_node. */
extern const SealedNode *sealed_visit_node(SealedScan *scan, uint32 id);
extern void sealed_leave_node(SealedScan *scan);

/*
 * Likewise, with the nodes that follow in its block, at most n in all; they are layout.size bytes
 * apart.  Returns their number.
 */
extern uint32 sealed_visit_nodes(SealedScan *scan, uint32 id, uint32 n, const char **nodes);

/* Sets what is found of a row from its node, for segments in which row i is node i of level 0. */
extern void sealed_compare(SealedScan *scan, uint32 row, const SealedNode *node,
						   GraphFound *found);

/* In such a segment, compares the rows from one on, and calls back for each not excluded. */
typedef void (*SealedFound) (void *arg, const GraphFound *found);
extern void sealed_scan_nodes(SealedScan *scan, uint32 row, uint32 end, SealedFound callback,
							  void *arg);

/*
 * Copies node `id` of a level into memory that grows as needed; for checks and for building from
 * segments.
 */
extern const SealedNode *sealed_read_node(SealedScan *scan, int level, uint32 id);

static inline void
tag_get_tid(uint64 tag, ItemPointer tid)
{
	ItemPointerSet(tid, (BlockNumber) (tag >> 16 & PG_UINT32_MAX), (OffsetNumber) tag);
}

/* For qsort and bsearch of tags. */
extern int	tag_compare(const void *a, const void *b);

static inline uint64
tag_from_tid(const ItemPointerData *tid)
{
	return (uint64) ItemPointerGetBlockNumberNoCheck(tid) << 16 |
		ItemPointerGetOffsetNumberNoCheck(tid);
}

/*
 * A row that the searches of this process go on without, as if it were not there, while recall is
 * measured with its vector as the query: the edges of its node, which lead to all that is near, are
 * not followed.  Invalid: there is none.  The row may still be found.
 */
extern ItemPointerData sealed_absent;

static inline bool
sealed_is_absent(const ItemPointerData *tid)
{
	return ItemPointerIsValid(&sealed_absent) &&
		ItemPointerEquals((ItemPointer) tid, &sealed_absent);
}

#endif							/* VECTOR_SEGMENT_SEALED_H */
