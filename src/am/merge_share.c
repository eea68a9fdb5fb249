/*
 * merge_share.c - the shared memory of a parallel merge of scans
 */
#include "am/merge_share.h"

#include "pgstat.h"
#include "storage/condition_variable.h"

/* If more rows are wanted, participants tell each other no distances of them. */
#define MOST_TOLD	65536

struct MergeShared
{
	uint64		wanted;
	uint32		plans;
	pg_atomic_uint32 next;		/* the plan that is taken next */
	pg_atomic_uint32 searched;	/* searches of children that have begun */
	pg_atomic_uint32 busy;		/* participants that have begun, and have to be waited for */
	ConditionVariable ready;
	pg_atomic_uint64 compared;	/* MergeCounters of workers */
	pg_atomic_uint64 begun;
	pg_atomic_uint64 skipped;
	Size		found;			/* where NearestShared are, in bytes from the first one on, */
	Size		returned;
	char		nearest[FLEXIBLE_ARRAY_MEMBER]; /* which is for the comparison */
};

/* Rows whose distances are told. */
static uint32
rows_told(uint64 wanted)
{
	return wanted > MOST_TOLD ? 0 : (uint32) wanted;
}

/* A comparison before scans begin is for no more rows than there are children. */
Size
merge_share_size(int plans, uint64 wanted)
{
	return MAXALIGN(offsetof(MergeShared, nearest)) + nearest_shared_size(plans) +
		2 * nearest_shared_size(rows_told(wanted));
}

NearestShared *
merge_share_compared(MergeShared *shared)
{
	return (NearestShared *) MAXALIGN(shared->nearest);
}

NearestShared *
merge_share_found(MergeShared *shared)
{
	return (NearestShared *) ((char *) merge_share_compared(shared) + shared->found);
}

NearestShared *
merge_share_returned(MergeShared *shared)
{
	return (NearestShared *) ((char *) merge_share_compared(shared) + shared->returned);
}

void
merge_share_init(MergeShared *shared, int plans, uint64 wanted)
{
	uint32		told = rows_told(wanted);

	memset(shared, 0, sizeof(MergeShared));
	shared->plans = plans;
	pg_atomic_init_u32(&shared->next, 0);
	pg_atomic_init_u32(&shared->searched, 0);
	pg_atomic_init_u32(&shared->busy, 0);
	ConditionVariableInit(&shared->ready);
	pg_atomic_init_u64(&shared->compared, 0);
	pg_atomic_init_u64(&shared->begun, 0);
	pg_atomic_init_u64(&shared->skipped, 0);
	shared->found = nearest_shared_size(plans);
	shared->returned = shared->found + nearest_shared_size(told);
	nearest_shared_init(merge_share_compared(shared), plans);
	nearest_shared_init(merge_share_found(shared), told);
	nearest_shared_init(merge_share_returned(shared), told);
	shared->wanted = wanted;
}

void
merge_share_reset(MergeShared *shared, uint64 wanted)
{
	pg_atomic_write_u32(&shared->next, 0);
	pg_atomic_write_u32(&shared->searched, 0);
	pg_atomic_write_u32(&shared->busy, 0);
	nearest_shared_reset(merge_share_compared(shared));
	nearest_shared_reset(merge_share_found(shared));
	nearest_shared_reset(merge_share_returned(shared));
	shared->wanted = wanted;
}

uint64
merge_share_wanted(const MergeShared *shared)
{
	return shared->wanted;
}

int
merge_share_take(MergeShared *shared)
{
	uint32		plan;

	/* so that it is not counted beyond what there is */
	if (pg_atomic_read_u32(&shared->next) >= shared->plans)
		return -1;
	plan = pg_atomic_fetch_add_u32(&shared->next, 1);
	return plan < shared->plans ? (int) plan : -1;
}

uint32
merge_share_count(MergeShared *shared)
{
	return pg_atomic_add_fetch_u32(&shared->searched, 1);
}

void
merge_share_enter(MergeShared *shared)
{
	pg_atomic_fetch_add_u32(&shared->busy, 1);
}

void
merge_share_leave(MergeShared *shared)
{
	if (pg_atomic_sub_fetch_u32(&shared->busy, 1) == 0)
		ConditionVariableBroadcast(&shared->ready);
	while (pg_atomic_read_u32(&shared->busy) > 0)
		ConditionVariableSleep(&shared->ready, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
}

void
merge_share_report(MergeShared *shared, MergeCounters *counters)
{
	pg_atomic_fetch_add_u64(&shared->compared, counters->compared);
	pg_atomic_fetch_add_u64(&shared->begun, counters->begun);
	/* a child that was counted as skipped may have begun: a sum of differences */
	pg_atomic_fetch_add_u64(&shared->skipped, counters->skipped);
	memset(counters, 0, sizeof(MergeCounters));
}

void
merge_share_collect(MergeShared *shared, MergeCounters *counters)
{
	counters->compared += pg_atomic_exchange_u64(&shared->compared, 0);
	counters->begun += pg_atomic_exchange_u64(&shared->begun, 0);
	counters->skipped += pg_atomic_exchange_u64(&shared->skipped, 0);
}
