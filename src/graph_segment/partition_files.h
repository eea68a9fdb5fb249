/*
 * partition_files.h - the temporary files of a build in partitions
 */
#ifndef VECTOR_GRAPH_SEGMENT_PARTITION_FILES_H
#define VECTOR_GRAPH_SEGMENT_PARTITION_FILES_H

#include "graph_segment/build_internal.h"
#include "segment/temporary.h"

/* The head of a row in a file; the payload follows. */
typedef struct RowHead
{
	ItemPointerData tid;
	uint16		secondary;
	uint32		source;
	uint32		size;			/* of the payload */
	float		error;
	float		scale;
} RowHead;

/* A participant's own files; it reads back what it has written. */
typedef struct PartitionState
{
	BufFile    *spill;			/* all rows */
	BufFile   **rows;			/* of the partitions */
	BufFile   **own;			/* of the parts: rows, */
	BufFile   **edges;			/* and edges of their nodes */
	float	   *floats;			/* room for a vector's elements, */
	char	   *work;			/* and for its work vector */
	char	   *record;			/* room for what follows a head */
	Size		record_room;
	GraphEdges	links;			/* room for the edges of a node */
	char	  **anchors;		/* of the leader: work vectors, or payloads, of first nodes */
} PartitionState;

/* Room for a record, until the next call. */
extern char *partition_room(PartitionState *state, Size size);

/* Appends a record to a file, which is created for the first record. */
extern void partition_put(SegmentBuild *build, BufFile **file, void *head, Size head_size,
						  const char *bytes, Size size);

/* Reads the next row of a file; its payload is at *payload until the next call. */
extern bool partition_next_row(PartitionState *state, BufFile *file, RowHead *head,
							   const char **payload);

/* Rewinds a file, once all participants have reached this point. */
extern void partition_begin_reading(SegmentBuild *build, BufFile *file);
extern void partition_close(BufFile **file);

#endif							/* VECTOR_GRAPH_SEGMENT_PARTITION_FILES_H */
