/*
 * detoast.c - fetching vectors that are stored out of line
 *
 * Values of a TOAST table that are stored one after another have ids one after another, and as
 * vectors of a column are of one size, their blocks follow from their ids.  So before we descend
 * the TOAST index for a value, we look for it where it should be by the place of a value with an id
 * near it.  Tables that are read in order, and rows that a search finds, are mostly met so.  It is
 * safe to take what is found there: chunk_id and chunk_seq identify the value, and only tuples that
 * are certainly live are taken (see is_unquestionable).  If the chunks are not there, PostgreSQL's
 * own way through the index is used; after a number of misses we stop looking for a while.
 */
#include "pg_compat.h"

#include <math.h>

#include "access/detoast.h"
#include "access/genam.h"
#include "access/heapam.h"
#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/toast_internals.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "types/detoast.h"

/*
 * After MISSES_ALLOWED misses, a hit halving their number, only every MISSES_THEN_EACH-th value is
 * looked for.
 */
#define MISSES_ALLOWED		8
#define MISSES_THEN_EACH	64

/* A value is looked for in at most so many blocks before its first chunk is found. */
#define MOST_STEPS			4

/* The TOAST tables remembered, and of each the values, one of HINT_IDS with ids near each other. */
#define TABLES				4
#define HINTS				256
#define HINT_IDS			64

/* The blocks of values at least so far apart tell how many blocks a value takes. */
#define PACE_IDS			16

/* Where a value was found: a guess that is always checked. */
typedef struct ToastHint
{
	Oid			valueid;		/* InvalidOid: there is no hint */
	BlockNumber block;			/* of its first chunk */
	Buffer		buffer;			/* that held the block, or InvalidBuffer */
} ToastHint;

typedef struct ToastTable
{
	Oid			toastrelid;
	uint32		misses;			/* see MISSES_ALLOWED */
	double		pace;			/* blocks that a value takes, */
	double		pace_ids;		/* as known from values so far apart */
	ToastHint	last;
	ToastHint	hints[HINTS];
} ToastTable;

static ToastTable tables[TABLES];

/* A value being put together. */
typedef struct ToastFetch
{
	Relation	rel;
	int32		size;			/* of the data, without the header */
	int32		chunks;
	int32		found;			/* chunks copied so far, always the first ones */
	char	   *data;
	ToastHint	place;			/* where it was found */
} ToastFetch;

/*
 * Whether a tuple found without the index may be taken: it is committed, or of this transaction,
 * and not deleted.  No other value can have the id of such a tuple.  For any other tuple the index
 * is used, because an id may be reused once a dead tuple has lost its index entry.
 */
static bool
is_unquestionable(HeapTupleHeader tuple)
{
	TransactionId xmin = HeapTupleHeaderGetXmin(tuple);

	if ((tuple->t_infomask & HEAP_XMAX_INVALID) == 0 &&
		TransactionIdIsValid(HeapTupleHeaderGetRawXmax(tuple)))
		return false;
	return HeapTupleHeaderXminCommitted(tuple) || TransactionIdIsCurrentTransactionId(xmin) ||
		TransactionIdDidCommit(xmin);
}

/* Copies a tuple's chunk if it is the next one of the value; without the index, only if certain. */
static void
fetch_tuple(ToastFetch *fetch, HeapTuple tuple, bool by_index)
{
	TupleDesc	desc = RelationGetDescr(fetch->rel);
	bool		isnull;
	struct varlena *chunk;
	int32		offset = fetch->found * TOAST_MAX_CHUNK_SIZE;
	int32		expected = Min(fetch->size - offset, TOAST_MAX_CHUNK_SIZE);

	if (DatumGetInt32(fastgetattr(tuple, 2, desc, &isnull)) != fetch->found)
		return;
	if (!by_index && !is_unquestionable(tuple->t_data))
		return;
	chunk = (struct varlena *) DatumGetPointer(fastgetattr(tuple, 3, desc, &isnull));
	if (VARATT_IS_EXTENDED(chunk) && !VARATT_IS_SHORT(chunk))
		return;
	if ((int32) VARSIZE_ANY_EXHDR(chunk) != expected)
		return;
	memcpy(fetch->data + offset, VARDATA_ANY(chunk), expected);
	if (fetch->found == 0)
		fetch->place.block = ItemPointerGetBlockNumber(&tuple->t_self);
	fetch->found++;
}

/*
 * Copies the chunks that a pinned block holds, in their order, and unpins it.  Returns in which
 * direction the first chunk may be: -1, 1, or 0 if the block does not tell.
 */
static int
fetch_block(ToastFetch *fetch, BlockNumber block, Buffer buffer)
{
	int32		before = fetch->found;
	bool		less = false;
	bool		greater = false;
	Page		page;
	OffsetNumber last;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	last = PageGetMaxOffsetNumber(page);
	for (OffsetNumber offset = FirstOffsetNumber; offset <= last && fetch->found < fetch->chunks;
		 offset++)
	{
		ItemId		item = PageGetItemId(page, offset);
		HeapTupleData tuple;
		bool		isnull;
		Oid			id;

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		tuple.t_tableOid = RelationGetRelid(fetch->rel);
		ItemPointerSet(&tuple.t_self, block, offset);
		id = DatumGetObjectId(fastgetattr(&tuple, 1, RelationGetDescr(fetch->rel), &isnull));
		if (id == fetch->place.valueid)
			fetch_tuple(fetch, &tuple, false);
		less |= id < fetch->place.valueid;
		/* so is a block that begins with a later chunk */
		greater |= id > fetch->place.valueid || (id == fetch->place.valueid && fetch->found == 0);
	}
	if (before == 0 && fetch->found > 0)
		fetch->place.buffer = buffer;
	UnlockReleaseBuffer(buffer);
	return (int) less - (int) greater;
}

/* Pins a block, by a hint if that is of this block; returns InvalidBuffer if there is none. */
static Buffer
pin_block(const ToastFetch *fetch, BlockNumber block, const ToastHint *hint, BlockNumber *end)
{
	if (block == hint->block && BufferIsValid(hint->buffer) &&
		ReadRecentBuffer(RelationGetLocator(fetch->rel), MAIN_FORKNUM, block, hint->buffer))
		return hint->buffer;
	/* the relation may have been truncated or rewritten since the hint was noted */
	if (*end == InvalidBlockNumber)
		*end = RelationGetNumberOfBlocks(fetch->rel);
	return block < *end ? ReadBuffer(fetch->rel, block) : InvalidBuffer;
}

/* How many ids a hint is from the value. */
static double
ids_from(const ToastHint *hint, Oid valueid)
{
	return (double) valueid - (double) hint->valueid;
}

/* Looks for the value near a hint's; returns false if it is not there as a whole. */
static bool
fetch_near(ToastFetch *fetch, const ToastHint *hint, double pace)
{
	double		guess = floor(hint->block + ids_from(hint, fetch->place.valueid) * pace);
	BlockNumber block = (BlockNumber) Min(Max(guess, 0), (double) MaxBlockNumber);
	BlockNumber end = InvalidBlockNumber;
	int			before = 0;

	for (int steps = 0; steps < MOST_STEPS && fetch->found < fetch->chunks;)
	{
		int32		had = fetch->found;
		Buffer		buffer = pin_block(fetch, block, hint, &end);
		int			direction;

		if (!BufferIsValid(buffer))
			break;
		direction = fetch_block(fetch, block, buffer);
		if (fetch->found > had)
		{
			block++;			/* where the next chunks are, if there are any */
			continue;
		}
		if (had > 0 || direction == 0 || direction == -before)
			break;
		before = direction;
		block += direction;
		steps++;
	}
	return fetch->found == fetch->chunks;
}

/* Fetches the value through the TOAST index.  Returns false if chunks are missing. */
static bool
fetch_by_index(ToastFetch *fetch)
{
	Relation   *indexes;
	int			nindexes;
	int			valid = toast_open_indexes(fetch->rel, AccessShareLock, &indexes, &nindexes);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	fetch->found = 0;
	fetch->place.buffer = InvalidBuffer;
	ScanKeyInit(&key, (AttrNumber) 1, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(fetch->place.valueid));
	scan = systable_beginscan_ordered(fetch->rel, indexes[valid], get_toast_snapshot(), 1, &key);
	while ((tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
		fetch_tuple(fetch, tuple, true);
	systable_endscan_ordered(scan);
	toast_close_indexes(indexes, nindexes, AccessShareLock);
	return fetch->found == fetch->chunks;
}

/* What is remembered of a TOAST table. */
static ToastTable *
table_of(const ToastFetch *fetch)
{
	Oid			toastrelid = RelationGetRelid(fetch->rel);
	ToastTable *table = &tables[toastrelid % TABLES];

	if (table->toastrelid != toastrelid)
	{
		memset(table, 0, sizeof(*table));
		table->toastrelid = toastrelid;
		table->pace_ids = PACE_IDS;
		table->pace = (double) fetch->size / (TOAST_MAX_CHUNK_SIZE * EXTERN_TUPLES_PER_PAGE);
	}
	return table;
}

/* Fetches the value where it should be, or by the index; returns false if chunks are missing. */
static bool
fetch_value(ToastFetch *fetch)
{
	ToastTable *table = table_of(fetch);
	Oid			valueid = fetch->place.valueid;
	ToastHint  *hint = &table->hints[valueid / HINT_IDS % HINTS];
	const ToastHint *near = hint;
	bool		looked;
	bool		there;
	double		ids;

	if (!OidIsValid(hint->valueid) ||
		fabs(ids_from(&table->last, valueid)) < fabs(ids_from(hint, valueid)))
		near = &table->last;
	ids = ids_from(near, valueid);
	looked = OidIsValid(near->valueid) &&
		(table->misses < MISSES_ALLOWED || table->misses % MISSES_THEN_EACH == 0);
	there = looked && fetch_near(fetch, near, table->pace);
	if (there)
		table->misses = Min(table->misses, MISSES_ALLOWED) / 2;
	else
		table->misses += OidIsValid(near->valueid);
	if (!there && !fetch_by_index(fetch))
		return false;
	if (OidIsValid(near->valueid) && fabs(ids) >= (there ? table->pace_ids : PACE_IDS))
	{
		table->pace = ((double) fetch->place.block - (double) near->block) / ids;
		table->pace_ids = fabs(ids);
	}
	*hint = table->last = fetch->place;
	return true;
}

struct varlena *
vector_detoast_external(struct varlena *value)
{
	struct varatt_external pointer;
	struct varlena *result;
	ToastFetch	fetch;
	bool		found;

	if (!VARATT_IS_EXTERNAL_ONDISK(value))
		return detoast_attr(value);
	VARATT_EXTERNAL_GET_POINTER(pointer, value);
	if (VARATT_EXTERNAL_IS_COMPRESSED(pointer))
		return detoast_attr(value);

	fetch.rel = table_open(pointer.va_toastrelid, AccessShareLock);
	if (fetch.rel->rd_rel->relam != HEAP_TABLE_AM_OID)
	{
		table_close(fetch.rel, AccessShareLock);
		return detoast_attr(value);
	}
	fetch.place = (ToastHint) {pointer.va_valueid, InvalidBlockNumber, InvalidBuffer};
	fetch.size = VARATT_EXTERNAL_GET_EXTSIZE(pointer);
	fetch.chunks = (fetch.size - 1) / TOAST_MAX_CHUNK_SIZE + 1;
	fetch.found = 0;
	result = palloc(fetch.size + VARHDRSZ);
	SET_VARSIZE(result, fetch.size + VARHDRSZ);
	fetch.data = VARDATA(result);
	found = fetch_value(&fetch);
	/*
	 * The lock is kept to the end of the transaction, as that of the table is which the value comes
	 * from.  To take and to give back one for each value is a tenth of an exact search.
	 */
	table_close(fetch.rel, NoLock);

	/* for an incomplete value, let PostgreSQL report what is wrong */
	return found ? result : detoast_attr(value);
}
