/*
 * partition_files.c - the temporary files of a build in partitions
 */
#include "graph_segment/partition_files.h"

#include "commands/tablespace.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#define MIN_BUFFER	256
#define MAX_BUFFER	(2 * BLCKSZ)

/* A file that is written from its beginning to its end, and then read, as often as needed. */
struct PartitionFile
{
	File		file;
	bool		reading;
	off_t		size;			/* bytes written, but for those in the buffer */
	off_t		place;			/* reading: the end of what the buffer has */
	char	   *buffer;			/* or NULL */
	Size		room;
	Size		from;			/* reading: where the next bytes are in the buffer, */
	Size		to;				/* and the end of its bytes */
};

char *
partition_room(PartitionState *state, Size size)
{
	if (size > state->record_room)
	{
		state->record_room = size;
		state->record = state->record ? repalloc_huge(state->record, size) :
			MemoryContextAllocHuge(CurrentMemoryContext, size);
	}
	return state->record;
}

static PartitionFile *
create_file(SegmentBuild *build)
{
	PartitionFile *file = MemoryContextAllocZero(build->context, sizeof(PartitionFile));

	PrepareTempTablespaces();
	file->file = OpenTemporaryFile(false);
	return file;
}

static void
write_bytes(PartitionFile *file, const char *bytes, Size size)
{
	while (size > 0)
	{
		int			wrote = FileWrite(file->file, unconstify(char *, bytes), size, file->size,
									  WAIT_EVENT_BUFFILE_WRITE);

		if (wrote <= 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not write to file \"%s\": %m", FilePathName(file->file))));
		file->size += wrote;
		bytes += wrote;
		size -= (Size) wrote;
	}
}

static void
write_buffer(PartitionFile *file)
{
	write_bytes(file, file->buffer, file->to);
	file->to = 0;
}

static void
put_bytes(PartitionFile *file, const char *bytes, Size size)
{
	if (file->to + size > file->room)
		write_buffer(file);
	if (size > file->room)
	{
		write_bytes(file, bytes, size);
		return;
	}
	memcpy(file->buffer + file->to, bytes, size);
	file->to += size;
}

/* A power of two, as which memory is allocated. */
static Size
buffer_size(const BuildShared *shared, uint32 files)
{
	Size		size = MAX_BUFFER;

	while (size > MIN_BUFFER &&
		   size * files * shared->participants > shared->memory / PARTITION_FILE_SHARE)
		size /= 2;
	return size;
}

void
partition_put(SegmentBuild *build, PartitionFile **file, const void *head, Size head_size,
			  const char *bytes, Size size)
{
	if (*file == NULL)
		*file = create_file(build);
	if ((*file)->buffer == NULL)
	{
		(*file)->room = buffer_size(build->shared, build->partition->written);
		(*file)->buffer = MemoryContextAlloc(build->partition->buffers, (*file)->room);
		(*file)->to = 0;
	}
	put_bytes(*file, head, head_size);
	put_bytes(*file, bytes, size);
}

static void
drop_buffer(PartitionFile *file)
{
	if (file->buffer)
		pfree(file->buffer);
	file->buffer = NULL;
}

void
partition_flush(PartitionState *state, PartitionFile **files, uint32 count)
{
	for (uint32 i = 0; i < count; i++)
		if (files[i] != NULL && files[i]->buffer != NULL && !files[i]->reading)
		{
			write_buffer(files[i]);
			files[i]->buffer = NULL;
		}
	MemoryContextReset(state->buffers);
}

void
partition_close(PartitionFile **file)
{
	if (*file == NULL)
		return;
	FileClose((*file)->file);
	drop_buffer(*file);
	pfree(*file);
	*file = NULL;
}

/* Reads up to this many bytes of a file; fewer only at its end, where its buffer is given back. */
static Size
get_bytes(PartitionFile *file, char *out, Size size)
{
	Size		had = 0;

	while (had < size)
	{
		Size		n = Min(size - had, file->to - file->from);

		if (n == 0)
		{
			int			got = file->place < file->size ?
				FileRead(file->file, file->buffer, Min(file->room, file->size - file->place),
						 file->place, WAIT_EVENT_BUFFILE_READ) : 0;

			if (got < 0)
				ereport(ERROR,
						(errcode_for_file_access(),
						 errmsg("could not read file \"%s\": %m", FilePathName(file->file))));
			if (got == 0)
				break;
			file->place += got;
			file->from = 0;
			file->to = (Size) got;
			continue;
		}
		memcpy(out + had, file->buffer + file->from, n);
		file->from += n;
		had += n;
	}
	return had;
}

void
partition_read(PartitionFile *file, void *out, Size size)
{
	if (get_bytes(file, out, size) != size)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("file \"%s\" ends too early", FilePathName(file->file))));
}

bool
partition_read_head(PartitionFile *file, void *head, Size size)
{
	Size		had;

	CHECK_FOR_OTHERS();
	if (file == NULL)
		return false;
	had = get_bytes(file, head, size);
	if (had > 0 && had < size)
		partition_read(file, (char *) head + had, size - had);
	if (had == 0)
		drop_buffer(file);
	return had > 0;
}

bool
partition_next_row(PartitionState *state, PartitionFile *file, RowHead *head,
				   const char **payload)
{
	char	   *bytes;

	if (!partition_read_head(file, head, sizeof(*head)))
		return false;
	bytes = partition_room(state, head->size);
	partition_read(file, bytes, head->size);
	*payload = bytes;
	return true;
}

void
partition_begin_reading(SegmentBuild *build, PartitionFile *file)
{
	build_wait(build);
	if (file == NULL)
		return;
	partition_flush(build->partition, &file, 1);
	drop_buffer(file);
	file->reading = true;
	file->buffer = MemoryContextAlloc(build->context, MAX_BUFFER);
	file->room = MAX_BUFFER;
	file->place = 0;
	file->from = file->to = 0;
}
