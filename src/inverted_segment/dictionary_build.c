/*
 * dictionary_build.c - writes the dictionary of a segment's terms
 */
#include "inverted_segment/dictionary_build.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "segment/format.h"
#include "text/number.h"

/* The room for entries of a level at first. */
#define FIRST_ROOM		64

/* An entry that is to be written. */
typedef struct NewEntry
{
	const char *text;
	uint32		length;
	uint64		place;			/* of the list, or number of the block */
} NewEntry;

struct DictionaryBuild
{
	MemoryContext context;
	BufFile    *file;
	uint16		level;			/* that is being written */
	uint32		blocks;			/* written, of all levels */
	char		block[PAYLOAD_SIZE];
	DictionaryBlock head;
	StringInfoData last;		/* the last text of the block */
	NewEntry   *parents;		/* the first entry of each block, which they name */
	uint32		parent_count;
	uint32		parent_room;
};

DictionaryBuild *
dictionary_build_begin(BufFile *file)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector dictionary",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	DictionaryBuild *build = palloc0(sizeof(DictionaryBuild));

	build->context = context;
	build->file = file;
	initStringInfo(&build->last);
	MemoryContextSwitchTo(old);
	return build;
}

static void
write_block(DictionaryBuild *build)
{
	memcpy(build->block, &build->head, sizeof(DictionaryBlock));
	memset(build->block + build->head.size, 0, PAYLOAD_SIZE - build->head.size);
	BufFileWrite(build->file, build->block, PAYLOAD_SIZE);
	build->blocks++;
	build->head.count = 0;
}

/* The number of bytes that an entry's text and the one before begin with. */
static uint32
count_shared(const DictionaryBuild *build, const NewEntry *entry)
{
	uint32		most = Min((uint32) build->last.len, entry->length);
	uint32		shared = 0;

	while (shared < most && build->last.data[shared] == entry->text[shared])
		shared++;
	return shared;
}

/* Writes what an entry says before its text; returns its size. */
static Size
write_head(const NewEntry *entry, uint32 shared, unsigned char *out)
{
	unsigned char *p = number_put(out, shared);

	p = number_put(p, entry->length - shared);
	return number_put(p, entry->place) - out;
}

/* Keeps the first entry of a block, for the level above. */
static void
add_parent(DictionaryBuild *build, const NewEntry *entry)
{
	char	   *text = MemoryContextAlloc(build->context, Max(entry->length, 1));

	if (build->parent_count == build->parent_room)
	{
		Size		room = Max(2 * (Size) build->parent_room, FIRST_ROOM);

		build->parents = build->parent_room > 0 ?
			repalloc_huge(build->parents, sizeof(NewEntry) * room) :
			MemoryContextAlloc(build->context, sizeof(NewEntry) * room);
		build->parent_room = (uint32) room;
	}
	memcpy(text, entry->text, entry->length);
	build->parents[build->parent_count++] = (NewEntry) {text, entry->length, build->blocks};
}

static void
put_entry(DictionaryBuild *build, const NewEntry *entry)
{
	DictionaryBlock *head = &build->head;
	uint32		shared = head->count > 0 ? count_shared(build, entry) : 0;
	unsigned char bytes[3 * NUMBER_ROOM];
	Size		size = write_head(entry, shared, bytes);

	if (head->count > 0 && head->size + size + entry->length - shared > PAYLOAD_SIZE)
		write_block(build);
	if (head->count == 0)
	{
		shared = 0;
		size = write_head(entry, shared, bytes);
		*head = (DictionaryBlock) {build->level, 0, sizeof(DictionaryBlock)};
		add_parent(build, entry);
	}
	memcpy(build->block + head->size, bytes, size);
	memcpy(build->block + head->size + size, entry->text + shared, entry->length - shared);
	head->size += (uint32) size + entry->length - shared;
	head->count++;
	resetStringInfo(&build->last);
	appendBinaryStringInfo(&build->last, entry->text, (int) entry->length);
}

void
dictionary_build_add(DictionaryBuild *build, const char *text, uint32 length, uint64 place)
{
	const NewEntry entry = {text, length, place};

	put_entry(build, &entry);
}

uint32
dictionary_build_end(DictionaryBuild *build)
{
	uint32		blocks;

	while (build->head.count > 0)
	{
		NewEntry   *entries = build->parents;
		uint32		count = build->parent_count;

		write_block(build);
		if (count == 1)
			break;
		build->level++;
		build->parents = NULL;
		build->parent_count = build->parent_room = 0;
		for (uint32 i = 0; i < count; i++)
		{
			CHECK_FOR_INTERRUPTS();
			put_entry(build, &entries[i]);
		}
	}
	blocks = build->blocks;
	MemoryContextDelete(build->context);
	return blocks;
}
