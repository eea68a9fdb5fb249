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
 * A code is relative to the centroid of a cell: nodes are numbered so that those near each other
 * follow each other, and a cell is a run of them.  The residuals are shorter than from the mean, so
 * fewer bits say as much.  Nodes name their cells, so that a merge keeps both as they are.
 *
 * A large segment with vectors of few dimensions has codes along principal axes, with short
 * factors, and cells that are all runs of as many nodes: a merge makes these anew from the vectors.
 *
 * A DiskReader keeps the blocks that it reads open until disk_reader_close: nodes that are near
 * each other have numbers near each other, so most elements are in a block that is open.
 */
#ifndef VECTOR_GRAPH_SEGMENT_DISK_H
#define VECTOR_GRAPH_SEGMENT_DISK_H

#include "graph_segment/build_internal.h"
#include "quantize/axes.h"
#include "segment/code_groups.h"

/* Nodes of a cell, and bits of its centroid for a dimension. */
#define DISK_CELL_NODES		GRAPH_CELL
#define DISK_CELL_BITS		4

/* The most blocks that a reader keeps open. */
#define DISK_OPEN_BLOCKS	256

/* Reads elements of an array of a segment. */
typedef struct DiskReader
{
	SealedScan *scan;
	const char *what;			/* an element is, for errors */
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
 * An element; raises an error if there is none with this number.  It is valid until the next call
 * for an element of another block, or disk_reader_close.
 */
extern const char *disk_reader_get(DiskReader *reader, uint32 number);
extern void disk_reader_prefetch(const DiskReader *reader, uint32 number, BlockBatch *batch);
extern void disk_reader_close(DiskReader *reader);

/* What estimates of a cell's nodes have in common. */
typedef struct DiskTerms
{
	uint32		cell;
	float		base;
	float		length;			/* |q - c|, or |q| for dot products */
} DiskTerms;

#define DISK_TERMS			512		/* a power of 2 */
#define DISK_COMPARED	64

/* What a search of a segment compares and reads. */
typedef struct DiskScan
{
	DiskReader	codes;
	DiskReader	cells;
	DiskReader	links;
	const Axes *axes;			/* of codes; NULL: none */
	bool		exact;			/* centroids are floats, and the query is not rounded */
	const float *centred;		/* the query, */
	FineQuery	whole;			/* for codes if exact; else */
	FineRounded query;			/* for codes, */
	AxesQuery	along;			/* or for those along axes, */
	FineRounded coarse;			/* and for centroids, */
	int8	   *rounded;		/* and memory of these, once there was a query */
	float		norm;			/* squared, of the query */
	DiskTerms  *terms;			/* by cell % DISK_TERMS */
	uint32		compared[DISK_COMPARED];	/* blocks compared last, from 1 on; 0: none */
	bool		once;			/* nodes with vectors do not all fit into buffers */
} DiskScan;

/* Prepares the readers for the segment of a scan; both the scan and they must stay in place. */
extern void disk_scan_begin(DiskScan *disk, SealedScan *scan);
extern void disk_scan_close(DiskScan *disk);

/* Prepares a rotated query, less the mean. */
extern void disk_prepare(DiskScan *disk, const float *centred);

/* The estimated distances of nodes, whose codes are read together. */
extern void disk_estimate(DiskScan *disk, const uint32 *numbers, int n, float *distances);

/* The distances of centroids, of so many cells from one on. */
extern void disk_compare_cells(DiskScan *disk, uint32 first, uint32 n, float *distances);

/* A distance that a node estimated like this is hardly nearer than. */
extern float disk_bound(DiskScan *disk, uint32 number, float estimate);

static inline bool
disk_is(const SealedHeader *header)
{
	return header->disk.codes > 0;
}

/* What a session keeps of a segment that is a graph. */
typedef struct GraphLoaded
{
	GraphEntries entries;
	Axes	   *axes;			/* METHOD_DISK: NULL if it has none */
} GraphLoaded;

static inline const GraphLoaded *
graph_loaded(const CachedSegment *segment)
{
	return segment->loaded;
}

/* A node's factors as they are used, and its cell. */
typedef struct DiskFactors
{
	float		a;
	float		b;
	float		error;			/* standard deviation of an estimate, divided by |q - c| */
	uint32		cell;
} DiskFactors;

/* The factors of a node with an element of the array of codes. */
extern DiskFactors disk_factors(const Axes *axes, const char *code, uint32 number);

/* The size of an element of the array of codes without axes. */
extern uint32 disk_code_size(const Space *space, uint32 padded);

/* How the vectors of nodes and the centroids of cells are encoded, unless these are floats. */
extern FineQuantizer disk_quantizer(const Space *space, uint32 padded);
extern FineQuantizer disk_cell_quantizer(const SealedDisk *disk, uint32 padded);

/* Further cells, for runs of rows that are in groups far from each other. */
extern uint32 disk_spare_cells(const SegmentBuild *build, uint32 cells);

/* What an element of that array stands for, relative to its centroid; and a centroid. */
extern void disk_restore(const Space *space, uint32 padded, const char *code, float *residual);
extern void disk_restore_cell(const SealedDisk *disk, uint32 padded, const char *cell,
							  float *centroid);

/* The axes of a segment; NULL if it has none. */
extern Axes *disk_read_axes(Extent extent, const SealedHeader *header);

/* The most neighbours of a node. */
static inline uint32
segment_degree(const SealedHeader *header)
{
	return disk_is(header) ? header->disk.degree : header->layout.degree;
}

/*
 * Adapts such an element to queries that are less another mean, to which `shift` leads from its
 * own.  residual is scratch.
 */
extern void disk_shift(const Space *space, uint32 padded, const float *shift, char *code,
					   float *residual);

/*
 * Whether the neighbours of nodes are in an array of DiskNodes, because there are no vectors, or
 * because the nodes that have both are in an object store.
 */
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
struct DiskWriter
{
	ExtentWriter codes;
	ExtentWriter cells;
	ExtentWriter links;
	SealedDisk	disk;
	uint32		written;		/* cells */
	uint32		spare;			/* so many runs of rows may have another cell */
	uint32		named;			/* the cell that the element copied last had named */
	const Axes *axes;			/* NULL: none */
	FineQuantizer quantizer;
	float	   *centroid;		/* of the last cell */
	float	   *center;			/* along the axes */
	float	   *centred;		/* vectors of rows that have no cell yet, less the mean */
	int			centred_count;
	float	   *residual;
	float	   *along;			/* the axes */
	char	   *code;			/* room for an element */
	char	   *cell;
	char	   *node;
};

/* Raises an error unless what a header says of arrays and nodes can be true. */
extern void disk_check_header(Relation index, const CachedSegment *segment);

/* Lays out the nodes of a segment with so many of them. */
extern void disk_lay_out(const SegmentBuild *build, SpaceStorage storage, SealedHeader *header);
/* Then places its arrays from a place on; returns the place after. */
extern uint64 disk_place(const SegmentBuild *build, SealedHeader *header, uint64 place);
extern void disk_writer_begin(DiskWriter *writer, const SegmentBuild *build,
							  const SealedHeader *header, Extent extent);
/* Begins the next cell: by its centroid, or by an element of the array of cells with its bits. */
extern void disk_put_cell(DiskWriter *writer, const float *centroid);
extern void disk_copy_cell(DiskWriter *writer, const char *cell);
/* Write the next node's code: of the vector of a row, once as many follow as a cell has; */
extern void disk_writer_put_code(DiskWriter *writer, SegmentBuild *build, uint32 row);
/* at the end of a part, a cell may have fewer; */
extern void disk_writer_end_part(DiskWriter *writer);
/* or a copy of another one, in the same cell as those before it that named the same. */
extern void disk_writer_copy_code(DiskWriter *writer, SegmentBuild *build, const char *code);
/* Writes the next node's DiskNode, with neighbours by numbers. */
extern void disk_writer_put_links(DiskWriter *writer, const DiskNode *node, const uint32 *ids);
extern void disk_writer_end(DiskWriter *writer);

/* SegmentTiering of METHOD_DISK: a stored segment has the array of links. */
extern uint32 disk_place_links(SealedHeader *header, BlockNumber place);
extern void disk_write_links(SealedScan *scan, const SealedHeader *header, Extent output);

#endif							/* VECTOR_GRAPH_SEGMENT_DISK_H */
