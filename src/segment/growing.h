/*
 * growing.h - growing segments: appending rows, and searching them by their codes
 *
 * A row is a slot in a group of 32 (TID, code, factors, where its vector is) and its payload.  The
 * header's exclusive lock is the right to append; a row counts once the header says so.
 */
#ifndef VECTOR_SEGMENT_GROWING_H
#define VECTOR_SEGMENT_GROWING_H

#include "segment/row.h"
#include "segment/sealed.h"

/*
 * Appends a row to a growing segment, a new one if need be.  seal_rows bounds the room of a
 * segment.  Returns how many rows growing segments have in all, this one included, or 0 where that
 * did not change (cheap to call for each row).
 */
extern uint64 growing_append(Relation index, Relation heap, CachedIndex *cached,
							 const SegmentRow *row, uint32 seal_rows);

/*
 * Hands every row to a callback, which may not touch the segment; payloads of live ones are read
 * if `payloads`.  Returns the number of rows.
 */
extern uint32 growing_each_row(Relation index, const Space *space, const SegmentEntry *entry,
							   bool payloads, SegmentRowCallback callback, void *arg);

/* Forbids more rows; from then on what is there does not change but for tombstones. */
extern void growing_close(Relation index, const SegmentEntry *entry);

/* Rows used. */
extern uint32 growing_rows(Relation index, const SegmentEntry *entry);

/* How often tombstones of its rows were set. */
extern uint32 growing_burials(Relation index, const SegmentEntry *entry);

/* Rows used, and how many of them are dead. */
extern uint32 growing_count(Relation index, const SegmentEntry *entry, uint32 *dead);

/*
 * Sets tombstones of rows that the callback finds dead: calls it for every TID that has none yet.
 * Returns false if the segment is not live any more.
 */
extern bool growing_vacuum(Relation index, const SegmentEntry *entry,
						   bool (*is_dead) (ItemPointer tid, void *arg), void *arg,
						   uint64 *live, uint64 *removed);

typedef struct GrowingScan
{
	Relation	index;
	const Space *space;
	const SpaceQuery *query;
	SegmentEntry entry;
	GrowingHeader header;
	ScanStatistics *statistics;
	bool		lock;			/* pages are locked while they are read: in recovery */
	GraphHeap	candidates;		/* rows by a lower bound of the distance */
	GraphHeap	refined;		/* rows by distance */
	float		norm;			/* coded: of the query, less the mean of the codes */
	float		scale;			/* the largest of rows refined */
	uint64	   *tags;			/* TIDs by row */
	uint32	   *offsets;
	char	   *payload;
	Size		payload_room;
} GrowingScan;

extern void growing_scan_begin(GrowingScan *scan, Relation index, CachedIndex *cached,
							   const SpaceQuery *query, const SegmentEntry *entry,
							   ScanStatistics *statistics);

/* The next row by distance (as far as the codes' error bound holds); false if there is none. */
extern bool growing_scan_next(GrowingScan *scan, GraphFound *found);

#endif							/* VECTOR_SEGMENT_GROWING_H */
