/*
 * growing.h - growing segments: appending rows, and searching them by their codes
 *
 * A row has a slot in a group of 32 (TID, code, factors, offset of its vector) and a payload.  Only
 * the holder of the header's exclusive lock may append; a row exists once the header counts it.
 */
#ifndef VECTOR_SEGMENT_GROWING_H
#define VECTOR_SEGMENT_GROWING_H

#include "segment/row.h"
#include "segment/sealed.h"

/*
 * Appends a row to a growing segment, a new one if necessary.  seal_rows bounds the room of a
 * segment.  Returns the number of rows of all growing segments, including this one; or 0 if no
 * segment was added, so that calling this for each row is cheap.
 */
extern uint64 growing_append(Relation index, Relation heap, CachedIndex *cached,
							 const SegmentRow *row, uint32 seal_rows);

/*
 * Calls a callback for every row, which may not touch the segment; reads the payloads of live rows
 * if `payloads`.  Returns the number of rows.
 */
extern uint32 growing_each_row(Relation index, const Space *space, const SegmentEntry *entry,
							   bool payloads, SegmentRowCallback callback, void *arg);

/* Forbids further appends; from then on only tombstones change. */
extern void growing_close(Relation index, const SegmentEntry *entry);

/* The number of rows. */
extern uint32 growing_rows(Relation index, const SegmentEntry *entry);

/* How often tombstones of its rows have been set. */
extern uint32 growing_burials(Relation index, const SegmentEntry *entry);

/* The number of rows, and of dead ones among them. */
extern uint32 growing_count(Relation index, const SegmentEntry *entry, uint32 *dead);

/*
 * Sets tombstones of rows that the callback finds dead; calls it for every TID without a tombstone.
 * Returns false if the segment is no longer live.
 */
extern bool growing_vacuum(Relation index, const SegmentEntry *entry,
						   bool (*is_dead) (ItemPointer tid, void *arg), void *arg,
						   uint64 *live, uint64 *removed);

/* Memory for a payload, which grows as needed. */
typedef struct PayloadMemory
{
	char	   *payload;
	Size		size;
} PayloadMemory;

typedef struct GrowingScan
{
	BlockReader reader;
	const Space *space;
	const SpaceQuery *query;
	GrowingHeader header;
	ScanStatistics *statistics;
	GraphHeap	candidates;		/* rows by a lower bound of the distance */
	GraphHeap	refined;		/* rows by distance */
	float		norm;			/* coded: norm of the query minus the mean of the codes */
	float		scale;			/* the largest of the refined rows */
	uint64	   *tags;			/* TIDs by row */
	uint32	   *offsets;
	PayloadMemory memory;
} GrowingScan;

extern void growing_scan_begin(GrowingScan *scan, Relation index, CachedIndex *cached,
							   const SpaceQuery *query, const SegmentEntry *entry,
							   ScanStatistics *statistics);

/* The next row by distance, within the error bound of the codes; false if there is none. */
extern bool growing_scan_next(GrowingScan *scan, GraphFound *found);

#endif							/* VECTOR_SEGMENT_GROWING_H */
