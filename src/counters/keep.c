/*
 * keep.c - the table of counters in a file while the server is stopped
 *
 * The server's first process, which has the library only if it is preloaded, writes the file when
 * all others have ended, and reads and removes it at the next start.  So a crash, after which there
 * is no file, ends the table.
 */
#include "counters/counters_internal.h"

#include <unistd.h>

#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#define KEPT_FILE		"pg_stat/vector_counters"
#define KEPT_MAGIC		0x56435431

typedef struct KeptHeader
{
	uint32		magic;
	uint32		version;		/* of PostgreSQL, */
	uint32		size;			/* and the table's: both say what the rest looks like */
	pg_crc32c	crc;			/* of the rest */
} KeptHeader;

static shmem_startup_hook_type previous_hook;

/* What of the table is kept: all that follows the lock. */
#define KEPT_BEGIN		offsetof(CountersTable, slow_next)
#define KEPT_SIZE		(COUNTERS_TABLE_SIZE(counters_places) - KEPT_BEGIN)

static KeptHeader
header_of(const char *kept)
{
	KeptHeader	header = {
		.magic = KEPT_MAGIC, .version = PG_VERSION_NUM / 10000, .size = KEPT_SIZE
	};

	INIT_CRC32C(header.crc);
	COMP_CRC32C(header.crc, kept, KEPT_SIZE);
	FIN_CRC32C(header.crc);
	return header;
}

static void
write_file(int code, Datum arg)
{
	CountersTable *table = (CountersTable *) DatumGetPointer(arg);
	const char *kept = (const char *) table + KEPT_BEGIN;
	KeptHeader	header;
	FILE	   *file;

	/*
	 * After a crash the table may be anything, and where processes had to end at once one may have
	 * been changing it.
	 */
	if (code != 0 || !LWLockConditionalAcquire(&table->lock, LW_SHARED))
		return;
	LWLockRelease(&table->lock);
	header = header_of(kept);
	file = AllocateFile(KEPT_FILE ".new", PG_BINARY_W);
	if (file == NULL || fwrite(&header, sizeof(header), 1, file) != 1 ||
		fwrite(kept, KEPT_SIZE, 1, file) != 1)
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", KEPT_FILE ".new")));
	else if (FreeFile(file) == 0)
	{
		(void) durable_rename(KEPT_FILE ".new", KEPT_FILE, LOG);
		return;
	}
	if (file != NULL)
		(void) unlink(KEPT_FILE ".new");
}

/* Fills the table from the file; a file that another version wrote is as none. */
static void
read_file(CountersTable *table)
{
	KeptHeader	header;
	char	   *kept;
	FILE	   *file = AllocateFile(KEPT_FILE, PG_BINARY_R);

	if (file == NULL)
		return;
	kept = palloc(KEPT_SIZE);
	if (fread(&header, sizeof(header), 1, file) == 1 && fread(kept, KEPT_SIZE, 1, file) == 1)
	{
		KeptHeader	expected = header_of(kept);

		if (memcmp(&header, &expected, sizeof(header)) == 0)
			memcpy((char *) table + KEPT_BEGIN, kept, KEPT_SIZE);
	}
	pfree(kept);
	FreeFile(file);
	(void) unlink(KEPT_FILE);
}

static void
start_table(void)
{
	CountersTable *table;

	if (previous_hook)
		previous_hook();
	if (IsUnderPostmaster)
		return;
	table = counters_new_table();
	if (table == NULL)
		return;
	read_file(table);
	on_shmem_exit(write_file, PointerGetDatum(table));
}

void
counters_keep(void)
{
	previous_hook = shmem_startup_hook;
	shmem_startup_hook = start_table;
}
