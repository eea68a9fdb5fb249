/*
 * disk.c - where the arrays of a METHOD_DISK segment are, and reading them
 */
#include "graph_segment/disk.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "storage/bufmgr.h"
#include "utils/guc.h"

#include "distance/half.h"
#include "segment/layout.h"
#include "segment/places.h"

/* In a bound, an estimate is off by so many standard deviations: one in 700 is by more. */
#define BOUND_SIGMAS		3.0f

/* Codes that are read together; their cells are read after them. */
#define ESTIMATES_AT_ONCE	64

/*
 * A scan keeps at most its part of the buffers pinned, as PostgreSQL's do that read ahead.  Buffers
 * of temporary tables are the session's own, but there may be few.
 */
static uint32
allowed_slots(const BlockReader *reader)
{
	int			buffers = RelationUsesLocalBuffers(reader->extent.index) ? num_temp_buffers / 2 :
		NBuffers / Max(MaxBackends, 1);
	uint32		share = (uint32) buffers / 3;
	uint32		slots = 1;

	while (!reader->lock && slots < DISK_OPEN_BLOCKS && slots * 2 <= share)
		slots *= 2;
	return slots;
}

static void
reader_begin(DiskReader *reader, SealedScan *scan, const char *what, BlockNumber first,
			 uint32 size, uint32 count)
{
	memset(reader, 0, sizeof(*reader));
	reader->scan = scan;
	reader->what = what;
	reader->first = first;
	reader->size = size;
	reader->per_block = elements_per_block(size);
	reader->count = count;
	reader->slots = allowed_slots(&scan->reader);
}

void
disk_scan_begin(DiskScan *disk, SealedScan *scan)
{
	const SealedHeader *header = &scan->segment->header;
	const SealedDisk *arrays = &header->disk;

	memset(disk, 0, sizeof(*disk));
	disk->axes = graph_loaded(scan->segment)->axes;
	disk->exact = arrays->cell_bits == DISK_CELL_FLOATS;
	reader_begin(&disk->codes, scan, "neighbour", arrays->codes, arrays->code_size,
				 header->nodes);
	if (disk_has_links(header))
		reader_begin(&disk->links, scan, "neighbour", arrays->links, arrays->link_size,
					 header->nodes);
	reader_begin(&disk->cells, scan, "cell", arrays->cells, arrays->cell_size,
				 arrays->cell_count);
}

/* The payload of a block, which stays open. */
static const char *
open_block(DiskReader *reader, BlockNumber place)
{
	uint32		slot = place & (reader->slots - 1);

	if (block_is_open(&reader->open[slot].token))
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
		sealed_damaged(reader->scan->index, "In segment %u, a %s %u does not exist.",
					   reader->scan->segment->part.uid, reader->what, number);
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

		if (block_is_open(&reader->open[slot].token) && reader->open[slot].place == place)
			block_bring_near(reader->open[slot].payload + start, part);
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
disk_scan_close(DiskScan *disk)
{
	disk_reader_close(&disk->codes);
	disk_reader_close(&disk->cells);
	disk_reader_close(&disk->links);
}

void
disk_prepare(DiskScan *disk, const float *centred)
{
	const SealedHeader *header = &disk->codes.scan->segment->header;
	uint32		padded = header->padded;
	const Axes *axes = disk->axes;
	Size		size;

	disk->norm = distance_kernels->f32_dot(centred, centred, padded);
	if (disk->terms == NULL)
		disk->terms = MemoryContextAlloc(disk->codes.scan->context,
										 sizeof(DiskTerms) * DISK_TERMS);
	/* no cell has this number */
	memset(disk->terms, 0xFF, sizeof(DiskTerms) * DISK_TERMS);
	disk->centred = centred;
	if (disk->exact)
	{
		fine_prepare(&disk->whole, header->disk.bits, centred, padded);
		return;
	}
	size = axes ? axes_rounded_size(&axes->plan, padded) :
		fine_rounded_size(header->disk.bits, padded);

	if (disk->rounded == NULL)
	{
		disk->rounded = MemoryContextAlloc(
			disk->codes.scan->context, size + fine_rounded_size(header->disk.cell_bits, padded));
	}
	if (axes)
	{
		float		along[AXES_MAX_DIMS];

		axes_apply(axes, centred, along);
		axes_round(&disk->along, &axes->plan, along, padded, (int16 *) disk->rounded);
	}
	else
		fine_round(&disk->query, header->disk.bits, centred, padded, disk->rounded);
	fine_round(&disk->coarse, header->disk.cell_bits, centred, padded, disk->rounded + size);
}

static inline DiskTerms *
terms_of(DiskScan *disk, uint32 cell)
{
	return &disk->terms[cell & (DISK_TERMS - 1)];
}

DiskFactors
disk_factors(const Axes *axes, const char *code, uint32 number)
{
	const DiskShortCode *short_code = (const DiskShortCode *) code;
	const DiskCode *whole = (const DiskCode *) code;
	float		b;

	if (axes == NULL)
		return (DiskFactors) {
			whole->a, bf16_to_float(whole->b), bf16_to_float(whole->error), whole->cell
		};
	b = bf16_to_float(short_code->b);
	return (DiskFactors) {
		bf16_to_float(short_code->a), b, axes->plan.error * fabsf(b), number / DISK_CELL_NODES
	};
}

/* The estimate of a node's distance from its code, but for the base of its cell, which is set. */
static inline float
compare_code(const DiskScan *disk, uint32 number, const char *code, uint32 *cell)
{
	const DiskCode *head = (const DiskCode *) code;

	if (disk->axes)
	{
		const DiskShortCode *factors = (const DiskShortCode *) code;

		*cell = number / DISK_CELL_NODES;
		return bf16_to_float(factors->a) + bf16_to_float(factors->b) *
			axes_dot(&disk->along, (const uint8 *) (factors + 1));
	}
	*cell = head->cell;
	return head->a + bf16_to_float(head->b) *
		(disk->exact ? fine_dot(&disk->whole, (const uint8 *) (head + 1)) :
		 fine_rounded_dot(&disk->query, (const uint8 *) (head + 1)));
}

/* The distance of a centroid, squared, or its product with the query, if `product`. */
static float
compare_cell(const DiskScan *disk, const DiskCell *cell, bool product)
{
	uint32		padded = disk->codes.scan->segment->header.padded;
	const float *centroid = (const float *) (cell + 1);
	float		dot;

	if (disk->exact)
		return product ? distance_kernels->f32_dot(disk->centred, centroid, padded) :
			distance_kernels->f32_l2sq(disk->centred, centroid, padded);
	dot = cell->scale * fine_rounded_dot(&disk->coarse, (const uint8 *) (cell + 1));
	return product ? dot : disk->norm - 2 * dot + cell->norm;
}

/* The terms of a cell, which are computed the first time. */
static const DiskTerms *
cell_terms(DiskScan *disk, uint32 number)
{
	DiskTerms  *terms = terms_of(disk, number);

	if (terms->cell != number)
	{
		const DiskCell *cell = (const DiskCell *) disk_reader_get(&disk->cells, number);
		bool		product = disk->codes.scan->space->metric == SPACE_IP;
		float		distance = compare_cell(disk, cell, product);

		terms->cell = number;
		terms->base = product ? -distance : distance;
		/* not below zero, but by rounding */
		terms->length = product ? sqrtf(disk->norm) : distance < 0 ? 0 : sqrtf(distance);
	}
	return terms;
}

void
disk_compare_cells(DiskScan *disk, uint32 first, uint32 n, float *distances)
{
	BlockBatch	batch;

	block_batch_begin(&batch, 0);
	for (uint32 i = 0; i < n; i++)
		disk_reader_prefetch(&disk->cells, first + i, &batch);
	block_batch_read(disk->codes.scan->index, &batch);
	for (uint32 i = 0; i < n; i++)
		distances[i] = cell_terms(disk, first + i)->base;
}

/* Estimates at most ESTIMATES_AT_ONCE distances. */
static void
estimate_some(DiskScan *disk, const uint32 *numbers, int n, float *distances)
{
	Relation	index = disk->codes.scan->index;
	uint32		cells[ESTIMATES_AT_ONCE];
	BlockBatch	batch;

	block_batch_begin(&batch, 0);
	for (int i = 0; i < n; i++)
		disk_reader_prefetch(&disk->codes, numbers[i], &batch);
	block_batch_read(index, &batch);
	for (int i = 0; i < n; i++)
	{
		distances[i] = compare_code(disk, numbers[i], disk_reader_get(&disk->codes, numbers[i]),
									&cells[i]);
		if (terms_of(disk, cells[i])->cell != cells[i])
			disk_reader_prefetch(&disk->cells, cells[i], &batch);
	}
	block_batch_read(index, &batch);
	for (int i = 0; i < n; i++)
		distances[i] += cell_terms(disk, cells[i])->base;
}

void
disk_estimate(DiskScan *disk, const uint32 *numbers, int n, float *distances)
{
	for (int i = 0; i < n; i += ESTIMATES_AT_ONCE)
		estimate_some(disk, numbers + i, Min(n - i, ESTIMATES_AT_ONCE), distances + i);
}

float
disk_bound(DiskScan *disk, uint32 number, float estimate)
{
	DiskFactors factors = disk_factors(disk->axes, disk_reader_get(&disk->codes, number), number);

	return estimate - BOUND_SIGMAS * factors.error * cell_terms(disk, factors.cell)->length;
}

uint32
disk_code_size(const Space *space, uint32 padded)
{
	return TYPEALIGN(sizeof(float), sizeof(DiskCode) + fine_size(space->bits, padded));
}

static uint32
cell_size(const SealedDisk *disk, uint32 padded)
{
	return TYPEALIGN(sizeof(float), sizeof(DiskCell) +
					 (disk->cell_bits == DISK_CELL_FLOATS ? sizeof(float) * padded :
					  fine_size(disk->cell_bits, padded)));
}

static uint32
link_size(const SealedDisk *disk)
{
	return TYPEALIGN(sizeof(uint32), sizeof(DiskNode) + (uint32) disk->degree * disk->id_size);
}

FineQuantizer
disk_quantizer(const Space *space, uint32 padded)
{
	return (FineQuantizer) {space_rabitq_metric(space), FINE_RABITQ, space->bits, padded};
}

FineQuantizer
disk_cell_quantizer(const SealedDisk *disk, uint32 padded)
{
	return (FineQuantizer) {RABITQ_L2, FINE_RABITQ, disk->cell_bits, padded};
}

void
disk_restore(const Space *space, uint32 padded, const char *code, float *residual)
{
	const DiskCode *head = (const DiskCode *) code;
	const FineQuantizer quantizer = disk_quantizer(space, padded);

	fine_restore(&quantizer, (const uint8 *) (head + 1), bf16_to_float(head->b), residual);
}

void
disk_shift(const Space *space, uint32 padded, const float *shift, char *code, float *residual)
{
	disk_restore(space, padded, code, residual);
	/* the product of the levels with the query changes by that with the shift */
	((DiskCode *) code)->a -= metric_weight(space_rabitq_metric(space)) *
		distance_kernels->f32_dot(residual, shift, padded);
}

void
disk_restore_cell(const SealedDisk *disk, uint32 padded, const char *cell, float *centroid)
{
	const DiskCell *head = (const DiskCell *) cell;
	const FineQuantizer quantizer = disk_cell_quantizer(disk, padded);

	if (disk->cell_bits == DISK_CELL_FLOATS)
		memcpy(centroid, head + 1, sizeof(float) * padded);
	else
		fine_restore(&quantizer, (const uint8 *) (head + 1),
				 factor_of_scale(quantizer.metric, head->scale), centroid);
}

static uint32
cells_of(uint32 nodes)
{
	return nodes / DISK_CELL_NODES + (nodes % DISK_CELL_NODES > 0);
}

uint32
disk_spare_cells(const SegmentBuild *build, uint32 cells)
{
	return build->shared->exact && !build->codes ? cells : 0;
}

/*
 * The number of cells of a segment: those of a merge without vectors; or runs of nodes, of each
 * part, because its last nodes are not near the first ones of the next, or of all if codes do not
 * name their cells.
 */
static uint32
count_cells(const SegmentBuild *build, uint32 nodes)
{
	const BuildShared *shared = build->shared;
	uint32		cells = 0;

	if (build->codes)
		return shared->cells;
	if (!shared->partitioned || build->axes)
		cells = cells_of(nodes);
	else
		for (uint32 p = 0; p < shared->parts; p++)
			cells += cells_of(shared->part_first[p + 1] - shared->part_first[p]);
	return cells + disk_spare_cells(build, cells);
}

/* The size of an element of the array of codes along axes. */
static uint32
short_code_size(const AxesPlan *plan, uint32 padded)
{
	return TYPEALIGN(sizeof(uint32), sizeof(DiskShortCode) + axes_code_size(plan, padded));
}

/* The bytes of an AxesPlan and axes. */
static uint32
axes_size(uint32 padded)
{
	return sizeof(AxesPlan) + sizeof(float) * padded * padded;
}

Axes *
disk_read_axes(Extent extent, const SealedHeader *header)
{
	uint32		padded = header->padded;
	Axes	   *axes;
	char	   *bytes;

	if (header->axes == 0)
		return NULL;
	axes = palloc(sizeof(Axes) + axes_size(padded));
	bytes = (char *) (axes + 1);
	extent_read(extent, header->axes, 0, bytes, axes_size(padded));
	axes->padded = padded;
	memcpy(&axes->plan, bytes, sizeof(AxesPlan));
	axes->rows = (const float *) (bytes + sizeof(AxesPlan));
	if (!axes_plan_fits(&axes->plan, padded) ||
		header->disk.code_size != short_code_size(&axes->plan, padded))
		sealed_wrong_header(extent.index, extent.uid, "size of codes along axes");
	return axes;
}

/* Places an array from a place on. */
static BlockNumber
place_array(uint64 *place, uint32 count, uint32 size)
{
	BlockNumber first = (BlockNumber) *place;

	*place += elements_blocks(count, size, elements_per_block(size));
	return first;
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
	disk->cell_bits = build->shared->cell_bits;
	disk->cell_count = count_cells(build, header->nodes);
	disk->cell_size = cell_size(disk, header->padded);
	disk->code_size = disk_code_size(&build->space, header->padded);
	if (build->axes)
	{
		disk->code_size = short_code_size(&build->axes->plan, header->padded);
		header->axes = place_array(&place, 1, axes_size(header->padded));
	}
	disk->cells = place_array(&place, disk->cell_count, disk->cell_size);
	disk->codes = place_array(&place, header->nodes, disk->code_size);
	if (header->layout.size > 0)
		return place;
	return place + disk_place_links(header, (BlockNumber) place);
}

/* Places the array of links; place 0: there is none. */
uint32
disk_place_links(SealedHeader *header, BlockNumber place)
{
	SealedDisk *disk = &header->disk;
	uint64		end = place;

	disk->links = 0;
	disk->link_size = 0;
	if (place == 0)
		return 0;
	disk->link_size = link_size(disk);
	disk->links = place_array(&end, header->nodes, disk->link_size);
	return (uint32) (end - place);
}

void
disk_check_header(Relation index, const CachedSegment *segment)
{
	const SealedHeader *header = &segment->header;
	const SealedDisk *disk = &header->disk;
	const NodeLayout *layout = &header->layout;
	const Space *space = cache_space(segment->part.index);
	Extent		extent = cached_extent(&segment->part, index);
	uint32		uid = segment->part.uid;
	uint32		ids = (uint32) disk->degree * disk->id_size;
	const ArrayPlace places[] = {
		{"place of codes", disk->codes, header->nodes, disk->code_size,
		elements_per_block(disk->code_size)},
		{"place of cells", disk->cells, disk->cell_count, disk->cell_size,
		elements_per_block(disk->cell_size)},
		{"place of links", disk->links, header->nodes, disk->link_size,
		elements_per_block(disk->link_size)},
		{"place of axes", header->axes, 1, axes_size(header->padded), 0}
	};

	/* with axes, their plan says more: see disk_read_axes */
	if (disk->bits != space->bits ||
		(header->axes == 0 && disk->code_size != disk_code_size(space, header->padded)))
		sealed_wrong_header(index, uid, "size of codes");
	if (header->axes > 0)
	{
		if (header->padded > AXES_MAX_DIMS || layout->size == 0 ||
			disk->cell_count != cells_of(header->nodes))
			sealed_wrong_header(index, uid, "axes");
		sealed_check_place(extent, header, &places[3]);
	}
	if (disk->cell_bits < FINE_MIN_BITS ||
		(disk->cell_bits > FINE_MAX_BITS && disk->cell_bits != DISK_CELL_FLOATS) ||
		(disk->cell_bits == DISK_CELL_FLOATS) != (header->exact > 0) ||
		disk->cell_size != cell_size(disk, header->padded) || disk->cell_count == 0)
		sealed_wrong_header(index, uid, "size of cells");
	if (disk->degree > GRAPH_MAX_DEGREE || disk->id_size < 1 || disk->id_size > sizeof(uint32) ||
		(space->storage == STORAGE_NONE) != (layout->size == 0) ||
		(disk_has_links(header) ? disk->link_size != link_size(disk) : layout->size == 0) ||
		(layout->size > 0 && (layout->ids < sizeof(SealedNode) ||
							  layout->vector < layout->ids + ids)))
		sealed_wrong_header(index, uid, "layout of nodes");
	sealed_check_place(extent, header, &places[0]);
	sealed_check_place(extent, header, &places[1]);
	if (disk_has_links(header))
		sealed_check_place(extent, header, &places[2]);
}
