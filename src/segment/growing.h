/*
 * growing.h - growing segments: appending rows, and searching them by their codes
 *
 * A row has a slot in a group of 32 (TID, code, factors, offsets of its vector and its attributes),
 * a payload, and perhaps a record of attributes.  Only the holder of the header's exclusive lock
 * may append; a row exists once the header counts it.
 */
#ifndef VECTOR_SEGMENT_GROWING_H
#define VECTOR_SEGMENT_GROWING_H

#include "segment/search.h"

/*
 * Appends a row to a growing segment, a new one if necessary.  seal_rows bounds the room of a
 * segment.  Returns the row's place among the rows that growing segments have room for, from 1 on:
 * how many rows they have, if those before its own are full.  Until one of them is sealed, no other
 * row gets that place.  *added: whether a segment was added, by this or another process.
 */
extern uint64 growing_append(Relation index, Relation heap, CachedIndex *cached,
							 const SegmentRow *row, uint32 seal_rows, bool *added);

/* What is read besides TIDs: the payloads of live rows, the attributes of all rows. */
#define GROWING_PAYLOADS	1
#define GROWING_ATTRIBUTES	2

/*
 * Calls a callback for every row, which may not touch the segment; `parts` says what is read.
 * Returns the number of rows.
 */
extern uint32 growing_each_row(Relation index, const Space *space, const SegmentEntry *entry,
							   int parts, SegmentRowCallback callback, void *arg);

/* The record of a row's attributes, palloc'd. */
extern char *growing_read_attributes(Relation index, const SegmentEntry *entry, uint32 row,
									 Size *size);

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

/* How growing segments are searched: all rows wait, by bounds of their codes. */
extern const SegmentReader growing_reader;

#endif							/* VECTOR_SEGMENT_GROWING_H */
