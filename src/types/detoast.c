/*
 * detoast.c - fetching vectors that are stored out of line
 *
 * A table that is read in order finds its out-of-line values in order, too: the chunks of the next
 * value follow those of the last, on the same block of the TOAST table or the next.  So before we
 * descend the TOAST index for a value, we look for it where the last one ended.  It is safe to take
 * what is found there: chunk_id and chunk_seq identify the value, and only tuples that are
 * certainly live are taken (see is_unquestionable).  If the chunks are not there, PostgreSQL's own
 * way through the index is used; after a number of misses in a row we stop looking for a while.
 */
#include "pg_compat.h"

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

/* After MISSES_ALLOWED misses in a row, only every MISSES_THEN_EACH-th value is looked for. */
#define MISSES_ALLOWED		8
#define MISSES_THEN_EACH	64

/* Where the last value of a TOAST table ended: a guess that is always checked. */
typedef struct ToastPosition
{
	Oid			toastrelid;
	BlockNumber block;
	Buffer		buffer;			/* that held the block */
	uint32		misses;			/* in a row */
} ToastPosition;

static ToastPosition position;

/* A value being put together. */
typedef struct ToastFetch
{
	Relation	rel;
	Oid			valueid;
	int32		size;			/* of the data, without the header */
	int32		chunks;
	int32		found;			/* chunks copied so far, always the first ones */
	char	   *data;
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

	if (DatumGetObjectId(fastgetattr(tuple, 1, desc, &isnull)) != fetch->valueid ||
		DatumGetInt32(fastgetattr(tuple, 2, desc, &isnull)) != fetch->found)
		return;
	if (!by_index && !is_unquestionable(tuple->t_data))
		return;
	chunk = (struct varlena *) DatumGetPointer(fastgetattr(tuple, 3, desc, &isnull));
	if (VARATT_IS_EXTENDED(chunk) && !VARATT_IS_SHORT(chunk))
		return;
	if ((int32) VARSIZE_ANY_EXHDR(chunk) != expected)
		return;
	memcpy(fetch->data + offset, VARDATA_ANY(chunk), expected);
	fetch->found++;
}

/* Copies the chunks that a pinned block holds, in their order, and remembers the block. */
static void
fetch_block(ToastFetch *fetch, BlockNumber block, Buffer buffer)
{
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

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		tuple.t_tableOid = RelationGetRelid(fetch->rel);
		ItemPointerSet(&tuple.t_self, block, offset);
		fetch_tuple(fetch, &tuple, false);
	}
	UnlockReleaseBuffer(buffer);
	position.block = block;
	position.buffer = buffer;
}

/*
 * Looks for the value from the remembered block on; returns false if it is not there as a whole.
 * The relation may have been truncated or rewritten since.  So a block that is no longer in the
 * buffer that held it is read only if it is below the relation's end.
 */
static bool
fetch_at_position(ToastFetch *fetch)
{
	BlockNumber start = position.block;
	BlockNumber end = InvalidBlockNumber;

	if (BufferIsValid(position.buffer) &&
		ReadRecentBuffer(RelationGetLocator(fetch->rel), MAIN_FORKNUM, start, position.buffer))
		fetch_block(fetch, start++, position.buffer);

	for (BlockNumber block = start; fetch->found < fetch->chunks; block++)
	{
		int32		before = fetch->found;

		if (end == InvalidBlockNumber)
			end = RelationGetNumberOfBlocks(fetch->rel);
		if (block >= end)
			break;
		fetch_block(fetch, block, ReadBuffer(fetch->rel, block));
		if (fetch->found == before && block > start)
			break;
	}
	return fetch->found == fetch->chunks;
}

/*
 * Fetches the value through the TOAST index and remembers where it ended.  Returns false if chunks
 * are missing.
 */
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
	ScanKeyInit(&key, (AttrNumber) 1, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(fetch->valueid));
	scan = systable_beginscan_ordered(fetch->rel, indexes[valid], get_toast_snapshot(), 1, &key);
	while ((tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		fetch_tuple(fetch, tuple, true);
		position.block = ItemPointerGetBlockNumber(&tuple->t_self);
		position.buffer = InvalidBuffer;
	}
	systable_endscan_ordered(scan);
	toast_close_indexes(indexes, nindexes, AccessShareLock);
	return fetch->found == fetch->chunks;
}

/* Whether it is worth looking at the remembered position. */
static bool
position_is_promising(Oid toastrelid)
{
	return position.toastrelid == toastrelid &&
		(position.misses < MISSES_ALLOWED || position.misses % MISSES_THEN_EACH == 0);
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
	fetch.valueid = pointer.va_valueid;
	fetch.size = VARATT_EXTERNAL_GET_EXTSIZE(pointer);
	fetch.chunks = (fetch.size - 1) / TOAST_MAX_CHUNK_SIZE + 1;
	fetch.found = 0;
	result = palloc(fetch.size + VARHDRSZ);
	SET_VARSIZE(result, fetch.size + VARHDRSZ);
	fetch.data = VARDATA(result);

	found = position_is_promising(pointer.va_toastrelid) && fetch_at_position(&fetch);
	if (found)
		position.misses = 0;
	else
	{
		position.misses = position.toastrelid == pointer.va_toastrelid ? position.misses + 1 : 0;
		position.toastrelid = pointer.va_toastrelid;
		found = fetch_by_index(&fetch);
	}
	table_close(fetch.rel, AccessShareLock);

	/* for an incomplete value, let PostgreSQL report what is wrong */
	return found ? result : detoast_attr(value);
}
