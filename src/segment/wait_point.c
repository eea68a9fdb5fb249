/*
 * wait_point.c - stops for tests
 */
#include "segment/wait_point.h"

#ifdef VECTOR_WAIT_POINTS

#include "segment/extent.h"

#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/guc.h"

static char *stop_at;

void
wait_point_init(void)
{
	DefineCustomStringVariable("vector.wait_point", "Names the place where a process waits.", NULL,
							   &stop_at, "", PGC_USERSET, 0, NULL, NULL, NULL);
}

/*
 * Whether the gate is closed: by the lock, or for a name with an exclamation mark by the setting.
 */
static bool
is_closed(const char *name)
{
	Size		size = strlen(name);
	LOCKTAG		tag;

	if (strncmp(stop_at, name, size) != 0)
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
	while (is_closed(name))
	{
		CHECK_FOR_OTHERS();
		pg_usleep(10000);
	}
}

#else
typedef int wait_point_none;	/* no empty translation unit */
#endif
