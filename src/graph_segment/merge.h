/*
 * merge.h - uniting sealed segments by the graphs that they have
 */
#ifndef VECTOR_GRAPH_SEGMENT_MERGE_H
#define VECTOR_GRAPH_SEGMENT_MERGE_H

#include "graph_segment/build.h"
#include "segment/cache.h"

typedef struct Merge Merge;

/* Whether segments of a space can be united so: it takes nodes with codes. */
extern bool merge_is_possible(const Space *space);

/*
 * Prepares one segment of the live rows of several, or of one.  It takes maintenance_work_mem, and
 * 8 bytes a row beside; what it holds it holds while the current memory context lives.  Progress
 * is as of a build.
 */
extern Merge *merge_begin(Relation index, CachedIndex *cached, const SegmentEntry *inputs,
						  int count, void (*progress) (BuildPhase phase, uint64 done,
													   uint64 total));

/* The blocks it takes, and then the writing of them. */
extern uint32 merge_blocks(Merge *merge);
extern void merge_write(Merge *merge, SegmentEntry *output);

/* The rows of an input, dead ones too, and the number in the output of one that was not dead. */
extern uint32 merge_input_rows(const Merge *merge, int input);
extern uint32 merge_row_number(const Merge *merge, int input, uint32 row);
#define MERGE_NO_ROW	PG_UINT32_MAX

#endif							/* VECTOR_GRAPH_SEGMENT_MERGE_H */
