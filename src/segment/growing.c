/*
 * growing.c - append-only segments
 */
#include "segment/growing_internal.h"

#include <math.h>

#include "access/generic_xlog.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"

#include "segment/attributes.h"
#include "segment/places.h"
#include "segment/wait_point.h"

/*
 * A group must fit into a block, so for long vectors only the first rotated dimensions have signs;
 * fewer of them if the group also has the offsets of attributes.
 */
#define OFFSETS_SIZE		(GROWING_ROWS * sizeof(uint32))
#define CODED_DIMS(others)	((PAYLOAD_SIZE - sizeof(GrowingGroup) - (others)) / 4 / 16 * 16)
#define MAX_CODED_DIMS		CODED_DIMS(0)

/* Past seal_rows, a growing segment has room for seal_rows divided by this. */
#define ROOMS				4

/* At most this many growing segments are open; another is opened after this many waits. */
#define MAX_TAILS			8
#define WAITS_PER_TAIL		32

/* A segment has room for records this many times as long as that of its first row. */
#define RECORD_FACTOR		2

static uint32 append_waits;		/* of this process, for other appending processes */

/* A row, prepared for its slot. */
typedef struct NewRow
{
	const SegmentRow *row;
	float	   *rotated;		/* if coded */
	RabitqFactors factors;
	uint8		signs[MAX_CODED_DIMS / 8];
	char	   *record;			/* of attributes, after its size; NULL: none */
	Size		record_size;	/* with it, a multiple of GROWING_UNIT */
	uint64		place;			/* once appended: see growing_append */
} NewRow;

/* Rotated dimensions that have signs; 0: none. */
static uint32
coded_dims(const Space *space, bool attributes)
{
	return !space->coded ? 0 :
		Min(rotation_padded(space->dims),
			attributes ? CODED_DIMS(OFFSETS_SIZE) : MAX_CODED_DIMS);
}

/*
 * Plans the place for the attributes of all rows, of which this is one.  Others may be longer.
 * Returns the number of blocks.
 */
static uint32
plan_attributes(const NewRow *row, BlockNumber place, GrowingHeader *header)
{
	header->attributes = place;
	header->attribute_blocks = extent_blocks_for(header->room,
												 row->record_size * RECORD_FACTOR, false);
	return header->attribute_blocks;
}

/*
 * Plans a segment for rows like this one when growing segments have room for `rows`, with codes
 * relative to a mean if there is one.  Returns its number of blocks.
 */
static uint32
plan_segment(const Space *space, uint64 rows, uint32 seal_rows, const NewRow *row, bool has_mean,
			 GrowingHeader *header)
{
	Size		size = row->row->size;
	Size		aligned = TYPEALIGN(GROWING_UNIT, size);
	uint64		least;
	uint64		room;
	Size		stride = aligned <= PAYLOAD_SIZE ? PAYLOAD_SIZE / (PAYLOAD_SIZE / aligned) :
		(aligned + PAYLOAD_SIZE - 1) / PAYLOAD_SIZE * PAYLOAD_SIZE;
	uint64		most = ((uint64) GROWING_UNIT << 32) / stride;
	uint32		groups;
	uint32		blocks;

	memset(header, 0, sizeof(*header));
	header->padded = coded_dims(space, row->record != NULL);
	header->group_size = (uint32) (sizeof(GrowingGroup) + rabitq_group_size(header->padded) +
								   (row->record ? OFFSETS_SIZE : 0));
	header->groups_per_block = PAYLOAD_SIZE / header->group_size;
	/* at least the rows whose slots, or whose vectors, fit into a block */
	least = Min(header->groups_per_block * GROWING_ROWS, Max(PAYLOAD_SIZE / aligned, 1));
	/* as many rows as all others have; seal_rows in all are enough to seal */
	room = rows < seal_rows ? Min(Max(rows, least), seal_rows - rows) :
		Max(seal_rows / ROOMS, GROWING_ROWS);
	header->room = (uint32) Min(room, most);
	groups = (header->room + GROWING_ROWS - 1) / GROWING_ROWS;
	header->groups = 1;
	if (has_mean)
	{
		header->mean = 1;
		header->groups += extent_blocks_for(rotation_padded(space->dims), sizeof(float), false);
	}
	header->vectors = header->groups +
		(groups + header->groups_per_block - 1) / header->groups_per_block;
	if (aligned <= PAYLOAD_SIZE)
		header->vector_blocks = extent_blocks_for(header->room, aligned, true);
	else
		header->vector_blocks = header->room * extent_blocks_for(aligned, 1, false);
	blocks = header->vectors + header->vector_blocks;
	if (row->record)
		blocks += plan_attributes(row, blocks, header);
	return blocks;
}

static void
write_empty(Relation index, const SegmentEntry *entry, const GrowingHeader *header,
			const float *mean, uint32 padded)
{
	ExtentWriter writer;

	extent_writer_begin(&writer, extent_of(index, entry));
	extent_writer_seek(&writer, 0, BLOCK_GROWING_HEADER);
	extent_writer_put(&writer, header, sizeof(*header));
	if (mean)
	{
		extent_writer_seek(&writer, header->mean, BLOCK_MEAN);
		extent_writer_put(&writer, mean, sizeof(float) * padded);
	}
	for (uint32 place = header->groups; place < header->vectors; place++)
		extent_writer_seek(&writer, place, BLOCK_GROUPS);
	for (uint32 i = 0; i < header->vector_blocks; i++)
		extent_writer_seek(&writer, header->vectors + i, BLOCK_VECTORS);
	for (uint32 i = 0; i < header->attribute_blocks; i++)
		extent_writer_seek(&writer, header->attributes + i, BLOCK_ATTRIBUTES);
	extent_writer_end(&writer);
}

/* Makes a growing segment, unless another process has changed the directory since `change`. */
static void
make_segment(Relation index, Relation heap, CachedIndex *cached, const NewRow *row,
			 uint32 seal_rows, uint64 change)
{
	const Space *space = cache_space(cached);
	Directory  *directory;
	GrowingHeader header;
	SegmentEntry entry;
	const float *mean;
	uint64		rows = 0;

	claim_index_wait(index, CLAIM_GROW, ExclusiveLock);
	directory = directory_read(index);
	for (uint32 i = 0; i < directory->count; i++)
		if (directory->entries[i].kind == SEGMENT_GROWING)
			rows += directory->entries[i].rows;
	if (directory->change == change)
	{
		mean = cache_largest_mean(cached, index);
		if (!directory_reserve(index, heap, SEGMENT_GROWING,
							   plan_segment(space, rows, seal_rows, row, mean != NULL, &header),
							   &entry))
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("index \"%s\" has too many segments", RelationGetRelationName(index)),
					 errhint("End old transactions, and VACUUM the table.")));
		write_empty(index, &entry, &header, mean, rotation_padded(space->dims));
		entry.rows = header.room;
		directory_publish(index, &entry, SEGMENT_GROWING);
		claim_release(extent_of(index, &entry), ExclusiveLock);
	}
	claim_index_release(index, CLAIM_GROW, ExclusiveLock);
	pfree(directory);
}

/* Rotates a row's vector, scaled to unit length for cosine. */
static void
rotate_row(const Space *space, NewRow *row)
{
	float	   *x;

	if (!space->coded)
		return;
	x = row->rotated = palloc(sizeof(float) * rotation_padded(space->dims));
	space_floats(space, row->row->payload, x);
	if (space->metric == SPACE_COSINE)
	{
		float		scale = 1 / sqrtf(distance_kernels->f32_dot(x, x, space->dims));

		for (int i = 0; i < space->dims; i++)
			x[i] *= scale;
	}
	rotation_apply(&space->rotation, x, x);
}

/* Computes the row's code, relative to the segment's mean if it has one. */
static void
encode_row(const Space *space, NewRow *row, const float *mean)
{
	uint32		padded = rotation_padded(space->dims);
	float	   *x = row->rotated;

	if (!space->coded)
		return;
	if (mean)
	{
		x = palloc(sizeof(float) * padded);
		for (uint32 i = 0; i < padded; i++)
			x[i] = row->rotated[i] - mean[i];
	}
	row->factors = rabitq_encode_vector(space_rabitq_metric(space), x,
										coded_dims(space, row->record != NULL), padded,
										distance_kernels->f32_dot(x, x, padded), row->signs);
	if (mean)
		pfree(x);
}

/* Checks what a header says of sizes and places, by which all else is found. */
static void
check_header(Extent extent, const GrowingHeader *header)
{
	uint32		groups = header->room / GROWING_ROWS + (header->room % GROWING_ROWS > 0);
	const ArrayPlace places[] = {
		{"place of groups", header->groups, groups, header->group_size, header->groups_per_block},
		{"place of vectors", header->vectors, header->vector_blocks, PAYLOAD_SIZE, 1},
		{"place of attributes", header->attributes, header->attribute_blocks, PAYLOAD_SIZE, 1}
	};

	if (header->rows > header->room)
		sealed_wrong_header(extent.index, extent.uid, "number of rows");
	if (header->padded > MAX_CODED_DIMS || header->padded % 16 != 0 ||
		header->groups_per_block == 0 || header->group_size % sizeof(uint32) != 0 ||
		header->group_size < sizeof(GrowingGroup) + rabitq_group_size(header->padded) +
		(header->attributes > 0 ? OFFSETS_SIZE : 0))
		sealed_wrong_header(extent.index, extent.uid, "size of groups");
	if (header->waiting > sizeof(((GrowingFirst *) 0)->records) ||
		header->waiting > header->attribute_used)
		sealed_wrong_header(extent.index, extent.uid, "size of attributes");
	for (int i = 0; i < lengthof(places); i++)
		if (places[i].count > 0 && !place_is_within(extent.blocks, &places[i]))
			sealed_wrong_header(extent.index, extent.uid, places[i].what);
}

/* Finds the offset of the next row's vector; returns false if there is no room for the row. */
static bool
place_row(const GrowingHeader *header, const NewRow *row, uint64 *offset)
{
	Size		size = row->row->size;
	Size		start = header->used % PAYLOAD_SIZE;

	*offset = header->used;
	if (start > 0 && start + size > PAYLOAD_SIZE)
		*offset += PAYLOAD_SIZE - start;
	return header->rows < header->room && !header->closed &&
		*offset + size <= (uint64) header->vector_blocks * PAYLOAD_SIZE &&
		header->attribute_used + row->record_size <=
		(uint64) header->attribute_blocks * PAYLOAD_SIZE;
}

/*
 * Writes bytes at an offset of the payloads from a block on; each block is a record of its own but
 * the last, which joins `state`.
 */
static Buffer
write_bytes(Extent extent, BlockNumber first, uint64 offset, const char *payload, Size size,
			GenericXLogState *state)
{
	for (;;)
	{
		Size		start = offset % PAYLOAD_SIZE;
		Size		part = Min(size, PAYLOAD_SIZE - start);
		Buffer		buffer = extent_lock(extent, first + (BlockNumber) (offset / PAYLOAD_SIZE),
										 BUFFER_LOCK_EXCLUSIVE);
		GenericXLogState *own = part == size ? state : GenericXLogStart(extent.index);
		Page		page = GenericXLogRegisterBuffer(own, buffer, 0);

		memcpy(BlockGetPayload(page) + start, payload, part);
		extent_use(page, start + part);
		if (part == size)
			return buffer;
		GenericXLogFinish(own);
		UnlockReleaseBuffer(buffer);
		payload += part;
		offset += part;
		size -= part;
	}
}

/*
 * A row's record of attributes waits beside the header, whose page changes with each row anyway.
 * When there is no room for it, it is written behind all that wait.  Returns the buffer of the last
 * block written, InvalidBuffer if the record can wait.
 */
static Buffer
write_waiting(Extent extent, const GrowingFirst *first, const NewRow *row, GenericXLogState *state)
{
	Size		waiting = first->header.waiting;
	char	   *records;
	Buffer		buffer;

	if (waiting + row->record_size <= sizeof(first->records))
		return InvalidBuffer;
	records = palloc(waiting + row->record_size);
	memcpy(records, first->records, waiting);
	memcpy(records + waiting, row->record, row->record_size);
	buffer = write_bytes(extent, first->header.attributes,
						 first->header.attribute_used - waiting, records,
						 waiting + row->record_size, state);
	pfree(records);
	return buffer;
}

/* Counts a row with a vector at an offset, and adds its record to those that wait if `waits`. */
static void
count_row(Page page, const NewRow *row, uint64 offset, bool waits)
{
	GrowingFirst *first = (GrowingFirst *) BlockGetPayload(page);
	GrowingHeader *header = &first->header;

	if (waits)
	{
		memcpy(first->records + header->waiting, row->record, row->record_size);
		header->waiting += (uint32) row->record_size;
		extent_use(page, sizeof(GrowingHeader) + header->waiting);
	}
	else
		header->waiting = 0;
	header->rows++;
	header->used = offset + TYPEALIGN(GROWING_UNIT, row->row->size);
	header->attribute_used += row->record_size;
}

/* The offsets of a group's records of attributes, in units of GROWING_UNIT. */
static uint32 *
record_offsets(const GrowingHeader *header, GrowingGroup *group)
{
	return (uint32 *) ((char *) group + header->group_size - OFFSETS_SIZE);
}

/* Fills the slot of a row in a page of groups. */
static void
write_slot(const GrowingHeader *header, Page page, uint32 number, uint64 offset,
		   const NewRow *row)
{
	uint32		place = number % GROWING_ROWS;
	Size		start = number / GROWING_ROWS % header->groups_per_block * header->group_size;
	GrowingGroup *group = (GrowingGroup *) (BlockGetPayload(page) + start);

	extent_use(page, start + header->group_size);
	group->offset[place] = (uint32) (offset / GROWING_UNIT);
	group->tids[place] = row->row->tid;
	group->a[place] = row->factors.a;
	group->b[place] = row->factors.b;
	group->error[place] = row->factors.error;
	if (header->padded > 0)
		rabitq_pack((uint8 *) (group + 1), place, row->signs, header->padded);
	if (row->record)
		record_offsets(header, group)[place] = (uint32) (header->attribute_used / GROWING_UNIT);
}

typedef enum AppendResult
{
	APPENDED,
	APPEND_FULL,				/* there is no room, or the segment is closed or replaced */
	APPEND_BUSY					/* another process is appending to it; only if !wait */
} AppendResult;

/* The number of rows that the growing segments before this entry have room for. */
static uint64
room_before(const Directory *directory, const SegmentEntry *entry)
{
	uint64		rows = 0;

	for (const SegmentEntry *e = directory->entries; e < entry; e++)
		if (e->kind == SEGMENT_GROWING)
			rows += e->rows;
	return rows;
}

/* Appends to one segment, under its header's exclusive lock. */
static AppendResult
append_to(Relation index, CachedIndex *cached, const SegmentEntry *entry, NewRow *row, bool wait)
{
	Extent		extent = extent_of(index, entry);
	Buffer		header_buffer;
	Buffer		group_buffer;
	Buffer		vector_buffer;
	Buffer		record_buffer = InvalidBuffer;
	GrowingHeader *header;
	GenericXLogState *state;
	Page		page;
	uint64		offset;

	encode_row(cache_space(cached), row, cache_growing_mean(cached, index, entry));
	WAIT_POINT("append");
	header_buffer = ReadBuffer(index, entry->first);
	if (wait)
		LockBuffer(header_buffer, BUFFER_LOCK_EXCLUSIVE);
	else if (!ConditionalLockBuffer(header_buffer))
	{
		ReleaseBuffer(header_buffer);
		return APPEND_BUSY;
	}
	page = BufferGetPage(header_buffer);
	header = (GrowingHeader *) BlockGetPayload(page);
	if (BlockGetHeader(page)->uid != entry->uid || !place_row(header, row, &offset))
	{
		UnlockReleaseBuffer(header_buffer);
		return APPEND_FULL;
	}
	check_header(extent, header);
	state = GenericXLogStart(index);
	vector_buffer = write_bytes(extent, header->vectors, offset, row->row->payload,
								row->row->size, state);
	if (row->record)
		record_buffer = write_waiting(extent, (GrowingFirst *) header, row, state);
	group_buffer = extent_lock(extent, header->groups +
							   header->rows / GROWING_ROWS / header->groups_per_block,
							   BUFFER_LOCK_EXCLUSIVE);
	write_slot(header, GenericXLogRegisterBuffer(state, group_buffer, 0), header->rows, offset,
			   row);
	count_row(GenericXLogRegisterBuffer(state, header_buffer, 0), row, offset,
			  row->record && !BufferIsValid(record_buffer));
	GenericXLogFinish(state);
	row->place = room_before(cache_directory(cached), entry) + header->rows;
	UnlockReleaseBuffer(group_buffer);
	if (BufferIsValid(record_buffer))
		UnlockReleaseBuffer(record_buffer);
	UnlockReleaseBuffer(vector_buffer);
	UnlockReleaseBuffer(header_buffer);
	return APPENDED;
}

/*
 * Appends to the newest growing segment that has room and whose header lock is free.  If none of
 * the locks is free, waits for one of them; after WAITS_PER_TAIL such waits it returns APPEND_BUSY
 * instead, to have another segment opened.
 */
static AppendResult
append_row(Relation index, CachedIndex *cached, NewRow *row)
{
	const Directory *directory = cache_directory(cached);
	const SegmentEntry *busy[MAX_TAILS];
	int			busy_count = 0;

	for (uint32 i = directory->count; i-- > 0;)
	{
		const SegmentEntry *entry = &directory->entries[i];
		AppendResult result;

		if (entry->kind != SEGMENT_GROWING)
			continue;
		result = append_to(index, cached, entry, row, false);
		if (result == APPENDED)
			return result;
		if (result == APPEND_BUSY && busy_count < MAX_TAILS)
			busy[busy_count++] = entry;
	}
	if (busy_count == 0)
		return APPEND_FULL;
	append_waits++;
	if (append_waits > WAITS_PER_TAIL && busy_count < MAX_TAILS)
	{
		append_waits = 0;
		return APPEND_BUSY;
	}
	for (int i = 0; i < busy_count; i++)
		if (append_to(index, cached, busy[(i + MyProcPid) % busy_count], row, true) == APPENDED)
			return APPENDED;
	return APPEND_FULL;
}

/* Puts the size of a row's record before it. */
static void
take_record(NewRow *row)
{
	uint16		size = (uint16) row->row->attributes_size;

	if (row->row->attributes == NULL)
		return;
	row->record_size = TYPEALIGN(GROWING_UNIT, sizeof(size) + size);
	row->record = palloc0(row->record_size);
	memcpy(row->record, &size, sizeof(size));
	memcpy(row->record + sizeof(size), row->row->attributes, size);
}

uint64
growing_append(Relation index, Relation heap, CachedIndex *cached, const SegmentRow *row,
			   uint32 seal_rows, bool *added)
{
	NewRow	   *new_row = palloc0(sizeof(NewRow));
	uint64		place;

	*added = false;
	new_row->row = row;
	take_record(new_row);
	rotate_row(cache_space(cached), new_row);
	for (;;)
	{
		uint64		change = cache_directory(cached)->change;

		if (append_row(index, cached, new_row) == APPENDED)
			break;
		cached = cache_index(index);
		if (cache_directory(cached)->change == change)
		{
			make_segment(index, heap, cached, new_row, seal_rows, change);
			*added = true;
			cached = cache_index(index);
		}
	}
	place = new_row->place;
	if (new_row->rotated)
		pfree(new_row->rotated);
	if (new_row->record)
		pfree(new_row->record);
	pfree(new_row);
	return place;
}

void
growing_read_header(Relation index, const SegmentEntry *entry, GrowingHeader *header)
{
	Extent		extent = extent_of(index, entry);

	extent_read_header(extent, BLOCK_GROWING_HEADER, header, sizeof(*header));
	check_header(extent, header);
}

uint32
growing_rows(Relation index, const SegmentEntry *entry)
{
	GrowingHeader header;

	growing_read_header(index, entry, &header);
	return header.rows;
}

uint32
growing_burials(Relation index, const SegmentEntry *entry)
{
	GrowingHeader header;

	growing_read_header(index, entry, &header);
	return header.burials;
}

static void
count_dead(void *arg, uint32 number, bool dead, const SegmentRow *row)
{
	*(uint32 *) arg += dead;
}

uint32
growing_count(Relation index, const SegmentEntry *entry, uint32 *dead)
{
	*dead = 0;
	return growing_each_row(index, NULL, entry, 0, count_dead, dead);
}

void
growing_close(Relation index, const SegmentEntry *entry)
{
	Buffer		buffer = extent_lock(extent_of(index, entry), 0, BUFFER_LOCK_EXCLUSIVE);
	GenericXLogState *state = GenericXLogStart(index);
	Page		page = GenericXLogRegisterBuffer(state, buffer, 0);

	Assert(BlockGetHeader(page)->kind == BLOCK_GROWING_HEADER);
	Assert(claim_is_mine(extent_of(index, entry)));
	((GrowingHeader *) BlockGetPayload(page))->closed = 1;
	GenericXLogFinish(state);
	UnlockReleaseBuffer(buffer);
}

Buffer
growing_lock_group(Extent extent, const GrowingHeader *header, uint32 g, int lock,
				   GrowingGroup **group)
{
	Buffer		buffer = extent_lock(extent, header->groups + g / header->groups_per_block, lock);

	*group = (GrowingGroup *) (BlockGetPayload(BufferGetPage(buffer)) +
							   g % header->groups_per_block * header->group_size);
	return buffer;
}

/* A copy of the head of a group, and of its records' offsets, if there are any. */
static GrowingGroup
read_group(Extent extent, const GrowingHeader *header, uint32 g, uint32 *offsets)
{
	GrowingGroup copy;
	GrowingGroup *group;
	Buffer		buffer = growing_lock_group(extent, header, g, BUFFER_LOCK_SHARE, &group);

	copy = *group;
	if (header->attributes > 0)
		memcpy(offsets, record_offsets(header, group), OFFSETS_SIZE);
	UnlockReleaseBuffer(buffer);
	return copy;
}

Size
growing_read_payload(Extent extent, const Space *space, const GrowingHeader *header,
					 uint32 offset, PayloadMemory *memory)
{
	uint64		start = (uint64) offset * GROWING_UNIT;
	Size		size;

	if (space_varies(space))
	{
		uint32		first;

		extent_read(extent, header->vectors, start, &first, sizeof(first));
		size = sealed_payload_size(extent.index, space, first);
	}
	else
		size = space_payload_size(space);
	extent_read(extent, header->vectors, start, payload_reserve(memory, size), size);
	return size;
}

static void
read_first(Extent extent, GrowingFirst *first)
{
	extent_read_header(extent, BLOCK_GROWING_HEADER, first, sizeof(*first));
	check_header(extent, &first->header);
}

/* Finds the record of attributes at an offset; it stays until the next call. */
static const char *
read_record(ExtentReader *reader, const GrowingFirst *first, uint32 offset, Size *size)
{
	uint64		start = (uint64) offset * GROWING_UNIT;
	uint64		written = first->header.attribute_used - first->header.waiting;
	uint16		stored;

	if (start >= written)
	{
		uint64		left = first->header.waiting - Min(start - written, first->header.waiting);
		const char *record = first->records + (first->header.waiting - left);

		if (left >= sizeof(stored))
			memcpy(&stored, record, sizeof(stored));
		if (left < sizeof(stored) || left - sizeof(stored) < stored)
			sealed_damaged(reader->extent.index, "The attributes of a row are damaged.");
		*size = stored;
		return record + sizeof(stored);
	}
	memcpy(&stored, extent_reader_get(reader, start, sizeof(stored)), sizeof(stored));
	*size = stored;
	return extent_reader_get(reader, start + sizeof(stored), stored);
}

char *
growing_read_attributes(Relation index, const SegmentEntry *entry, uint32 row, Size *size)
{
	Extent		extent = extent_of(index, entry);
	GrowingFirst first;
	ExtentReader records;
	uint32		offsets[GROWING_ROWS];
	const char *record;
	char	   *copy;

	read_first(extent, &first);
	(void) read_group(extent, &first.header, row / GROWING_ROWS, offsets);
	extent_reader_begin(&records, extent, first.header.attributes);
	record = read_record(&records, &first, offsets[row % GROWING_ROWS], size);
	copy = palloc(Max(*size, 1));
	memcpy(copy, record, *size);
	if (records.scratch)
		pfree(records.scratch);
	return copy;
}

uint32
growing_each_row(Relation index, const Space *space, const SegmentEntry *entry, int parts,
				 SegmentRowCallback callback, void *arg)
{
	Extent		extent = extent_of(index, entry);
	GrowingFirst first;
	const GrowingHeader *header = &first.header;
	ExtentReader records;
	PayloadMemory memory = {0};

	read_first(extent, &first);
	extent_reader_begin(&records, extent, header->attributes);
	for (uint32 g = 0; g * GROWING_ROWS < header->rows; g++)
	{
		uint32		offsets[GROWING_ROWS];
		GrowingGroup copy = read_group(extent, header, g, offsets);

		CHECK_FOR_INTERRUPTS();
		for (uint32 i = 0; i < growing_group_rows(header, g); i++)
		{
			bool		dead = copy.dead >> i & 1;
			SegmentRow	row = {.tid = copy.tids[i]};

			if (parts & GROWING_PAYLOADS && !dead)
			{
				row.size = growing_read_payload(extent, space, header, copy.offset[i], &memory);
				row.payload = memory.payload;
			}
			if (parts & GROWING_ATTRIBUTES && header->attributes > 0)
				row.attributes = read_record(&records, &first, offsets[i], &row.attributes_size);
			callback(arg, g * GROWING_ROWS + i, dead, &row);
		}
	}
	if (memory.payload)
		pfree(memory.payload);
	if (records.scratch)
		pfree(records.scratch);
	return header->rows;
}

/* If the segment is live, sets the bits of a group's dead rows and counts that in the header. */
static bool
bury(Relation index, const SegmentEntry *entry, const GrowingHeader *header, uint32 g,
	 uint32 dead)
{
	Extent		extent = extent_of(index, entry);
	Buffer		directory = directory_lock_if_live(index, entry);
	Buffer		first;
	Buffer		buffer;
	GenericXLogState *state;
	GrowingGroup *group;
	Page		page;

	if (!BufferIsValid(directory))
		return false;
	first = extent_lock(extent, 0, BUFFER_LOCK_EXCLUSIVE);
	buffer = growing_lock_group(extent, header, g, BUFFER_LOCK_EXCLUSIVE, &group);
	state = GenericXLogStart(index);
	page = GenericXLogRegisterBuffer(state, buffer, 0);
	group = (GrowingGroup *) (BlockGetPayload(page) +
							  g % header->groups_per_block * header->group_size);
	group->dead |= dead;
	page = GenericXLogRegisterBuffer(state, first, 0);
	((GrowingHeader *) BlockGetPayload(page))->burials++;
	GenericXLogFinish(state);
	UnlockReleaseBuffer(buffer);
	UnlockReleaseBuffer(first);
	UnlockReleaseBuffer(directory);
	return true;
}

bool
growing_vacuum(Relation index, const SegmentEntry *entry,
			   bool (*is_dead) (ItemPointer tid, void *arg), void *arg, uint64 *live,
			   uint64 *removed)
{
	GrowingHeader header;

	growing_read_header(index, entry, &header);
	for (uint32 g = 0; g * GROWING_ROWS < header.rows; g++)
	{
		uint32		offsets[GROWING_ROWS];
		GrowingGroup copy = read_group(extent_of(index, entry), &header, g, offsets);
		uint32		dead = 0;

		for (uint32 i = 0; i < growing_group_rows(&header, g); i++)
			if (copy.dead >> i & 1)
				continue;
			else if (is_dead(&copy.tids[i], arg))
			{
				dead |= UINT32_C(1) << i;
				(*removed)++;
			}
			else
				(*live)++;
		if (dead && !bury(index, entry, &header, g, dead))
			return false;
		vacuum_delay_point_compat();
	}
	return true;
}
