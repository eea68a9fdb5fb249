/*
 * tiering.c - copies of segments, with their cold blocks in the file or in an object store
 */
#include "segment/tiering.h"

#include "segment/layout.h"
#include "segment/sealed.h"
#include "segment/manifest.h"
#include "segment/wait_point.h"

static void
begin_plan(SegmentCopy *copy, const SegmentJob *job)
{
	const SegmentEntry *input = &job->inputs[0];

	memset(copy, 0, sizeof(*copy));
	copy->job = job;
	copy->input = cache_acquire(job->cached, job->index, input);
	copy->to = InvalidBlockNumber;
	copy->where = (ExtentWhere) input->where;
	copy->header = copy->input->header;
	copy->blocks = copy->shared = input->blocks;
}

void
copy_plan_move(SegmentCopy *copy, const SegmentJob *job, BlockNumber to)
{
	begin_plan(copy, job);
	copy->to = to;
}

static uint32
place_added(const SegmentTiering *tiering, SealedHeader *header, BlockNumber place)
{
	return tiering->place ? tiering->place(header, place) : 0;
}

/*
 * Blocks of the copy that the original does not have, arrays of the method and the manifest, come
 * between those that stay in the file and the cold ones.
 */
void
copy_plan_tier(SegmentCopy *copy, const SegmentJob *job, Oid server)
{
	SealedHeader *header = &copy->header;
	const SegmentTiering *tiering;
	BlockNumber cold;
	uint32		added;
	uint32		manifest;

	begin_plan(copy, job);
	tiering = copy->input->method->tiering;
	cold = tiering->cold(header);
	added = place_added(tiering, header, cold);
	manifest = stored_manifest_blocks(header->blocks - cold);
	(void) place_added(tiering, header, 0);
	header->cold = cold;
	sealed_shift_places(header, cold, (int) (added + manifest));
	(void) place_added(tiering, header, cold);
	header->added = cold;
	header->manifest = cold + added;
	copy->where = EXTENT_STORED;
	copy->server = server;
	copy->shared = cold;
	copy->blocks = header->cold;
}

void
copy_plan_untier(SegmentCopy *copy, const SegmentJob *job)
{
	SealedHeader *header = &copy->header;
	uint32		added;

	begin_plan(copy, job);
	added = header->cold - header->added;
	copy->shared = header->added;
	(void) place_added(copy->input->method->tiering, header, 0);
	header->added = header->manifest = 0;
	sealed_shift_places(header, copy->shared + added, -(int) added);
	copy->where = EXTENT_LOCAL;
	copy->blocks = header->blocks;
}

static void
write_header(const SegmentCopy *copy, Extent to)
{
	ExtentWriter writer;

	extent_writer_begin(&writer, to);
	extent_writer_seek(&writer, 0, BLOCK_SEALED_HEADER);
	extent_writer_put(&writer, &copy->header, sizeof(SealedHeader));
	extent_writer_end(&writer);
}

/* How far a copy is, of all blocks that are written. */
typedef struct CopyProgress
{
	const SegmentCopy *copy;
	Extent		from;
	uint32		done;
} CopyProgress;

static void
count_block(CopyProgress *progress)
{
	const SegmentCopy *copy = progress->copy;

	CHECK_FOR_OTHERS();
	progress->done++;
	if (copy->job->progress)
		copy->job->progress(BUILD_WRITING, Min(progress->done, copy->header.blocks),
							copy->header.blocks);
}

/* The page of the original that comes to a place of the copy. */
static void
read_cold(void *arg, BlockNumber place, Page page)
{
	CopyProgress *progress = arg;
	const SegmentCopy *copy = progress->copy;
	BlockNumber source = place - copy->header.blocks + copy->input->header.blocks;

	count_block(progress);
	extent_read_page(progress->from, source, page);
}

static void
write_added(const SegmentCopy *copy, Extent to)
{
	const SegmentTiering *tiering = copy->input->method->tiering;
	ScanStatistics statistics = {0};
	SealedScan	scan;

	if (copy->header.added == copy->header.manifest)
		return;
	sealed_scan_begin(&scan, copy->job->index, &copy->job->space, copy->input, &statistics);
	tiering->write(&scan, &copy->header, to);
}

/* Writes the pages of the original's object to the file. */
static void
restore_cold(CopyProgress *progress, Extent to)
{
	const SegmentCopy *copy = progress->copy;
	StoreHash  *hash = store_hash_begin();
	PGAlignedBlock page;

	for (BlockNumber i = copy->shared; i < copy->blocks; i++)
	{
		read_cold(progress, i, page.data);
		store_hash_add(hash, page.data, BLCKSZ);
		extent_put_page(to, i, page.data);
	}
	stored_compare(progress->from, &copy->input->header, hash);
}

void
copy_write(const SegmentCopy *copy, SegmentEntry *output)
{
	const SegmentEntry *input = &copy->job->inputs[0];
	const SealedHeader *header = &copy->header;
	Extent		to = extent_of(copy->job->index, output);
	CopyProgress progress = {
		.copy = copy, .from = cached_extent(&copy->input->part, copy->job->index)
	};

	/* what others search stays in buffers */
	progress.from.ring = GetAccessStrategy(BAS_BULKREAD);
	output->method = input->method;
	output->version = input->version;
	output->where = copy->where;
	output->stored = copy->where == EXTENT_STORED ? header->blocks - header->cold : 0;
	output->rows = header->rows;
	output->created = input->created;
	write_header(copy, to);
	for (BlockNumber i = 1; i < copy->shared; i++)
	{
		extent_copy_block(progress.from, to, i, i >= header->tombstones && i < header->tids);
		count_block(&progress);
	}
	if (OidIsValid(copy->server))
	{
		write_added(copy, to);
		WAIT_POINT("store");
		stored_write(to, header, copy->server, read_cold, &progress);
		WAIT_POINT("stored");
	}
	else if (copy->shared < copy->blocks)
		restore_cold(&progress, to);
	FreeAccessStrategy(progress.from.ring);
}

bool
tiering_is_possible(Relation index, const SegmentEntry *entry)
{
	const SegmentMethod *method;
	SealedHeader header;
	BlockNumber cold;

	if (entry->kind != SEGMENT_SEALED || entry->where != EXTENT_LOCAL ||
		segment_has_old_format(entry))
		return false;
	method = segment_method_of(entry);
	if (method == NULL || method->tiering == NULL)
		return false;
	extent_read_header(extent_of(index, entry), BLOCK_SEALED_HEADER, &header, sizeof(header));
	cold = method->tiering->cold(&header);
	return cold > 0 && cold < header.blocks;
}
