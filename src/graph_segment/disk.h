/*
 * disk.h - segments of METHOD_DISK: a graph whose walk reads no vectors
 *
 * Each node's code, with 1 to 8 bits a dimension, is stored once, and its neighbours are only
 * numbers.  So a node takes a small part of the bytes of one that has the codes of all its
 * neighbours, but a hop reads the code of each neighbour elsewhere.  (Codes: fine.h.)
 *
 * If the segment has vectors, a node of level 0 has its vector and its neighbours' numbers, in one
 * block where it fits: the search finds by codes which nodes to read, and what it reads gives the
 * exact distance (Subramanya et al., DiskANN, NeurIPS 2019).  Otherwise distances in the walk are
 * estimates; those of the best candidates are computed afterwards, by the vectors of the table.
 *
 * A DiskReader keeps the blocks that it reads open until disk_reader_close: nodes that are near
 * each other have numbers near each other, so most elements are in a block that is open.
 */
#ifndef VECTOR_GRAPH_SEGMENT_DISK_H
#define VECTOR_GRAPH_SEGMENT_DISK_H

#include "graph_segment/build_internal.h"
#include "quantize/fine.h"
#include "segment/code_groups.h"

/* The most blocks that a reader keeps open. */
#define DISK_OPEN_BLOCKS	256

/* Reads elements of an array of a segment. */
typedef struct DiskReader
{
	SealedScan *scan;
	BlockNumber first;			/* block within the extent where the array begins */
	uint32		size;			/* of an element */
	uint32		per_block;		/* 0: packed through the payloads */
	uint32		count;			/* of elements */
	uint32		slots;			/* blocks that may be open: a power of 2 */
	char	   *copy;			/* of an element that crosses blocks */
	uint64		opened[DISK_OPEN_BLOCKS / 64];	/* a bit for each slot whose block is open */
	struct
	{
		BlockNumber place;
		BlockToken	token;
		const char *payload;
	}			open[DISK_OPEN_BLOCKS];
} DiskReader;

/*
 * The readers of codes and of DiskNodes, if there are any, of the segment of a scan; both the
 * reader and the scan must stay in place.
 */
extern void disk_read_codes(DiskReader *reader, SealedScan *scan);
extern void disk_read_links(DiskReader *reader, SealedScan *scan);

/*
 * An element; raises an error if there is none with this number.  It is valid until the next call
 * for an element of another block, or disk_reader_close.
 */
extern const char *disk_reader_get(DiskReader *reader, uint32 number);
extern void disk_reader_prefetch(const DiskReader *reader, uint32 number, BlockBatch *batch);
extern void disk_reader_close(DiskReader *reader);

#define DISK_COMPARED	64

/* What a search of a segment compares and reads. */
typedef struct DiskScan
{
	DiskReader	codes;
	DiskReader	links;
	FineRounded query;
	int8	   *rounded;		/* its memory, once there was a query */
	float		base;			/* of estimates */
	float		length;			/* |q - c| */
	uint32		compared[DISK_COMPARED];	/* blocks compared last, from 1 on; 0: none */
	bool		once;			/* nodes with vectors do not all fit into buffers */
} DiskScan;

/* Prepares a rotated query, less the mean. */
extern void disk_prepare(DiskScan *disk, const float *centred);

/* The estimated distances of nodes, whose codes are read together. */
extern void disk_estimate(DiskScan *disk, const uint32 *numbers, int n, float *distances);

/* A distance that a node estimated like this is hardly nearer than. */
extern float disk_bound(DiskScan *disk, uint32 number, float estimate);

static inline bool
disk_is(const SealedHeader *header)
{
	return header->disk.codes > 0;
}

/* The size of an element of the array of codes. */
extern uint32 disk_code_size(const Space *space, uint32 padded);

/* The residual that an element of that array stands for. */
extern void disk_restore(const Space *space, uint32 padded, const char *code, float *residual);

/* The most neighbours of a node. */
static inline uint32
segment_degree(const SealedHeader *header)
{
	return disk_is(header) ? header->disk.degree : header->layout.degree;
}

/*
 * Makes such an element relative to another mean, to which `shift` leads from its own.  It is the
 * code of what the old one stands for, so estimates by it are less precise.  residual is scratch.
 */
extern void disk_shift(const Space *space, uint32 padded, const float *shift, char *code,
					   float *residual);

/* Whether the neighbours of nodes are in an array of DiskNodes, because there are no vectors. */
static inline bool
disk_has_links(const SealedHeader *header)
{
	return header->disk.links > 0;
}

/* Copies so many neighbours of a node, as far as it may have them, to ids; returns how many. */
extern int	disk_unpack_ids(const SealedHeader *header, const char *packed, uint32 links,
							uint32 *ids);
extern void disk_pack_ids(const SealedDisk *disk, const uint32 *ids, uint32 links, char *packed);

static inline int
disk_copy_links(const SealedHeader *header, const DiskNode *node, uint32 *ids)
{
	return disk_unpack_ids(header, (const char *) (node + 1), node->links, ids);
}

/* What writes the arrays of a segment. */
typedef struct DiskWriter
{
	ExtentWriter codes;
	ExtentWriter links;
	SealedDisk	disk;
	FineQuantizer quantizer;
	float	   *residual;
	char	   *code;			/* room for an element */
	char	   *node;
} DiskWriter;

/* Lays out the nodes of a segment with so many of them. */
extern void disk_lay_out(const SegmentBuild *build, SpaceStorage storage, SealedHeader *header);
/* Then places its arrays from a place on; returns the place after. */
extern uint64 disk_place(const SegmentBuild *build, SealedHeader *header, uint64 place);
extern void disk_writer_begin(DiskWriter *writer, const SegmentBuild *build,
							  const SealedHeader *header, Extent extent);
/* The element of the array of codes for a residual; valid until the next call. */
extern const char *disk_encode(DiskWriter *writer, const float *residual);
/* Write the next node's element of that array, and its DiskNode, with neighbours by numbers. */
extern void disk_writer_put_code(DiskWriter *writer, const char *code);
extern void disk_writer_put_links(DiskWriter *writer, const DiskNode *node, const uint32 *ids);
extern void disk_writer_end(DiskWriter *writer);

#endif							/* VECTOR_GRAPH_SEGMENT_DISK_H */
