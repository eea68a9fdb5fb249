/*
 * cached.c - loading centroids and lists
 */
#include "list_segment/cached.h"

#include "utils/memutils.h"

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
load_centroids(CachedPart *part, Relation index, const SegmentEntry *entry)
{
	CachedCentroids *centroids = (CachedCentroids *) part;
	CentroidsHeader *header = &centroids->header;
	Extent		extent = extent_of(index, entry);

	extent_read_header(extent, BLOCK_CENTROIDS_HEADER, header, sizeof(*header));
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

void
cached_lists_load(CachedSegment *segment, Relation index)
{
	const SealedLists *header = &segment->header.lists;
	CachedIndex *cached = segment->part.index;
	CachedLists *loaded = palloc0(sizeof(CachedLists));

	segment->loaded = loaded;
	loaded->lists = MemoryContextAllocHuge(segment->part.context,
										   sizeof(SealedList) * header->count);
	extent_read(cached_extent(&segment->part, index), header->list, 0, loaded->lists,
				sizeof(SealedList) * header->count);
	/* this comes last, because an error after it would leave the centroids with a user too many */
	loaded->centroids = (CachedCentroids *)
		cache_use_part(cached, index, find_entry(cached, index, header->centroids),
					   &centroids_kind);
}

void
cached_lists_unload(CachedSegment *segment)
{
	cache_release_part(&cached_centroids(segment)->part);
}
