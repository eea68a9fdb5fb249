/*
 * disk.c - reading and writing the arrays of a METHOD_DISK segment
 */
#include "graph_segment/disk.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "storage/bufmgr.h"
#include "utils/guc.h"

#include "segment/layout.h"

/* In a bound, an estimate is off by so many standard deviations: one in 150 is by more. */
#define BOUND_SIGMAS		2.5f

/*
 * A scan keeps at most its part of the buffers pinned, as PostgreSQL's do that read ahead.  Buffers
 * of temporary tables are the session's own, but there may be few.
 */
static uint32
allowed_slots(const BlockReader *reader)
{
	int			buffers = RelationUsesLocalBuffers(reader->extent.index) ? num_temp_buffers / 2 :
		NBuffers / Max(MaxBackends, 1);
	uint32		share = (uint32) buffers / 2;
	uint32		slots = 1;

	while (!reader->lock && slots < DISK_OPEN_BLOCKS && slots * 2 <= share)
		slots *= 2;
	return slots;
}

static void
reader_begin(DiskReader *reader, SealedScan *scan, BlockNumber first, uint32 size)
{
	memset(reader, 0, sizeof(*reader));
	reader->scan = scan;
	reader->first = first;
	reader->size = size;
	reader->per_block = elements_per_block(size);
	reader->count = scan->segment->header.nodes;
	reader->slots = allowed_slots(&scan->reader);
}

void
disk_read_codes(DiskReader *reader, SealedScan *scan)
{
	const SealedDisk *disk = &scan->segment->header.disk;

	reader_begin(reader, scan, disk->codes, disk->code_size);
}

void
disk_read_links(DiskReader *reader, SealedScan *scan)
{
	const SealedDisk *disk = &scan->segment->header.disk;

	reader_begin(reader, scan, disk->links, disk->link_size);
}

/* The payload of a block, which stays open. */
static const char *
open_block(DiskReader *reader, BlockNumber place)
{
	uint32		slot = place & (reader->slots - 1);

	if (block_is_open(reader->open[slot].token))
	{
		if (reader->open[slot].place == place)
			return reader->open[slot].payload;
		block_close(&reader->scan->reader, &reader->open[slot].token);
	}
	reader->open[slot].place = place;
	reader->open[slot].payload = sealed_open_block(reader->scan, place,
												   &reader->open[slot].token);
	reader->opened[slot / 64] |= UINT64CONST(1) << slot % 64;
	return reader->open[slot].payload;
}

const char *
disk_reader_get(DiskReader *reader, uint32 number)
{
	uint64		offset = elements_offset(number, reader->size, reader->per_block);
	BlockNumber place = reader->first + (BlockNumber) (offset / PAYLOAD_SIZE);
	Size		start = offset % PAYLOAD_SIZE;

	if (unlikely(number >= reader->count))
		sealed_damaged(reader->scan->index, "In segment %u, a neighbour %u does not exist.",
					   reader->scan->segment->part.uid, number);
	if (likely(start + reader->size <= PAYLOAD_SIZE && !reader->scan->reader.lock))
		return open_block(reader, place) + start;
	if (reader->copy == NULL)
		reader->copy = MemoryContextAlloc(reader->scan->context, reader->size);
	for (Size done = 0; done < reader->size; place++, start = 0)
	{
		Size		part = Min(reader->size - done, PAYLOAD_SIZE - start);

		memcpy(reader->copy + done, open_block(reader, place) + start, part);
		done += part;
		/* redo may wait for one block while it has locked another */
		if (reader->scan->reader.lock)
			disk_reader_close(reader);
	}
	return reader->copy;
}

void
disk_reader_prefetch(const DiskReader *reader, uint32 number, BlockBatch *batch)
{
	uint64		offset = elements_offset(number, reader->size, reader->per_block);
	BlockNumber place = reader->first + (BlockNumber) (offset / PAYLOAD_SIZE);
	Size		start = offset % PAYLOAD_SIZE;

	if (unlikely(number >= reader->count))
		return;
	for (Size left = reader->size; left > 0; place++, start = 0)
	{
		Size		part = Min(left, PAYLOAD_SIZE - start);
		uint32		slot = place & (reader->slots - 1);

		if (block_is_open(reader->open[slot].token) && reader->open[slot].place == place)
		{
			const char *bytes = reader->open[slot].payload + start;

			for (Size i = 0; i < part; i += BLOCK_CACHE_LINE)
				__builtin_prefetch(bytes + i, 0, 2);
		}
		else
			block_prefetch_bytes(&reader->scan->reader, place, start, part, batch);
		left -= part;
	}
}

void
disk_reader_close(DiskReader *reader)
{
	for (int i = 0; i < lengthof(reader->opened); i++)
		for (uint64 *bits = &reader->opened[i]; *bits != 0; *bits &= *bits - 1)
			block_close(&reader->scan->reader,
						&reader->open[i * 64 + pg_rightmost_one_pos64(*bits)].token);
}

void
disk_prepare(DiskScan *disk, const float *centred)
{
	const SealedHeader *header = &disk->codes.scan->segment->header;
	float		length2 = distance_kernels->f32_dot(centred, centred, header->padded);

	if (disk->rounded == NULL)
		disk->rounded = MemoryContextAlloc(disk->codes.scan->context,
										   fine_rounded_size(header->disk.bits, header->padded));
	fine_round(&disk->query, header->disk.bits, centred, header->padded, disk->rounded);
	/* dot products are not taken relative to a mean */
	disk->base = disk->codes.scan->space->metric == SPACE_IP ? 0 : length2;
	disk->length = sqrtf(length2);
}

void
disk_estimate(DiskScan *disk, const uint32 *numbers, int n, float *distances)
{
	BlockBatch	batch;

	block_batch_begin(&batch, false);
	for (int i = 0; i < n; i++)
		disk_reader_prefetch(&disk->codes, numbers[i], &batch);
	block_batch_read(&disk->codes.scan->reader, &batch);
	for (int i = 0; i < n; i++)
	{
		const FineFactors *factors =
			(const FineFactors *) disk_reader_get(&disk->codes, numbers[i]);

		distances[i] = disk->base + factors->a +
			factors->b * fine_rounded_dot(&disk->query, (const uint8 *) (factors + 1));
	}
}

float
disk_bound(DiskScan *disk, uint32 number, float estimate)
{
	const FineFactors *factors = (const FineFactors *) disk_reader_get(&disk->codes, number);

	return estimate - BOUND_SIGMAS * factors->error * disk->length;
}

int
disk_unpack_ids(const SealedHeader *header, const char *packed, uint32 links, uint32 *ids)
{
	const uint8 *from = (const uint8 *) packed;
	int			count = (int) Min(links, Min(header->disk.degree, GRAPH_MAX_DEGREE));
	uint16		size = header->disk.id_size;

	for (int i = 0; i < count; i++, from += size)
	{
		ids[i] = from[0] | (uint32) from[1] << 8;
		if (size > 2)
			ids[i] |= (uint32) from[2] << 16;
		if (size > 3)
			ids[i] |= (uint32) from[3] << 24;
	}
	return count;
}

void
disk_pack_ids(const SealedDisk *disk, const uint32 *ids, uint32 links, char *packed)
{
	uint8	   *to = (uint8 *) packed;

	for (uint32 i = 0; i < links; i++)
		for (int byte = 0; byte < disk->id_size; byte++)
			*to++ = (uint8) (ids[i] >> 8 * byte);
}

uint32
disk_code_size(const Space *space, uint32 padded)
{
	return TYPEALIGN(sizeof(float), sizeof(FineFactors) + fine_size(space->bits, padded));
}

static FineQuantizer
quantizer_of(const Space *space, uint32 padded)
{
	return (FineQuantizer) {space_rabitq_metric(space), FINE_RABITQ, space->bits, padded};
}

/* Makes the element of the array of codes for a residual, of the quantizer's size. */
static void
encode(const FineQuantizer *quantizer, const float *residual, char *code)
{
	static const float origin[DENSE_MAX_DIM + 16];
	FineFactors factors = fine_encode(quantizer, residual, origin,
									  (uint8 *) code + sizeof(FineFactors));

	memcpy(code, &factors, sizeof(factors));
}

void
disk_restore(const Space *space, uint32 padded, const char *code, float *residual)
{
	const FineFactors *factors = (const FineFactors *) code;
	const FineQuantizer quantizer = quantizer_of(space, padded);

	fine_restore(&quantizer, (const uint8 *) (factors + 1), factors->b, residual);
}

void
disk_shift(const Space *space, uint32 padded, const float *shift, char *code, float *residual)
{
	const FineQuantizer quantizer = quantizer_of(space, padded);
	FineFactors *factors = (FineFactors *) code;
	FineFactors old = *factors;
	float		length2;

	disk_restore(space, padded, code, residual);
	/* the squared length of the vector itself, that of what a code stands for being larger */
	length2 = old.a - 2 * distance_kernels->f32_dot(residual, shift, padded) +
		distance_kernels->f32_dot(shift, shift, padded);
	for (uint32 d = 0; d < padded; d++)
		residual[d] -= shift[d];
	encode(&quantizer, residual, code);
	if (quantizer.metric == RABITQ_L2)
		factors->a = Max(length2, 0);
	factors->error = hypotf(factors->error, old.error);
}

void
disk_lay_out(const SegmentBuild *build, SpaceStorage storage, SealedHeader *header)
{
	SealedDisk *disk = &header->disk;
	NodeLayout *layout = &header->layout;
	Size		stored = space_stored_size(&build->space, storage);

	disk->degree = (uint16) build->graph.degree;
	disk->id_size = header->nodes <= UINT32_C(1) << 16 ? 2 :
		header->nodes <= UINT32_C(1) << 24 ? 3 : 4;
	if (stored == 0)
		return;
	layout->degree = disk->degree;
	layout->ids = sizeof(SealedNode);
	layout->vector = TYPEALIGN(sizeof(uint32), layout->ids + layout->degree * disk->id_size);
	layout->size = TYPEALIGN(sizeof(uint32), layout->vector + stored);
	node_layout_place(layout, storage);
	/* to read a node is to read one block, at any cost in unused bytes */
	if (layout->size <= PAYLOAD_SIZE && layout->per == 0)
	{
		layout->per = PAYLOAD_SIZE / layout->size;
		layout->span = 1;
	}
}

uint64
disk_place(const SegmentBuild *build, SealedHeader *header, uint64 place)
{
	SealedDisk *disk = &header->disk;

	disk->bits = (uint16) build->space.bits;
	disk->code_size = disk_code_size(&build->space, header->padded);
	disk->codes = (BlockNumber) place;
	place += elements_blocks(header->nodes, disk->code_size, elements_per_block(disk->code_size));
	if (header->layout.size > 0)
		return place;
	disk->link_size = TYPEALIGN(sizeof(uint32),
								sizeof(DiskNode) + (uint32) disk->degree * disk->id_size);
	disk->links = (BlockNumber) place;
	return place + elements_blocks(header->nodes, disk->link_size,
								   elements_per_block(disk->link_size));
}

void
disk_writer_begin(DiskWriter *writer, const SegmentBuild *build, const SealedHeader *header,
				  Extent extent)
{
	writer->disk = header->disk;
	writer->quantizer = quantizer_of(&build->space, header->padded);
	writer->residual = palloc(sizeof(float) * header->padded);
	writer->code = palloc0(header->disk.code_size);
	extent_writer_begin(&writer->codes, extent);
	extent_writer_seek(&writer->codes, header->disk.codes, BLOCK_FINE);
	writer->node = NULL;
	if (!disk_has_links(header))
		return;
	writer->node = palloc0(header->disk.link_size);
	extent_writer_begin(&writer->links, extent);
	extent_writer_seek(&writer->links, header->disk.links, BLOCK_LINKS);
}

/* Writes an element of an array. */
static void
put_element(ExtentWriter *writer, const char *element, uint32 size)
{
	if (elements_per_block(size) > 0)
		extent_writer_keep_whole(writer, size);
	extent_writer_put(writer, element, size);
}

const char *
disk_encode(DiskWriter *writer, const float *residual)
{
	encode(&writer->quantizer, residual, writer->code);
	return writer->code;
}

void
disk_writer_put_code(DiskWriter *writer, const char *code)
{
	put_element(&writer->codes, code, writer->disk.code_size);
}

void
disk_writer_put_links(DiskWriter *writer, const DiskNode *node, const uint32 *ids)
{
	memset(writer->node, 0, writer->disk.link_size);
	memcpy(writer->node, node, sizeof(*node));
	disk_pack_ids(&writer->disk, ids, node->links, writer->node + sizeof(*node));
	put_element(&writer->links, writer->node, writer->disk.link_size);
}

void
disk_writer_end(DiskWriter *writer)
{
	extent_writer_end(&writer->codes);
	pfree(writer->residual);
	pfree(writer->code);
	if (writer->node == NULL)
		return;
	extent_writer_end(&writer->links);
	pfree(writer->node);
}
