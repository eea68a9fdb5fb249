/*
 * wait_point.c - points where tests stop a process
 */
#include "segment/wait_point.h"

#ifdef VECTOR_WAIT_POINTS

#include "segment/extent.h"

#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/wait_event.h"

int			segment_max_rows;
int			segment_max_id;

static char *stop_at;
static int	passes;				/* of the point where a process is to fail */

static void
forget_passes(const char *value, void *extra)
{
	passes = 0;
}

void
wait_point_init(void)
{
	DefineCustomStringVariable("vector.wait_point",
							   "Names the place where a process waits or fails.", NULL, &stop_at,
							   "", PGC_USERSET, 0, NULL, forget_passes, NULL);
	DefineCustomIntVariable("vector.max_segment_rows",
							"Sets the maximum number of rows of a segment.", NULL,
							&segment_max_rows, GRAPH_MAX_ID, 1, GRAPH_MAX_ID, PGC_USERSET, 0, NULL,
							NULL, NULL);
	DefineCustomIntVariable("vector.max_segment_id", "Sets the largest id of a segment's nodes.",
							NULL, &segment_max_id, GRAPH_MAX_ID, 1, GRAPH_MAX_ID, PGC_USERSET, 0,
							NULL, NULL, NULL);
}

/*
 * Raises an error if the setting has the name and an asterisk, at the pass whose number follows.
 */
static void
fail_if_told(const char *name)
{
	Size		size = strlen(name);

	if (strncmp(stop_at, name, size) == 0 && stop_at[size] == '*' &&
		++passes == Max(atoi(stop_at + size + 1), 1))
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
				 errdetail("Failed as told at \"%s\".", name)));
}

/*
 * Whether the gate is closed: by the lock, or for a name with an exclamation mark by the setting.
 */
static bool
is_closed(const char *name)
{
	Size		size = strlen(name);
	LOCKTAG		tag;

	if (strncmp(stop_at, name, size) != 0 || stop_at[size] == '*')
		return false;
	if (stop_at[size] == '!')
		return true;
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, 4711, 2);
	if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, ShareLock, false);
	return false;
}

void
wait_point(const char *name)
{
	fail_if_told(name);
	while (is_closed(name))
	{
		CHECK_FOR_OTHERS();
		/* lets tests see that the process waits here */
		pgstat_report_wait_start(WAIT_EVENT_PG_SLEEP);
		pg_usleep(10000);
		pgstat_report_wait_end();
	}
}

#else
typedef int wait_point_none;	/* no empty translation unit */
#endif
