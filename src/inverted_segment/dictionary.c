/*
 * dictionary.c - reads a dictionary: a tree of blocks, whose entries ascend by their texts
 */
#include "inverted_segment/dictionary.h"

#include "text/document.h"

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

/* Reads the next entry of the block; false at its end. */
static bool
next_entry(DictionaryReader *reader)
{
	DictionaryEntry entry;

	if (reader->done == reader->count)
		return false;
	if (reader->place + sizeof(entry) > reader->size)
		damaged(reader);
	memcpy(&entry, reader->bytes + reader->place, sizeof(entry));
	reader->place += sizeof(entry);
	if (entry.shared > reader->length || entry.rest > reader->size - reader->place ||
		entry.shared + entry.rest > DICTIONARY_MAX_TEXT)
		damaged(reader);
	memcpy(reader->text + entry.shared, reader->bytes + reader->place, entry.rest);
	reader->place += entry.rest;
	reader->length = entry.shared + entry.rest;
	reader->number = entry.number[0] | (uint32) entry.number[1] << 16;
	reader->done++;
	return true;
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

		while (next_entry(reader))
		{
			if (reader->done > 1 &&
				document_compare(reader->text, reader->length, text, length) > 0)
				break;
			child = reader->number;
		}
		read_block(reader, child);
		if (reader->level >= level)
			damaged(reader);
	}
}

bool
dictionary_next(DictionaryReader *reader)
{
	while (!next_entry(reader))
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
dictionary_seek(DictionaryReader *reader, SealedScan *scan, const char *text, Size length)
{
	reader->scan = scan;
	if (scan->segment->header.words.blocks == 0)
		return false;
	descend(reader, text, length);
	do
		if (!dictionary_next(reader))
			return false;
	while (document_compare(reader->text, reader->length, text, length) < 0);
	return true;
}

bool
dictionary_begins(const DictionaryReader *reader, const char *text, Size length)
{
	return reader->length >= length && memcmp(reader->text, text, length) == 0;
}
