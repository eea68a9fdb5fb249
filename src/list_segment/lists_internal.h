/*
 * lists_internal.h - writing rows of lists, for lists.c, build.c and merge.c
 */
#ifndef VECTOR_LIST_SEGMENT_LISTS_INTERNAL_H
#define VECTOR_LIST_SEGMENT_LISTS_INTERNAL_H

#include "list_segment/lists.h"

/* A row that is ready to be written to its list. */
typedef struct ListRow
{
	ItemPointerData tid;
	uint16		b;				/* bfloat16 */
	uint16		error;			/* bfloat16 */
	float		a;
	const uint8 *code;			/* nibbles, lists.code_bytes bytes */
	const void *fine;			/* FineFactors and code, lists.fine_size bytes */
	SealedNode *node;			/* head and vector, layout.size bytes; tid and row are filled in */
} ListRow;

/* Writes a segment's rows, list by list. */
typedef struct ListsWriter
{
	SealedHeader header;
	ExtentWriter tids;
	CodeWriter	codes;
	ExtentWriter fines;
	ExtentWriter nodes;
	uint32		rows;
} ListsWriter;

/* The number of groups of lists with these numbers of rows. */
extern uint32 lists_groups(const uint32 *counts, uint32 lists);

/* Fills in the places of a segment whose header->rows is known; returns its number of blocks. */
extern uint32 lists_place(const Space *space, SealedHeader *header, uint32 groups);

extern void lists_writer_begin(ListsWriter *writer, Relation index, SegmentEntry *entry,
							   const SealedHeader *header, const CachedCentroids *centroids,
							   const uint32 *counts);
/* Writes a row of the current list; returns its number. */
extern uint32 lists_writer_put(ListsWriter *writer, ListRow *row);
/* Ends the current list, before the first row of another. */
extern void lists_writer_end_list(ListsWriter *writer);
extern void lists_writer_end(ListsWriter *writer);

#endif							/* VECTOR_LIST_SEGMENT_LISTS_INTERNAL_H */
