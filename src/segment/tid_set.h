/*
 * tid_set.h - a set of rows of a table, by their TIDs, as scans of other indexes find them
 */
#ifndef VECTOR_SEGMENT_TID_SET_H
#define VECTOR_SEGMENT_TID_SET_H

#include "pg_compat.h"

#include "nodes/tidbitmap.h"
#include "storage/itemptr.h"

/* The rows of a page that are in a set; of a lossy page, all. */
typedef struct TidPage
{
	BlockNumber block;
	uint32		first;			/* in TidSet.offsets; in order */
	uint16		count;
	bool		lossy;
} TidPage;

typedef struct TidSet
{
	TidPage    *pages;			/* by block */
	uint32		count;
	uint32		lossy;			/* pages */
	OffsetNumber *offsets;

	/* a hash table of pages by block, made when a row is first looked up */
	uint32	   *slots;			/* numbers of pages plus one; 0: free */
	uint64		mask;			/* of slots */
} TidSet;

/* Copies a bitmap into the current memory context. */
extern TidSet *tid_set_create(TIDBitmap *bitmap);

/* Whether a row is in the set. */
extern bool tid_set_has(TidSet *set, const ItemPointerData *tid);

#endif							/* VECTOR_SEGMENT_TID_SET_H */
