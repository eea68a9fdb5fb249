/*
 * cached.c - loading centroids and lists
 */
#include "list_segment/cached.h"

#include "utils/memutils.h"

#include "list_segment/layout.h"
#include "quantize/product.h"
#include "segment/places.h"

/* Centroids that take more memory are not copied. */
#define MAX_COPY	(CACHE_SIZE / 4)

void
cache_open_points(const CachedCentroids *centroids, Relation index, CentroidPoints *points)
{
	if (centroids->copy.points == NULL)
		centroid_points_open(points, cached_extent(&centroids->part, index), &centroids->header);
	else
		*points = (CentroidPoints) {
			.base = cluster_points(&centroids->copy)
		};
}

/* Reads the centroids, and computes what is needed of all of them. */
static void
read_centroids(const Space *space, Extent extent, CachedCentroids *centroids)
{
	const CentroidsHeader *header = &centroids->header;
	Size		size = sizeof(float) * header->lists * header->width;
	CentroidPoints points;
	float	   *mean = palloc(sizeof(float) * header->width);

	centroids->half_norms = palloc(sizeof(float) * header->lists);
	if (header->lists <= CLUSTER_CODED_MIN && size <= MAX_COPY)
	{
		float	   *copy = palloc(size);

		extent_read(extent, header->centroids, 0, copy, size);
		centroids->copy = (ClusterCentroids) {
			copy, centroids->half_norms, header->lists, header->width
		};
	}
	cache_open_points(centroids, extent.index, &points);
	cluster_measure(&points.base, mean, centroids->half_norms);
	if (centroids->copy.points == NULL)
	{
		centroids->codes = palloc(sizeof(ClusterCodes));
		cluster_codes_init(centroids->codes, &points.base, mean, centroids->half_norms,
						   palloc_extended(cluster_codes_size(&points.base),
										   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
	}
	centroid_points_close(&points);

	/*
	 * The look-up tables are made for queries minus the mean, because their rounding is in
	 * proportion to the query.  Not for inner products, which a shift changes.
	 */
	if (space->coded && space->metric != SPACE_IP)
		centroids->mean = mean;
	else
		pfree(mean);
}

static void
check_centroids(const Space *space, Extent extent, const SegmentEntry *entry,
				const CentroidsHeader *header)
{
	uint32		width = lists_work_width(space);
	const ArrayPlace places[] = {
		{"place of centroids", header->centroids, header->lists, sizeof(float) * width, 0},
		{"place of codebooks", header->codebooks, header->codebook_size, 1, 0}
	};

	if (header->lists == 0 || header->lists != entry->rows || header->width != width)
		sealed_wrong_header(extent.index, extent.uid, "number of centroids");
	if (header->codebook_size != (space->quantizer == QUANTIZER_PQ ?
								  product_size(width, space->pq_m) : 0))
		sealed_wrong_header(extent.index, extent.uid, "size of codebooks");
	for (int i = 0; i < lengthof(places); i++)
		if (places[i].count > 0 && !place_is_within(extent.blocks, &places[i]))
			sealed_wrong_header(extent.index, extent.uid, places[i].what);
}

static void
load_centroids(CachedPart *part, Relation index, const SegmentEntry *entry)
{
	CachedCentroids *centroids = (CachedCentroids *) part;
	CentroidsHeader *header = &centroids->header;
	Extent		extent = extent_of(index, entry);

	extent_read_header(extent, BLOCK_CENTROIDS_HEADER, header, sizeof(*header));
	check_centroids(cache_space(part->index), extent, entry, header);
	read_centroids(cache_space(part->index), extent, centroids);
	if (header->codebook_size > 0)
	{
		centroids->codebooks = palloc(header->codebook_size);
		extent_read(extent, header->codebooks, 0, centroids->codebooks, header->codebook_size);
	}
}

static const CachedKind centroids_kind = {
	SEGMENT_CENTROIDS, "vector centroids", sizeof(CachedCentroids), load_centroids, NULL
};

static const SegmentEntry *
find_entry(CachedIndex *cached, Relation index, uint32 uid)
{
	const SegmentEntry *entry = directory_find(cache_directory(cached), uid);

	if (entry == NULL || entry->kind != SEGMENT_CENTROIDS)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" does not have the centroids %u",
						RelationGetRelationName(index), uid),
				 errhint("Please REINDEX it.")));
	return entry;
}

CachedCentroids *
cache_acquire_centroids(CachedIndex *cached, Relation index, uint32 uid)
{
	return (CachedCentroids *) cache_acquire_part(cached, index, find_entry(cached, index, uid),
												  &centroids_kind);
}

/* Checks what a header says of sizes and places, by which lists are found. */
static void
check_header(Relation index, const CachedSegment *segment)
{
	const SealedHeader *header = &segment->header;
	const SealedLists *lists = &header->lists;
	SealedHeader right = {0};
	const ArrayPlace places[] = {
		{"place of lists", lists->list, lists->count, sizeof(SealedList), 0},
		{"place of codes", lists->codes, 1, lists->group_size, lists->groups_per_block},
		{"place of fine codes", lists->fine, header->rows, lists->fine_size,
		lists->fines_per_block}
	};

	lists_layout(cache_space(segment->part.index), &right);
	if (header->padded != right.padded)
		sealed_wrong_header(index, segment->part.uid, "number of dimensions");
	if (lists->code_bytes != right.lists.code_bytes ||
		lists->group_size != right.lists.group_size ||
		lists->groups_per_block != right.lists.groups_per_block ||
		lists->fine_size != right.lists.fine_size ||
		lists->fines_per_block != right.lists.fines_per_block)
		sealed_wrong_header(index, segment->part.uid, "size of codes");
	if (header->nodes != (right.layout.size > 0 ? header->rows : 0) ||
		(header->nodes > 0 && header->layout.size < right.layout.size))
		sealed_wrong_header(index, segment->part.uid, "number of nodes");
	for (int i = 0; i < lengthof(places); i++)
		if (places[i].count * places[i].size > 0)
			sealed_check_place(cached_extent(&segment->part, index), header, &places[i]);
}

/* Checks that lists follow each other. */
static void
check_lists(Relation index, const CachedSegment *segment, const SegmentEntry *centroids)
{
	const SealedHeader *header = &segment->header;
	const SealedLists *lists = &header->lists;
	uint32		row = 0;
	uint64		group = 0;
	ArrayPlace	codes = {
		"number of codes", lists->codes, 0, lists->group_size, lists->groups_per_block
	};

	if (lists->count != centroids->rows)
		sealed_damaged(index, "Segment %u has %u lists, its centroids are %u.", segment->part.uid,
					   lists->count, centroids->rows);
	for (uint32 l = 0; l < lists->count; l++)
	{
		const SealedList *list = cached_list(segment, l);

		if (list->row != row || list->group != group || list->rows > header->rows - row)
			sealed_damaged(index, "In segment %u, list %u has %u rows from %u on, and begins at "
						   "group %u, not " UINT64_FORMAT ".", segment->part.uid, l, list->rows,
						   list->row, list->group, group);
		row += list->rows;
		group += (list->rows + CODE_GROUP - 1) / CODE_GROUP;
	}
	if (row != header->rows)
		sealed_damaged(index, "The lists of segment %u have %u rows of its %u.",
					   segment->part.uid, row, header->rows);
	codes.count = group;
	if (lists->group_size > 0 && group > 0)
		sealed_check_place(cached_extent(&segment->part, index), header, &codes);
}

void
cached_lists_load(CachedSegment *segment, Relation index)
{
	const SealedLists *header = &segment->header.lists;
	CachedIndex *cached = segment->part.index;
	CachedLists *loaded = palloc0(sizeof(CachedLists));
	const SegmentEntry *centroids = find_entry(cached, index, header->centroids);

	segment->loaded = loaded;
	check_header(index, segment);
	loaded->lists = MemoryContextAllocHuge(segment->part.context,
										   sizeof(SealedList) * header->count);
	extent_read(cached_extent(&segment->part, index), header->list, 0, loaded->lists,
				sizeof(SealedList) * header->count);
	check_lists(index, segment, centroids);
	/* this comes last, because an error after it would leave the centroids with a user too many */
	loaded->centroids = (CachedCentroids *)
		cache_use_part(cached, index, centroids, &centroids_kind);
}

void
cached_lists_unload(CachedSegment *segment)
{
	cache_release_part(&cached_centroids(segment)->part);
}
