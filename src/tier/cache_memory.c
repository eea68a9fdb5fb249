/*
 * cache_memory.c - where caches are: shared memory and a file, or the memory of a process
 *
 * A small table in shared memory says which segment of dynamic shared memory has the slots of the
 * shared cache.  If the setting asks for more slots than that has, another cache takes its place:
 * processes go over to it when they next read from a store.
 */
#include "tier/cache_internal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "shared/memory.h"
#include "shared/table.h"

#define PAGES_OF_MB			(1024 * 1024 / STORE_BLOCK)
#define PRIVATE_PAGES		1024	/* that a process keeps in its memory */
#define PRIVATE_CAPACITY	8192	/* that it can have open at once */
#define RETRY_MS			10000	/* after which a cache that could not be made is tried again */

#define CACHE_FOLDER		"base/" PG_TEMP_FILES_DIR
#define CACHE_PREFIX		PG_TEMP_FILE_PREFIX "_vector."

typedef struct CacheTable
{
	int			tranche;
	LWLock		lock;
	dsm_handle	handle;			/* of the slots; DSM_HANDLE_INVALID: there is no cache */
	uint32		generation;		/* of the cache, or of the last one */
	uint32		pages;			/* by the setting, at the time of */
	TimestampTz configured;		/* the last reading of the configuration */
	TimestampTz failed;			/* no cache could be made then */
} CacheTable;

static int	cache_size;			/* vector.tier_cache_size, MB */

StaticAssertDecl(DSM_HANDLE_INVALID == 0, "a table of zeros has no cache");

static SharedTable shared_cache = {
	.name = "vector_tier",
	SHARED_TABLE_OF(CacheTable),
	.missing = "the cache of object stores is not shared by the server's processes"
};

static CacheTable *table;
static TimestampTz failed;		/* this process could not make or open the cache then */
static Cache *current;			/* the shared cache, and older ones */
static Cache *own;				/* that of the process */

/* ---- pages ---- */

bool
tier_cache_write_page(Cache *cache, uint32 slot, const char *page)
{
	off_t		offset = (off_t) slot * STORE_BLOCK;

	if (!cache->shared)
	{
		memcpy(cache->pages + offset, page, STORE_BLOCK);
		return true;
	}
	return FileWrite(cache->file, (char *) page, STORE_BLOCK, offset,
					 PG_WAIT_EXTENSION) == STORE_BLOCK;
}

void
tier_cache_release_space(Cache *cache, uint32 slot)
{
	off_t		offset = (off_t) slot * STORE_BLOCK;

	if (!cache->shared)
		(void) madvise(cache->pages + offset, STORE_BLOCK, MADV_DONTNEED);
#ifdef FALLOC_FL_PUNCH_HOLE
	else
	{
		int			file = FileGetRawDesc(cache->file);

		if (file >= 0)
			(void) fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, STORE_BLOCK);
	}
#endif
}

/* ---- the memory of slots ---- */

static uint32
buckets_for(uint32 capacity)
{
	return pg_nextpower2_32(Max(capacity, 64));
}

static Size
control_size(uint32 capacity)
{
	return MAXALIGN(sizeof(CacheControl)) + (Size) capacity * (sizeof(CacheSlot) + sizeof(uint32)) +
		(Size) buckets_for(capacity) * sizeof(pg_atomic_uint32);
}

static Cache *
new_cache(void *memory, uint32 capacity, bool shared)
{
	Cache	   *cache = MemoryContextAllocZero(TopMemoryContext, sizeof(Cache));

	cache->control = memory;
	cache->slots = (CacheSlot *) ((char *) memory + MAXALIGN(sizeof(CacheControl)));
	cache->ghosts = (uint32 *) (cache->slots + capacity);
	cache->buckets = (pg_atomic_uint32 *) (cache->ghosts + capacity);
	cache->mask = buckets_for(capacity) - 1;
	cache->shared = shared;
	return cache;
}

/*
 * Empties a cache, whatever the memory holds.  Slots are written when they are first claimed, and
 * ghosts when a page is first dropped, so most of the memory is not touched before it is needed.
 */
static void
init_control(CacheControl *control, uint32 capacity, uint32 pages)
{
	Size		buckets = (Size) buckets_for(capacity) * sizeof(pg_atomic_uint32);

	memset(control, 0, sizeof(CacheControl));
	memset((char *) control + control_size(capacity) - buckets, 0, buckets);
	control->capacity = capacity;
	control->wanted = control->limit = pages;
}

Cache *
tier_cache_private(void)
{
	void	   *control;
	void	   *pages;

	if (own != NULL)
		return own;
	pages = mmap(NULL, (Size) PRIVATE_CAPACITY * STORE_BLOCK, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (pages == MAP_FAILED)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
						errdetail("No address space is left for pages of object stores.")));
	control = MemoryContextAllocExtended(TopMemoryContext, control_size(PRIVATE_CAPACITY),
										 MCXT_ALLOC_NO_OOM);
	if (control == NULL)
	{
		munmap(pages, (Size) PRIVATE_CAPACITY * STORE_BLOCK);
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	init_control(control, PRIVATE_CAPACITY, PRIVATE_PAGES);
	own = new_cache(control, PRIVATE_CAPACITY, false);
	own->pages = pages;
	return own;
}

Cache *
tier_cache_private_if_used(void)
{
	return own;
}

/* ---- the file ---- */

static void
file_path(char *path, uint32 generation)
{
	snprintf(path, MAXPGPATH, "%s/%s%u", CACHE_FOLDER, CACHE_PREFIX, generation);
}

/*
 * Removes files of earlier caches.  There are some only if the server has not removed them after a
 * crash (remove_temp_files_after_crash), or a cache has taken the place of another.
 */
static void
remove_files(void)
{
	DIR		   *folder = AllocateDir(CACHE_FOLDER);
	struct dirent *entry;

	if (folder == NULL)
		return;
	while ((entry = ReadDirExtended(folder, CACHE_FOLDER, LOG)) != NULL)
		if (strncmp(entry->d_name, CACHE_PREFIX, strlen(CACHE_PREFIX)) == 0)
		{
			char		path[MAXPGPATH * 2];

			snprintf(path, sizeof(path), "%s/%s", CACHE_FOLDER, entry->d_name);
			(void) unlink(path);
		}
	FreeDir(folder);
}

/* Opens and maps the file; makes it first, if it is that of a new cache.  false: it cannot. */
static bool
open_file(Cache *cache, bool make)
{
	Size		size = (Size) cache->control->capacity * STORE_BLOCK;
	char		path[MAXPGPATH];

	file_path(path, cache->generation);
	if (make)
	{
		(void) MakePGDirectory(CACHE_FOLDER);	/* it may be there */
		remove_files();
	}
	cache->file = PathNameOpenFile(path, O_RDWR | PG_BINARY | (make ? O_CREAT | O_TRUNC : 0));
	if (cache->file < 0)
		return false;
	if (!make || FileTruncate(cache->file, size, PG_WAIT_EXTENSION) == 0)
	{
		cache->pages = mmap(NULL, size, PROT_READ, MAP_SHARED, FileGetRawDesc(cache->file), 0);
		if (cache->pages != MAP_FAILED)
			return true;
	}
	FileClose(cache->file);
	return false;
}

/* ---- the shared cache ---- */

static void
close_cache(Cache *cache)
{
	munmap(cache->pages, (Size) cache->control->capacity * STORE_BLOCK);
	FileClose(cache->file);
	dsm_detach(cache->segment);
	pfree(cache);
}

/* Closes caches that were replaced, as far as this process has nothing open in them. */
static void
close_older(void)
{
	for (Cache **link = &current; *link != NULL;)
	{
		Cache	   *cache = *link;

		if (cache->pins > 0 || (cache == current && !cache->control->retired))
			link = &cache->older;
		else
		{
			*link = cache->older;
			close_cache(cache);
		}
	}
}

/* Opens the cache that a segment has; NULL: it cannot be. */
static Cache *
open_cache(dsm_segment *segment, uint32 generation, bool make)
{
	CacheControl *control = dsm_segment_address(segment);
	Cache	   *cache = new_cache(control, control->capacity, true);

	cache->segment = segment;
	cache->generation = generation;
	if (open_file(cache, make))
		return cache;
	ereport(LOG, (errcode_for_file_access(),
				  errmsg("could not open the cache of object stores in \"%s\": %m", CACHE_FOLDER)));
	dsm_detach(segment);
	pfree(cache);
	return NULL;
}

/* Makes the shared cache, under the table's lock; NULL: there is no memory, or no file, for it. */
static Cache *
make_cache(void)
{
	uint32		pages = table->pages;
	dsm_segment *segment = shared_memory_make(control_size(pages));
	dsm_handle	handle;
	CacheControl *control;
	Cache	   *cache;

	if (segment == NULL)
	{
		ereport(LOG,
				(errmsg("there is no shared memory for the cache of object stores"),
				 errdetail("It needs %zu bytes for %d MB of cache.", control_size(pages),
						   (int) (pages / PAGES_OF_MB)),
				 errhint("Give the server more shared memory, or lower "
						 "\"vector.tier_cache_size\".")));
		return NULL;
	}
	handle = dsm_segment_handle(segment);
	control = dsm_segment_address(segment);
	init_control(control, pages, pages);
	LWLockInitialize(&control->lock, table->tranche);
	for (int i = 0; i < CACHE_ARRIVALS; i++)
		ConditionVariableInit(&control->arrived[i]);
	cache = open_cache(segment, table->generation + 1, true);
	if (cache == NULL)
	{
		dsm_unpin_segment(handle);
		return NULL;
	}
	table->handle = handle;
	table->generation++;
	return cache;
}

static void
add_cache(Cache *cache)
{
	cache->older = current;
	current = cache;
}

/* Whether not long has passed since something failed. */
static bool
is_recent(TimestampTz failure)
{
	return failure != 0 && !TimestampDifferenceExceeds(failure, GetCurrentTimestamp(), RETRY_MS);
}

static bool
has_current(void)
{
	return current != NULL && !current->control->retired;
}

/* Goes over to the table's cache, or makes it; under the table's lock. */
static void
find_cache(bool make)
{
	if (current != NULL && current->generation == table->generation &&
		!current->control->retired)
		return;
	if (table->handle != DSM_HANDLE_INVALID &&
		(current == NULL || current->generation != table->generation))
	{
		dsm_segment *segment = shared_memory_attach(table->handle);
		Cache	   *cache = segment == NULL ? NULL : open_cache(segment, table->generation, false);

		if (cache == NULL)
			return;
		add_cache(cache);
	}
	if (make && !has_current() && table->pages > 0 && !is_recent(table->failed))
	{
		Cache	   *cache = make_cache();

		table->failed = cache == NULL ? GetCurrentTimestamp() : 0;
		if (cache != NULL)
			add_cache(cache);
	}
}

/* Takes over the setting from a configuration that was read later than that in effect. */
static void
configure(void)
{
	uint32		pages = (uint32) cache_size * PAGES_OF_MB;

	if (table->configured >= PgReloadTime)
		return;
	table->configured = PgReloadTime;
	if (table->pages == pages)
		return;
	table->pages = pages;
	table->failed = 0;
	find_cache(false);
	if (table->handle == DSM_HANDLE_INVALID || current == NULL ||
		current->generation != table->generation)
		return;
	if (pages > 0 && pages <= current->control->capacity)
		tier_cache_set_limit(current, pages);
	else
	{
		char		path[MAXPGPATH];

		tier_cache_retire(current);
		dsm_unpin_segment(table->handle);
		table->handle = DSM_HANDLE_INVALID;
		file_path(path, table->generation);
		(void) unlink(path);
	}
}

void
tier_cache_refresh(bool make)
{
	if (table == NULL)
		table = shared_table(&shared_cache);
	if (table == NULL)
		return;
	if (table->configured >= PgReloadTime && has_current() &&
		current->generation == table->generation)
		return;
	if (is_recent(failed))
		return;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	configure();
	find_cache(make);
	failed = table->pages > 0 && !has_current() &&
		(make || table->handle != DSM_HANDLE_INVALID) ? GetCurrentTimestamp() : 0;
	LWLockRelease(&table->lock);
	close_older();
}

bool
tier_cache_is_due(void)
{
	return table != NULL && table->pages > 0 && !has_current() && !is_recent(failed) &&
		!is_recent(table->failed);
}

Cache *
tier_cache_shared(void)
{
	return current;
}

void
tier_cache_init(void)
{
	DefineCustomIntVariable("vector.tier_cache_size",
							"Sets the size of the cache of what is read from object stores.",
							"It is a file in the data directory, for all sessions together; 0: "
							"none, each session keeps a few pages.",
							&cache_size, 1024, 0, 16 * 1024 * 1024, PGC_SIGHUP, GUC_UNIT_MB,
							NULL, NULL, NULL);
}

void
tier_cache_preload(void)
{
	shared_table_request(&shared_cache);
}
