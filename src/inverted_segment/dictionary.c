/*
 * dictionary.c - reads a dictionary: a tree of blocks, whose entries ascend by their texts
 */
#include "inverted_segment/dictionary.h"

#include "inverted_segment/packed.h"
#include "text/document.h"
#include "text/number.h"

static void
damaged(const DictionaryReader *reader)
{
	sealed_damaged(reader->scan->index, "In segment %u, block %u of the dictionary is wrong.",
				   reader->scan->segment->part.uid, reader->block);
}

static void
read_block(DictionaryReader *reader, uint32 block)
{
	const SealedWords *words = &reader->scan->segment->header.words;
	const char *payload;
	DictionaryBlock head;
	BlockToken	token;

	reader->block = block;
	if (block >= words->blocks)
		damaged(reader);
	payload = sealed_open_block(reader->scan, words->dictionary + block, &token);
	memcpy(&head, payload, sizeof(head));
	reader->size = Min(head.size, PAYLOAD_SIZE);
	memcpy(reader->bytes, payload, reader->size);
	block_close(&reader->scan->reader, &token);
	reader->level = head.level;
	reader->count = head.count;
	reader->done = 0;
	reader->place = sizeof(head);
	reader->length = 0;
}

/* What an entry says before its text, and the number that it names. */
typedef struct EntryHead
{
	uint64		shared;			/* see DictionaryEntry */
	uint64		rest;
	uint64		number;
} EntryHead;

static bool
read_head(DictionaryReader *reader, EntryHead *head)
{
	const unsigned char *start = (const unsigned char *) reader->bytes + reader->place;
	const unsigned char *end = (const unsigned char *) reader->bytes + reader->size;
	const unsigned char *p = start;
	DictionaryEntry entry;

	if (sealed_is_packed(&reader->scan->segment->header))
	{
		if (!number_get(&p, end, DICTIONARY_MAX_TEXT, &head->shared) ||
			!number_get(&p, end, DICTIONARY_MAX_TEXT, &head->rest) ||
			!number_get(&p, end, PG_UINT64_MAX, &head->number))
			return false;
		reader->place += p - start;
		return true;
	}
	if (reader->place + sizeof(entry) > reader->size)
		return false;
	memcpy(&entry, start, sizeof(entry));
	*head = (EntryHead) {
		entry.shared, entry.rest, entry.number[0] | (uint32) entry.number[1] << 16
	};
	reader->place += sizeof(entry);
	return true;
}

/*
 * Reads the next entry of the block; false at its end.  If it shares more than `matched` bytes with
 * the one before it, its text is left out: it is less than a text that just those bytes match.
 */
static bool
next_entry(DictionaryReader *reader, Size matched)
{
	EntryHead	head;

	if (reader->done == reader->count)
		return false;
	if (!read_head(reader, &head) || head.shared > reader->length ||
		head.rest > reader->size - reader->place || head.shared + head.rest > DICTIONARY_MAX_TEXT)
		damaged(reader);
	if (head.shared <= matched)
		memcpy(reader->text + head.shared, reader->bytes + reader->place, head.rest);
	reader->place += head.rest;
	reader->shared = (uint32) head.shared;
	reader->length = (uint32) (head.shared + head.rest);
	reader->number = head.number;
	reader->done++;
	return true;
}

/* A text that is sought among entries in order. */
typedef struct Sought
{
	const char *text;
	Size		length;
	Size		matched;		/* bytes that the last entry begins with */
} Sought;

/*
 * Compares the entry that has been read with the text that is sought, than which the one before it
 * was less.  What it shares with that one says how it compares, unless it is just what matched.
 */
static int
compare_entry(const DictionaryReader *reader, Sought *sought)
{
	Size		most = Min(reader->length, sought->length);
	Size		matched = reader->done > 1 ? sought->matched : 0;

	if (reader->done > 1 && reader->shared != matched)
		return reader->shared > matched ? -1 : 1;
	while (matched < most && reader->text[matched] == sought->text[matched])
		matched++;
	sought->matched = matched;
	if (matched < most)
		return (uint8) reader->text[matched] < (uint8) sought->text[matched] ? -1 : 1;
	return reader->length == sought->length ? 0 : reader->length < sought->length ? -1 : 1;
}

/* Goes down to the block of the lowest level that has a text if any does. */
static void
descend(DictionaryReader *reader, const char *text, Size length)
{
	read_block(reader, reader->scan->segment->header.words.blocks - 1);
	while (reader->level > 0)
	{
		uint32		level = reader->level;
		uint32		child = 0;
		Sought		sought = {text, length, 0};

		while (next_entry(reader, reader->done > 0 ? sought.matched : 0))
		{
			int			order = compare_entry(reader, &sought);

			if (reader->done > 1 && order > 0)
				break;
			child = (uint32) Min(reader->number, PG_UINT32_MAX);
			if (order >= 0)
				break;
		}
		read_block(reader, child);
		if (reader->level >= level)
			damaged(reader);
	}
}

/* Reads the next entry, of the next block if need be; `matched` is for next_entry. */
static bool
next_of_all(DictionaryReader *reader, Size matched)
{
	while (!next_entry(reader, matched))
	{
		/* the blocks of the lowest level come first */
		if (reader->block + 1 >= reader->scan->segment->header.words.blocks)
			return false;
		read_block(reader, reader->block + 1);
		if (reader->level > 0)
			return false;
	}
	return true;
}

bool
dictionary_next(DictionaryReader *reader)
{
	return next_of_all(reader, DICTIONARY_MAX_TEXT);
}

bool
dictionary_seek(DictionaryReader *reader, SealedScan *scan, const char *text, Size length)
{
	Sought		sought = {text, length, 0};

	reader->scan = scan;
	if (scan->segment->header.words.blocks == 0)
		return false;
	descend(reader, text, length);
	do
		if (!next_of_all(reader, sought.matched))
			return false;
	while (compare_entry(reader, &sought) < 0);
	return true;
}

bool
dictionary_begins(const DictionaryReader *reader, const char *text, Size length)
{
	return reader->length >= length && memcmp(reader->text, text, length) == 0;
}
