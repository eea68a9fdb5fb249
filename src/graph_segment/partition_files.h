/*
 * partition_files.h - the temporary files of a build in partitions
 *
 * There may be a thousand of them, so none has a buffer but while it is written or read.
 */
#ifndef VECTOR_GRAPH_SEGMENT_PARTITION_FILES_H
#define VECTOR_GRAPH_SEGMENT_PARTITION_FILES_H

#include "graph_segment/build_internal.h"

/* The share of the memory that all participants' buffers have: one in this many bytes. */
#define PARTITION_FILE_SHARE	16

/* The head of a row in a file; the payload, or what is loaded in its place, follows. */
typedef struct RowHead
{
	ItemPointerData tid;
	uint16		secondary;
	uint32		source;
	uint32		size;			/* of what follows */
	float		error;
	float		scale;
	uint64		hash;			/* of the payload; in the files of partitions */
} RowHead;

typedef struct PartitionFile PartitionFile;

/* A participant's own files; it reads back what it has written. */
typedef struct PartitionState
{
	MemoryContext buffers;		/* of the files that are written, */
	uint32		written;		/* so many at the same time */
	PartitionFile *spill;		/* all rows */
	PartitionFile **rows;		/* of the partitions */
	PartitionFile **own;		/* of the parts: rows, */
	PartitionFile **edges;		/* and edges of their nodes */
	float	   *floats;			/* room for a vector's elements, */
	char	   *work;			/* and for what is loaded in place of a payload */
	struct pg_cryptohash_ctx *sha256;
	char	   *record;			/* room for what follows a head */
	Size		record_room;
	GraphEdges	links;			/* room for the edges of a node */
	char	  **anchors;		/* of the leader: work vectors, or payloads, of first nodes */
} PartitionState;

/* Room for a record, until the next call. */
extern char *partition_room(PartitionState *state, Size size);

/* Appends a record to a file, which is created for the first record. */
extern void partition_put(SegmentBuild *build, PartitionFile **file, const void *head,
						  Size head_size, const char *bytes, Size size);

/* Writes what is left in the buffers of the files that are written now, and frees these. */
extern void partition_flush(PartitionState *state, PartitionFile **files, uint32 count);

/* Reads a head, or what follows it. */
extern bool partition_read_head(PartitionFile *file, void *head, Size size);
extern void partition_read(PartitionFile *file, void *out, Size size);

/*
 * Reads the next row of a file, which may be NULL; its payload is at *payload until the next call.
 */
extern bool partition_next_row(PartitionState *state, PartitionFile *file, RowHead *head,
							   const char **payload);

/* Rewinds a file, which may be NULL, once all participants have reached this point. */
extern void partition_begin_reading(SegmentBuild *build, PartitionFile *file);
extern void partition_close(PartitionFile **file);

/* The part that a node belongs to. */
extern uint32 partition_part_of(const BuildShared *shared, uint32 number);

/* Writes the edges of a partition's nodes to the files of the parts that the nodes belong to. */
extern void partition_keep_edges(SegmentBuild *build);

/* Merges the edges of a part's nodes. */
extern void partition_merge_edges(SegmentBuild *build, uint32 part);

#endif							/* VECTOR_GRAPH_SEGMENT_PARTITION_FILES_H */
