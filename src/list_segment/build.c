/*
 * build.c - builds a sealed segment of lists from rows in any order
 *
 * Rows are assigned to lists in batches, by products of blocks, encoded, and sorted by list as
 * records.  A record is a RecordHead, the code, the fine code, and the node.
 */
#include "list_segment/centroids.h"
#include "list_segment/lists_internal.h"

#include <limits.h>
#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "cluster/blas.h"
#include "distance/half.h"
#include "quantize/fine.h"
#include "quantize/product.h"
#include "segment/memory.h"
#include "segment/wait_point.h"

/* Rows that are assigned together. */
#define BATCH_ROWS	256

typedef struct RecordHead
{
	uint32		number;
	float		a;
	uint16		b;
	uint16		error;
	ItemPointerData tid;
	uint16		unused;
} RecordHead;

/* A row that waits for the rest of its batch. */
typedef struct BatchRow
{
	uint32		number;			/* among the rows that this process added */
	SegmentRow	row;
} BatchRow;

struct ListsBuild
{
	SegmentMaking making;
	const SegmentJob *job;		/* or NULL */
	SegmentEntry claimed;		/* of a job: centroids */
	MemoryContext context;
	MemoryContext temporary;	/* of a batch */
	Relation	index;
	const Space *space;
	const CachedCentroids *centroids;
	CentroidPoints points;		/* of these centroids */
	SealedHeader header;
	Product		product;
	uint32		record_size;

	uint32		added;			/* rows */
	uint32	   *numbers;		/* of a job: in the segment, in the order of adding */
	uint32	   *counts;			/* by list: number of rows added, then of all rows of the segment */
	double		distance;		/* sum of squared distances from centroids */
	float	   *batch;			/* work vectors */
	BatchRow	rows[BATCH_ROWS];
	uint32		batched;
	void	   *scratch;		/* for the assignment */

	Tuplesortstate *sort;
	TupleTableSlot *slot;		/* a list and a record */
	uint8	   *record;			/* bytea */
};

/* Bytes of a record. */
static uint32
record_size(const SealedHeader *header)
{
	return sizeof(RecordHead) + TYPEALIGN(sizeof(uint32), header->lists.code_bytes) +
		header->lists.fine_size + header->layout.size;
}

/* The parts of a record. */
static void
open_record(const SealedHeader *header, uint8 *record, ListRow *row)
{
	const RecordHead *head = (const RecordHead *) record;

	row->tid = head->tid;
	row->a = head->a;
	row->b = head->b;
	row->error = head->error;
	row->code = record + sizeof(RecordHead);
	row->fine = row->code + TYPEALIGN(sizeof(uint32), header->lists.code_bytes);
	row->node = (SealedNode *) ((uint8 *) row->fine + header->lists.fine_size);
}

static void
add_row(SegmentMaking *making, const SegmentRow *row)
{
	lists_build_add((ListsBuild *) making, row);
}

static void
finish(SegmentMaking *making)
{
	ListsBuild *build = (ListsBuild *) making;

	lists_build_flush(build);
	lists_build_sort(build, build->counts, build->distance);
	build->job->ready(making, build->job->arg);
}

static uint32
row_number(SegmentMaking *making, uint64 i)
{
	return ((ListsBuild *) making)->numbers[i];
}

static void
write_segment(SegmentMaking *making, SegmentEntry *output)
{
	ListsBuild *build = (ListsBuild *) making;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(build->slot->tts_tupleDescriptor,
													&TTSOpsMinimalTuple);
	ListsWriter *writer = palloc(sizeof(ListsWriter));
	int32		list = 0;

	if (build->job)
		build->numbers = MemoryContextAllocHuge(build->context,
												sizeof(uint32) * Max(build->added, 1));
	attributes_place(making->attributes, &build->header);
	lists_writer_begin(writer, build->index, output, &build->header, build->centroids,
					   build->counts);
	while (tuplesort_gettupleslot(build->sort, true, false, slot, NULL))
	{
		ListRow		row;
		uint8	   *record;
		bool		isnull;
		uint32		number;

		if (DatumGetInt32(slot_getattr(slot, 1, &isnull)) != list)
			lists_writer_end_list(writer);
		list = DatumGetInt32(slot_getattr(slot, 1, &isnull));
		/* copy the record, because it is changed in place and must be aligned */
		record = build->record + VARHDRSZ;
		memcpy(record, VARDATA_ANY(DatumGetPointer(slot_getattr(slot, 2, &isnull))),
			   build->record_size);
		open_record(&build->header, record, &row);
		number = lists_writer_put(writer, &row);
		if (build->job)
			build->numbers[((RecordHead *) record)->number] = number;
		CHECK_FOR_OTHERS();
	}
	lists_writer_end_list(writer);
	lists_writer_end(writer);
	pfree(writer);
	ExecDropSingleTupleTableSlot(slot);
}

static void
end(SegmentMaking *making)
{
	ListsBuild *build = (ListsBuild *) making;

	centroids_unclaim(build->job->index, &build->claimed);
	lists_build_end(build);
}

ListsBuild *
lists_build(Relation index, const Space *space, const CachedCentroids *centroids, Size memory,
			SortCoordinate coordinate)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector lists",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ListsBuild *build = palloc0(sizeof(ListsBuild));
	AttrNumber	attribute = 1;
	Oid			operator = Int4LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;
	TupleDesc	desc = CreateTemplateTupleDesc(2);

	build->making = (SegmentMaking) {
		.add = add_row, .finish = finish, .write = write_segment, .row_number = row_number,
		.end = end
	};
	build->context = context;
	build->temporary = AllocSetContextCreate(context, "vector lists batch",
											 ALLOCSET_DEFAULT_SIZES);
	build->index = index;
	build->space = space;
	build->centroids = centroids;
	lists_layout(space, &build->header);
	build->header.lists.centroids = centroids->part.uid;
	build->header.lists.count = centroids->header.lists;
	if (space->quantizer == QUANTIZER_PQ)
		product_open(&build->product, lists_work_width(space), space->pq_m,
					 centroids->codebooks);
	build->record_size = record_size(&build->header);
	build->counts = palloc0(sizeof(uint32) * build->header.lists.count);
	build->batch = palloc(sizeof(float) * BATCH_ROWS * lists_work_width(space));
	(void) cluster_blas_load();
	cache_open_points(centroids, index, &build->points);
	build->scratch = palloc(centroids->codes ? cluster_codes_scratch(centroids->codes) :
							cluster_assign_scratch(&centroids->copy, 1));
	build->record = palloc0(VARHDRSZ + build->record_size);
	SET_VARSIZE(build->record, VARHDRSZ + build->record_size);

	TupleDescInitEntry(desc, 1, "list", INT4OID, -1, 0);
	TupleDescInitEntry(desc, 2, "record", BYTEAOID, -1, 0);
#if PG_VERSION_NUM >= 190000
	TupleDescFinalize(desc);
#endif
	build->sort = tuplesort_begin_heap(desc, 1, &attribute, &operator, &collation, &nulls_first,
									   (int) Min(memory / 1024, INT_MAX), coordinate,
									   TUPLESORT_NONE);
	build->slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	MemoryContextSwitchTo(old);
	return build;
}

/* Encodes a row relative to its centroid, both as work vectors. */
static void
encode_row(ListsBuild *build, uint32 list, const float *x, ListRow *row)
{
	const Space *space = build->space;
	uint32		width = lists_work_width(space);
	RabitqMetric metric = space_rabitq_metric(space);
	RabitqFactors factors;
	RecordHead *head = (RecordHead *) (build->record + VARHDRSZ);
	const float *mean = build->centroids->mean;
	float	   *residual;
	float	   *centre;
	const float *c;

	if (!space->coded)
		return;
	(void) build->points.base.open(build->points.base.arg, list, &c);
	residual = palloc(sizeof(float) * width);
	centre = palloc(sizeof(float) * width);
	for (uint32 i = 0; i < width; i++)
	{
		residual[i] = x[i] - c[i];
		centre[i] = mean ? c[i] - mean[i] : c[i];
	}
	if (space->quantizer == QUANTIZER_PQ)
		factors = product_encode(&build->product, metric, residual, centre,
								 (uint8 *) row->code);
	else
		factors = rabitq_encode_residual(metric, residual, centre, width,
										 (uint8 *) row->code);
	head->a = factors.a;
	head->b = factors.b;
	/*
	 * the residual of product codes is in the space of the vectors, which may have fewer dimensions
	 * than padded ones
	 */
	if (space->quantizer == QUANTIZER_PQ)
		factors.error *= sqrtf((float) width / space->dims);
	head->error = float_to_bf16(factors.error * (1 + 1.0f / 128));
	if (lists_fine_bits(space) > 0)
	{
		FineQuantizer fine = {
			metric, space->quantizer == QUANTIZER_RABITQ ? FINE_RABITQ : FINE_SCALAR,
			lists_fine_bits(space), width
		};

		*(FineFactors *) row->fine = fine_encode(&fine, residual, centre,
												 (uint8 *) row->fine + sizeof(FineFactors));
	}
}

/* Passes a row to the sort. */
static void
sort_row(ListsBuild *build, const BatchRow *added, uint32 list, const float *x)
{
	uint8	   *bytes = build->record + VARHDRSZ;
	RecordHead *head = (RecordHead *) bytes;
	TupleTableSlot *slot = build->slot;
	ListRow		row;

	memset(bytes, 0, build->record_size);
	head->number = added->number;
	head->tid = added->row.tid;
	open_record(&build->header, bytes, &row);
	encode_row(build, list, x, &row);
	if (build->header.layout.size > 0)
	{
		space_store(build->space, build->space->storage, added->row.payload, row.node,
					(char *) row.node + build->header.layout.vector);
		if (added->row.error > 0)
		{
			row.node->error += added->row.error;
			row.node->scale = added->row.scale;
		}
	}
	ExecClearTuple(slot);
	slot->tts_values[0] = Int32GetDatum((int32) list);
	slot->tts_values[1] = PointerGetDatum(build->record);
	slot->tts_isnull[0] = slot->tts_isnull[1] = false;
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(build->sort, slot);
}

void
lists_build_flush(ListsBuild *build)
{
	MemoryContext old = MemoryContextSwitchTo(build->temporary);
	uint32		width = lists_work_width(build->space);
	ClusterRows rows = {build->batch, build->batched, 1};
	uint32		lists[BATCH_ROWS];
	float		distances[BATCH_ROWS];

	WAIT_POINT("assign");
	if (build->centroids->codes)
		cluster_codes_assign(build->centroids->codes, &build->points.base, &rows,
							 build->scratch, lists, distances);
	else if (build->batched > 0)
		cluster_assign(&build->centroids->copy, &rows, 1, build->scratch, lists, distances);
	for (uint32 i = 0; i < build->batched; i++)
	{
		sort_row(build, &build->rows[i], lists[i], build->batch + (Size) i * width);
		build->counts[lists[i]]++;
		build->distance += distances[i];
	}
	build->batched = 0;
	MemoryContextSwitchTo(old);
	MemoryContextReset(build->temporary);
}

void
lists_build_add(ListsBuild *build, const SegmentRow *row)
{
	BatchRow   *added = &build->rows[build->batched];
	char	   *payload = MemoryContextAlloc(build->temporary, row->size);

	CHECK_FOR_OTHERS();
	memcpy(payload, row->payload, row->size);
	added->number = build->added++;
	added->row = *row;
	added->row.payload = payload;
	lists_work_vector(build->space, payload,
					  build->batch + (Size) build->batched * lists_work_width(build->space));
	if (++build->batched == BATCH_ROWS)
		lists_build_flush(build);
}

const uint32 *
lists_build_counts(const ListsBuild *build)
{
	return build->counts;
}

double
lists_build_distance(const ListsBuild *build)
{
	return build->distance;
}

void
lists_build_end_part(ListsBuild *build)
{
	tuplesort_performsort(build->sort);
	tuplesort_end(build->sort);
	build->sort = NULL;
}

void
lists_build_sort(ListsBuild *build, const uint32 *counts, double distance)
{
	SealedHeader *header = &build->header;
	uint64		rows = 0;

	for (uint32 i = 0; i < header->lists.count; i++)
		rows += build->counts[i] = counts[i];
	if (rows >= PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("segment is too large"),
				 errhint("Partition the table.")));
	header->rows = (uint32) rows;
	header->lists.distance = rows > 0 ? (float) (distance / rows) : 0;
	build->making.blocks = lists_place(build->space, header,
									   lists_groups(build->counts, header->lists.count));
	build->making.rows = build->added;
	tuplesort_performsort(build->sort);
}

SegmentMaking *
lists_build_making(ListsBuild *build)
{
	return &build->making;
}

SegmentMaking *
lists_build_of_job(const SegmentJob *job, const CachedCentroids *centroids,
				   const SegmentEntry *claimed)
{
	ListsBuild *build = lists_build(job->index, &job->space, centroids, build_memory(), NULL);

	build->job = job;
	build->claimed = *claimed;
	return &build->making;
}

void
lists_build_end(ListsBuild *build)
{
	if (build->sort)
		tuplesort_end(build->sort);
	centroid_points_close(&build->points);
	ExecDropSingleTupleTableSlot(build->slot);
	MemoryContextDelete(build->context);
}
