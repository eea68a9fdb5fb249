/*
 * write.h - rows of lists as they are written, for lists.c, lists_build.c, lists_merge.c
 */
#ifndef VECTOR_LIST_SEGMENT_WRITE_H
#define VECTOR_LIST_SEGMENT_WRITE_H

#include "list_segment/lists.h"

/* A row ready to be written to its list. */
typedef struct ListRow
{
	ItemPointerData tid;
	uint16		b;				/* bfloat16 */
	uint16		error;			/* bfloat16 */
	float		a;
	const uint8 *code;			/* lists.code_bytes of nibbles */
	const void *fine;			/* lists.fine_size: FineFactors and code */
	SealedNode *node;			/* layout.size: head and vector; its tid and row are filled in */
} ListRow;

/* Writes a segment's rows, list by list. */
typedef struct ListsWriter
{
	SealedHeader header;
	ExtentWriter tids;
	ExtentWriter codes;
	ExtentWriter fines;
	ExtentWriter nodes;
	char	   *group;			/* that is being filled */
	uint32		grouped;		/* rows in it */
	uint32		rows;
} ListsWriter;

/* Bits of a fine code; 0: there are none. */
extern uint32 lists_fine_bits(const Space *space);

/* Groups of lists that have so many rows. */
extern uint32 lists_groups(const uint32 *counts, uint32 lists);

/* Fills in the places of a segment whose header->rows is known; returns the blocks it takes. */
extern uint32 lists_place(const Space *space, SealedHeader *header, uint32 groups);

extern void lists_writer_begin(ListsWriter *writer, Relation index, SegmentEntry *entry,
							   const SealedHeader *header, const CachedCentroids *centroids,
							   const uint32 *counts);
/* Writes a row of the list; returns its number. */
extern uint32 lists_writer_put(ListsWriter *writer, ListRow *row);
/* Ends a list, before the first row of another. */
extern void lists_writer_end_list(ListsWriter *writer);
extern void lists_writer_end(ListsWriter *writer);

#endif							/* VECTOR_LIST_SEGMENT_WRITE_H */
