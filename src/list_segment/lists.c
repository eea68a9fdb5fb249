/*
 * lists.c - writing rows of lists
 */
#include "list_segment/lists.h"

#include "list_segment/lists_internal.h"
#include "segment/layout.h"
#include "segment/tombstones.h"
#include "segment/wait_point.h"

uint32
lists_place(const Space *space, SealedHeader *header, uint32 groups)
{
	SealedLists *lists = &header->lists;
	SealedLevel *level = &header->level[0];
	uint32		place = 1;

	header->levels = 1;
	header->nodes = space->storage == STORAGE_NONE ? 0 : header->rows;
	header->mean = place;
	place += header->padded ? extent_blocks_for(header->padded, sizeof(float), false) : 0;
	header->tombstones = place;
	place += extent_blocks_for(sizeof(TombstoneHeader) + header->rows / 8 + 1, 1, false);
	header->tids = place;
	place += extent_blocks_for(header->rows, sizeof(SealedRow), true);
	lists->list = place;
	place += extent_blocks_for(lists->count, sizeof(SealedList), false);
	lists->codes = place;
	place += elements_blocks(groups, lists->group_size, lists->groups_per_block);
	lists->fine = place;
	place += elements_blocks(header->rows, lists->fine_size, lists->fines_per_block);
	level->first = place;
	level->nodes = header->nodes;
	if (header->nodes > 0)
		level->blocks = node_layout_blocks(&header->layout, header->nodes);
	header->cold = lists->codes;
	header->blocks = place + level->blocks;
	return header->blocks;
}

uint32
lists_groups(const uint32 *counts, uint32 lists)
{
	uint64		groups = 0;

	for (uint32 i = 0; i < lists; i++)
		groups += (counts[i] + CODE_GROUP - 1) / CODE_GROUP;
	return (uint32) groups;
}

/* Writes the mean of all rows, computed from the lists' centroids. */
static void
write_mean(ListsWriter *writer, ExtentWriter *extent, const CachedCentroids *centroids,
		   const uint32 *counts)
{
	const SealedHeader *header = &writer->header;
	CentroidPoints points;
	float	   *mean;

	if (header->padded == 0)
		return;
	mean = palloc0(sizeof(float) * header->padded);
	cache_open_points(centroids, extent->extent.index, &points);
	for (uint32 l = 0; l < header->lists.count; l++)
	{
		float		part = header->rows > 0 ? (float) counts[l] / header->rows : 0;
		const float *c;

		if (counts[l] == 0)
			continue;
		(void) points.base.open(points.base.arg, l, &c);
		for (uint32 i = 0; i < header->padded; i++)
			mean[i] += part * c[i];
	}
	centroid_points_close(&points);
	extent_writer_seek(extent, header->mean, BLOCK_MEAN);
	extent_writer_put(extent, mean, sizeof(float) * header->padded);
	pfree(mean);
}

/* Writes where the rows and groups of each list begin. */
static void
write_list_table(ListsWriter *writer, ExtentWriter *extent, const uint32 *counts)
{
	SealedList	list = {0};

	extent_writer_seek(extent, writer->header.lists.list, BLOCK_LISTS);
	for (uint32 l = 0; l < writer->header.lists.count; l++)
	{
		list.rows = counts[l];
		extent_writer_put(extent, &list, sizeof(list));
		list.row += counts[l];
		list.group += (counts[l] + CODE_GROUP - 1) / CODE_GROUP;
	}
}

void
lists_writer_begin(ListsWriter *writer, Relation index, SegmentEntry *entry,
				   const SealedHeader *header, const CachedCentroids *centroids,
				   const uint32 *counts)
{
	ExtentWriter extent;

	memset(writer, 0, sizeof(*writer));
	writer->header = *header;
	entry->rows = header->rows;
	extent_writer_begin(&extent, extent_of(index, entry));
	extent_writer_seek(&extent, 0, BLOCK_SEALED_HEADER);
	extent_writer_put(&extent, header, sizeof(*header));
	write_mean(writer, &extent, centroids, counts);
	extent_writer_seek(&extent, header->tombstones, BLOCK_TOMBSTONES);
	sealed_write_tombstones(&extent, header);
	write_list_table(writer, &extent, counts);
	extent_writer_end(&extent);

	extent_writer_begin(&writer->tids, extent_of(index, entry));
	extent_writer_begin(&writer->fines, extent_of(index, entry));
	extent_writer_begin(&writer->nodes, extent_of(index, entry));
	if (header->rows == 0)
		return;
	extent_writer_seek(&writer->tids, header->tids, BLOCK_TIDS);
	if (header->lists.group_size > 0)
		code_writer_begin(&writer->codes, extent_of(index, entry), lists_groups_of(&header->lists));
	if (header->lists.fine_size > 0)
		extent_writer_seek(&writer->fines, header->lists.fine, BLOCK_FINE);
	if (header->nodes > 0)
		extent_writer_seek(&writer->nodes, header->level[0].first, BLOCK_NODES);
}

/* Writes an element that does not cross blocks, or is packed without gaps. */
static void
put(ExtentWriter *extent, const void *data, Size size, bool whole)
{
	if (whole)
		extent_writer_keep_whole(extent, size);
	extent_writer_put(extent, data, size);
}

void
lists_writer_end_list(ListsWriter *writer)
{
	if (writer->header.lists.group_size > 0)
		code_writer_flush(&writer->codes);
}

uint32
lists_writer_put(ListsWriter *writer, ListRow *row)
{
	const SealedHeader *header = &writer->header;
	const SealedLists *lists = &header->lists;
	SealedRow	sealed;

	WAIT_POINT("write");
	memset(&sealed, 0, sizeof(sealed));
	sealed.tid = row->tid;
	sealed.node = writer->rows;
	put(&writer->tids, &sealed, sizeof(sealed), true);
	if (lists->group_size > 0)
	{
		const RowCode code = {row->a, row->b, row->error, row->code};

		code_writer_put(&writer->codes, &code);
	}
	if (lists->fine_size > 0)
		put(&writer->fines, row->fine, lists->fine_size, lists->fines_per_block > 0);
	if (header->nodes > 0)
	{
		row->node->tid = row->tid;
		row->node->row = writer->rows;
		node_layout_put(&header->layout, &writer->nodes, row->node);
	}
	return writer->rows++;
}

void
lists_writer_end(ListsWriter *writer)
{
	extent_writer_end(&writer->tids);
	if (writer->codes.group)
		code_writer_end(&writer->codes);
	extent_writer_end(&writer->fines);
	extent_writer_end(&writer->nodes);
}
