/*
 * growing_internal.h - the blocks of a growing segment, for growing.c and growing_scan.c
 */
#ifndef VECTOR_SEGMENT_GROWING_INTERNAL_H
#define VECTOR_SEGMENT_GROWING_INTERNAL_H

#include "segment/growing.h"
#include "segment/memory.h"

#define GROWING_ROWS		CODE_GROUP	/* of a group */
#define GROWING_UNIT		4		/* of GrowingGroup.offset, bytes */

/* The number of rows in group g. */
static inline uint32
growing_group_rows(const GrowingHeader *header, uint32 g)
{
	return Min(header->rows - g * GROWING_ROWS, GROWING_ROWS);
}

extern void growing_read_header(Relation index, const SegmentEntry *entry, GrowingHeader *header);

/* Locks a group's block; sets *group to the group in it. */
extern Buffer growing_lock_group(Extent extent, const GrowingHeader *header, uint32 g, int lock,
								 GrowingGroup **group);

/* Reads the payload at an offset; returns its size. */
extern Size growing_read_payload(Extent extent, const Space *space, const GrowingHeader *header,
								 uint32 offset, PayloadMemory *memory);

#endif							/* VECTOR_SEGMENT_GROWING_INTERNAL_H */
