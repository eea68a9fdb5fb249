/*
 * disk_write.c - writes the arrays of a METHOD_DISK segment
 */
#include "graph_segment/disk.h"

#include <math.h>

#include "distance/half.h"
#include "segment/layout.h"

/*
 * A run of rows is cut in two cells if the sum of the logarithms of their squared distances falls
 * by so much, where squares less than a part of the mean tell no more.
 */
#define CUT_GAIN	DISK_CELL_NODES
#define LEAST_SQUARE	1e-6

/* Squared distances from a centroid that are so many times the average are no part of it. */
#define FAR_TIMES			8

static const float origin[DENSE_MAX_DIM + 16];

/*
 * Rounds the factors of the code of a residual of this squared length.  Of a distance, the factor a
 * is changed with b so that the estimate of the vector from itself remains exact: a + b <u, c + o>
 * stays the same.
 */
static DiskCode
round_factors(const FineQuantizer *quantizer, const FineFactors *factors, float length2)
{
	DiskCode	code = {.a = factors->a, .b = float_to_bf16(factors->b)};
	float		changed = factors->b < 0 ? 1 - bf16_to_float(code.b) / factors->b : 0;
	/* the changed part of the product of the residual with the way that its estimate is for */
	float		rounding = metric_weight(quantizer->metric) * fabsf(changed) * sqrtf(length2);

	if (changed != 0 && quantizer->metric != RABITQ_IP)
		code.a -= changed * (length2 + factors->a);
	code.error = float_to_bf16(hypotf(factors->error, rounding) * (1 + 1.0f / 128));
	return code;
}

void
disk_writer_begin(DiskWriter *writer, const SegmentBuild *build, const SealedHeader *header,
				  Extent extent)
{
	writer->disk = header->disk;
	writer->written = 0;
	writer->named = PG_UINT32_MAX;
	/* half of all cells: see count_cells */
	writer->spare = disk_spare_cells(build, header->disk.cell_count / 2);
	writer->axes = build->axes;
	writer->quantizer = disk_quantizer(&build->space, header->padded);
	writer->centroid = palloc(sizeof(float) * header->padded);
	writer->center = palloc(sizeof(float) * header->padded);
	writer->centred = palloc(sizeof(float) * DISK_CELL_NODES * header->padded);
	writer->centred_count = 0;
	writer->residual = palloc(sizeof(float) * header->padded);
	writer->along = palloc(sizeof(float) * header->padded);
	writer->code = palloc0(header->disk.code_size);
	writer->cell = palloc0(header->disk.cell_size);
	extent_writer_begin(&writer->codes, extent);
	if (build->axes)
	{
		extent_writer_seek(&writer->codes, header->axes, BLOCK_AXES);
		extent_writer_put(&writer->codes, &build->axes->plan, sizeof(AxesPlan));
		extent_writer_put(&writer->codes, build->axes->rows,
						  sizeof(float) * header->padded * header->padded);
	}
	extent_writer_seek(&writer->codes, header->disk.codes, BLOCK_FINE);
	extent_writer_begin(&writer->cells, extent);
	extent_writer_seek(&writer->cells, header->disk.cells, BLOCK_CENTROIDS);
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

void
disk_copy_cell(DiskWriter *writer, const char *cell)
{
	Assert(writer->written < writer->disk.cell_count);
	put_element(&writer->cells, cell, writer->disk.cell_size);
	writer->written++;
}

void
disk_put_cell(DiskWriter *writer, const float *centroid)
{
	uint32		padded = writer->quantizer.padded;
	const FineQuantizer quantizer = disk_cell_quantizer(&writer->disk, padded);
	DiskCell   *cell = (DiskCell *) writer->cell;

	if (quantizer.bits == DISK_CELL_FLOATS)
	{
		cell->scale = 1;
		memcpy(cell + 1, centroid, sizeof(float) * padded);
	}
	else
		cell->scale = scale_of_factor(quantizer.metric,
									  fine_encode(&quantizer, centroid, origin,
												  (uint8 *) (cell + 1)).b);
	disk_restore_cell(&writer->disk, padded, writer->cell, writer->centroid);
	cell->norm = distance_kernels->f32_dot(writer->centroid, writer->centroid, padded);
	disk_copy_cell(writer, writer->cell);
}

/*
 * The mean of the vectors of n rows, without those so far from the mean of all that they alone
 * would decide where the centroid is.
 */
static void
find_centroid(const DiskWriter *writer, int n, float *centroid)
{
	uint32		padded = writer->quantizer.padded;
	float		distances[DISK_CELL_NODES] = {0};
	float		limit = 0;

	for (int round = 0; round < 2; round++)
	{
		float		total = 0;
		int			kept = 0;

		memset(centroid, 0, sizeof(float) * padded);
		for (int i = 0; i < n; i++)
			kept += distances[i] <= limit;
		for (int i = 0; i < n; i++)
			if (distances[i] <= limit)
				for (uint32 d = 0; d < padded; d++)
					centroid[d] += writer->centred[(Size) i * padded + d] / (float) kept;
		for (int i = 0; i < n; i++)
			total += distances[i] = distance_kernels->f32_l2sq(
				centroid, writer->centred + (Size) i * padded, padded);
		limit = FAR_TIMES * total / (float) n;
	}
}

/*
 * Makes the element of the array of codes for the i-th row of a cell in writer->code.  The product
 * of a residual o with a query is estimated as it is, not by the way from the centroid to the
 * query: the error then is a part of |q| |o|, however long the centroid is.
 */
static void
encode(DiskWriter *writer, int i)
{
	const FineQuantizer *quantizer = &writer->quantizer;
	uint32		padded = quantizer->padded;
	const float *centred = writer->centred + (Size) i * padded;
	float		length2;
	FineFactors factors;
	DiskCode	code;

	for (uint32 d = 0; d < padded; d++)
		writer->residual[d] = centred[d] - writer->centroid[d];
	length2 = distance_kernels->f32_dot(writer->residual, writer->residual, padded);
	if (writer->axes)
	{
		axes_apply(writer->axes, writer->residual, writer->along);
		factors = axes_encode(writer->axes, quantizer->metric, writer->along,
							  quantizer->metric == RABITQ_IP ? origin : writer->center,
							  (uint8 *) writer->code + sizeof(DiskShortCode));
		code = round_factors(quantizer, &factors, length2);
		*(DiskShortCode *) writer->code = (DiskShortCode) {float_to_bf16(code.a), code.b};
		return;
	}
	factors = fine_encode(quantizer, writer->residual,
						  quantizer->metric == RABITQ_IP ? origin : writer->centroid,
						  (uint8 *) writer->code + sizeof(DiskCode));
	code = round_factors(quantizer, &factors, length2);
	code.cell = writer->written - 1;
	memcpy(writer->code, &code, sizeof(code));
}

/* n times the logarithm of the mean of n squares; of one row, as if it were one of all. */
static double
log_squares(double squares, int n, double all)
{
	return n * log(Max(n > 1 ? squares / n : all, all * LEAST_SQUARE));
}

/*
 * Where to cut n rows in two, so that the logarithms of the mean squared distances from the means
 * of both parts, over all rows, are least; n if they are not much less than from one mean.  (If
 * each part were distributed normally, to the same extent in all directions, that would be the most
 * likely cut.)
 */
static int
cut_rows(DiskWriter *writer, int n)
{
	uint32		padded = writer->quantizer.padded;
	const float *first = writer->centred;
	float	   *sum = writer->residual;
	float	   *whole = writer->along;
	double		squares[DISK_CELL_NODES + 1] = {0};
	double		mean;
	double		least;
	int			best = n;

	memset(sum, 0, sizeof(float) * padded);
	memset(whole, 0, sizeof(float) * padded);
	for (int i = 0; i < n; i++)
	{
		squares[i + 1] = squares[i] +
			distance_kernels->f32_l2sq(first + (Size) i * padded, first, padded);
		for (uint32 d = 0; d < padded; d++)
			whole[d] += first[(Size) i * padded + d] - first[d];
	}
	mean = (squares[n] - distance_kernels->f32_dot(whole, whole, padded) / n) / n;
	least = n * log(mean) - CUT_GAIN;
	for (int i = 1; i < n && mean > 0; i++)
	{
		double		left;
		double		right = squares[n] - squares[i];
		double		both;

		for (uint32 d = 0; d < padded; d++)
		{
			sum[d] += first[(Size) (i - 1) * padded + d] - first[d];
			whole[d] -= first[(Size) (i - 1) * padded + d] - first[d];
		}
		left = squares[i] - distance_kernels->f32_dot(sum, sum, padded) / i;
		right -= distance_kernels->f32_dot(whole, whole, padded) / (n - i);
		both = log_squares(left, i, mean) + log_squares(right, n - i, mean);
		if (both < least)
		{
			least = both;
			best = i;
		}
	}
	return best;
}

/*
 * Writes a cell of the first of the rows that have none yet, and their codes: of all, or of those
 * that are in a group far from the others.
 */
static void
put_codes(DiskWriter *writer)
{
	int			n = writer->centred_count;
	int			cut = n;

	if (n == 0)
		return;
	while (writer->spare > 0 && cut > 1 && (cut = cut_rows(writer, n)) < n)
		n = cut;
	if (n < writer->centred_count)
		writer->spare--;
	find_centroid(writer, n, writer->centroid);
	disk_put_cell(writer, writer->centroid);
	if (writer->axes)
		axes_apply(writer->axes, writer->centroid, writer->center);
	for (int i = 0; i < n; i++)
	{
		encode(writer, i);
		put_element(&writer->codes, writer->code, writer->disk.code_size);
	}
	writer->centred_count -= n;
	memmove(writer->centred, writer->centred + (Size) n * writer->quantizer.padded,
			sizeof(float) * writer->centred_count * writer->quantizer.padded);
}

static void
put_all_codes(DiskWriter *writer)
{
	while (writer->centred_count > 0)
		put_codes(writer);
}

void
disk_writer_put_code(DiskWriter *writer, SegmentBuild *build, uint32 row)
{
	build_residual(build, build_payload(build, row),
				   writer->centred + (Size) writer->centred_count * writer->quantizer.padded);
	if (++writer->centred_count == DISK_CELL_NODES)
		put_codes(writer);
}

void
disk_writer_end_part(DiskWriter *writer)
{
	if (writer->axes == NULL)
		put_all_codes(writer);
}

void
disk_writer_copy_code(DiskWriter *writer, SegmentBuild *build, const char *code)
{
	uint32		cell = ((const DiskCode *) code)->cell;

	if (cell != writer->named)
		build->put_cell(build, writer, cell);
	writer->named = cell;
	memcpy(writer->code, code, writer->disk.code_size);
	((DiskCode *) writer->code)->cell = writer->written - 1;
	put_element(&writer->codes, writer->code, writer->disk.code_size);
}

void
disk_writer_put_links(DiskWriter *writer, const DiskNode *node, const uint32 *ids)
{
	memset(writer->node, 0, writer->disk.link_size);
	memcpy(writer->node, node, sizeof(*node));
	disk_pack_ids(&writer->disk, ids, node->links, writer->node + sizeof(*node));
	put_element(&writer->links, writer->node, writer->disk.link_size);
}

/* Copies what the nodes of a segment with vectors have of their rows and neighbours. */
void
disk_write_links(SealedScan *scan, const SealedHeader *header, Extent output)
{
	const NodeLayout *layout = &header->layout;
	const SealedDisk *disk = &header->disk;
	char	   *link = palloc(disk->link_size);
	ExtentWriter writer;

	extent_writer_begin(&writer, output);
	extent_writer_seek(&writer, disk->links, BLOCK_LINKS);
	for (uint32 id = 0; id < header->nodes; id++)
	{
		const SealedNode *node = sealed_read_node(scan, 0, id);
		DiskNode	head = {node->tid, node->links, node->extra, node->extras};

		memset(link, 0, disk->link_size);
		memcpy(link, &head, sizeof(head));
		memcpy(link + sizeof(head), (const char *) node + layout->ids,
			   (Size) Min(node->links, disk->degree) * disk->id_size);
		put_element(&writer, link, disk->link_size);
	}
	extent_writer_end(&writer);
	pfree(link);
}

void
disk_writer_end(DiskWriter *writer)
{
	put_all_codes(writer);
	/* cells that runs of rows have not needed */
	memset(writer->cell, 0, writer->disk.cell_size);
	while (writer->written < writer->disk.cell_count)
		disk_copy_cell(writer, writer->cell);
	extent_writer_end(&writer->codes);
	extent_writer_end(&writer->cells);
	pfree(writer->centroid);
	pfree(writer->center);
	pfree(writer->centred);
	pfree(writer->residual);
	pfree(writer->along);
	pfree(writer->code);
	pfree(writer->cell);
	if (writer->node == NULL)
		return;
	extent_writer_end(&writer->links);
	pfree(writer->node);
}
