/*
 * format_2.c - converting a directory of format version 2
 */
#include "segment/format_2.h"

typedef struct SegmentEntry2
{
	uint32		uid;
	uint16		kind;
	uint16		unused;
	BlockNumber first;
	uint32		blocks;
	uint64		rows;
	FullTransactionId stamp;
	TimestampTz created;
} SegmentEntry2;

/* It begins like a Directory up to the features, which it does not have. */
#define DIRECTORY_2_ENTRIES		64

StaticAssertDecl(sizeof(SegmentEntry2) == 40, "format of SegmentEntry of version 2");
StaticAssertDecl(offsetof(Directory, features) == 60, "format of Directory of version 2");
StaticAssertDecl(DIRECTORY_2_ENTRIES + DIRECTORY_MAX_ENTRIES * sizeof(SegmentEntry2) <=
				 PAYLOAD_SIZE, "room of entries of version 2");

/* Centroids are the same in both versions, so they are no reason to rewrite anything. */
static uint8
version_of(const SegmentEntry2 *old)
{
	return old->kind == SEGMENT_CENTROIDS ? 3 : 2;
}

void
directory_convert_2(Directory *directory)
{
	PGAlignedBlock copy;
	const SegmentEntry2 *old = (const SegmentEntry2 *) (copy.data + DIRECTORY_2_ENTRIES);
	uint32		count = directory->count;

	Assert(directory->version == 2 && count <= DIRECTORY_MAX_ENTRIES);
	memcpy(copy.data, directory, DIRECTORY_2_ENTRIES + count * sizeof(SegmentEntry2));
	memset((char *) directory + DIRECTORY_2_ENTRIES, 0, PAYLOAD_SIZE - DIRECTORY_2_ENTRIES);
	directory->version = 3;
	directory->features = 0;
	for (uint32 i = 0; i < count; i++)
		directory->entries[i] = (SegmentEntry) {
			.uid = old[i].uid,
			.kind = (uint8) old[i].kind,
			.method = directory->method,
			.version = version_of(&old[i]),
			.where = EXTENT_LOCAL,
			.first = old[i].first,
			.blocks = old[i].blocks,
			.rows = (uint32) old[i].rows,
			.stamp = old[i].stamp,
			.created = old[i].created
		};
}
