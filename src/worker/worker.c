/*
 * worker.c - the work of background workers
 *
 * A worker has a job, which is an index.  Each step, a seal or a merge, is a transaction without a
 * snapshot that holds ShareUpdateExclusiveLock on the index and no lock on its table.  A process
 * that waits for that lock, or for the database, gets it: the worker abandons the step and repeats
 * it later.
 */
#include "worker/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#ifndef WIN32
#include <sys/resource.h>
#endif

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "am/index.h"
#include "am/method.h"
#include "am/tiering.h"
#include "counters/counters.h"
#include "segment/seal.h"
#include "tier/tier.h"
#include "worker/jobs.h"
#include "worker/measure.h"

/* How often a worker checks whether another process waits for it. */
#define LOOK_MS			200

/* How often the launcher looks for waiting jobs, and for segments that have become old. */
#define LAUNCHER_NAP_MS	10000
#define LAUNCHER_LOOK_NAPS	360

/* How often a merge that is not due is tried again; each time its work is lost. */
#define IDLE_TRIES		3

/* How often, and how many times, a worker checks whether sessions that seal have finished. */
#define NAP_MS			100
#define MAX_NAPS		100

/* How many times it waits for old snapshots, which hold up the room for a merge's result. */
#define MAX_ROOM_NAPS	25

/* How often a worker tries to have its session yield, and the time between. */
#define PRIORITY_TRIES	5
#define PRIORITY_NAP_MS	110

/* What a worker does to an index in one transaction. */
typedef enum WorkerStep
{
	STEP_SEAL,
	STEP_MERGE,
	STEP_LOOK,					/* for what may be done when idle */
	STEP_IDLE_SEAL,
	STEP_IDLE_MERGE,
	STEP_DEPEND,				/* look for a segment to be tiered, and prepare for it */
	STEP_TIER,
	STEP_MEASURE				/* what recall searches have */
} WorkerStep;

/* What a worker does in a phase; a look is for the sake of a merge. */
static const struct
{
	const char *verb;
	const char *noun;
}			phase_names[] = {
	[JOB_IDLE] = {"merge", "look"}, [JOB_SEALING] = {"seal", "seal"},
	[JOB_MERGING] = {"merge", "merge"}, [JOB_TIERING] = {"tier", "tiering"},
	[JOB_MEASURING] = {"measure", "measurement"}
};

static bool background_work;
static int	nice_level;
static int	log_min_duration;
static int	idle_merge_delay;

/* State of this worker. */
static volatile sig_atomic_t time_to_look;
static Relation locked_index;	/* that it works on */
static bool gave_way;
static bool merge_waits;		/* for seals, or for snapshots that hold up room */
static bool idle_work_waits;	/* until the worker is idle */
static bool tier_waits;			/* a segment is to be tiered */
static int	naps;				/* since the last progress */

void
worker_init(void)
{
	DefineCustomBoolVariable("vector.background_work",
							 "Asks background workers to seal and merge segments.",
							 "Without them, inserting sessions and VACUUM do so. "
							 "A preloaded library looks for work where this is on.",
							 &background_work, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("vector.max_maintenance_workers",
							"Sets how many background workers may seal and merge at once.",
							"They are taken from max_worker_processes. 0 starts none.",
							&jobs_max_workers, 2, 0, 64, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"vector.maintenance_nice", "Sets the nice value of background workers.",
		"0 gives them the priority of other processes.", &nice_level, 5, 0, 19, PGC_SIGHUP, 0, NULL,
		NULL, NULL);
	DefineCustomIntVariable(
		"vector.log_maintenance_min_duration",
		"Sets the time above which seals and merges by background workers are logged.",
		"-1 logs none, 0 all.", &log_min_duration, 600000, -1, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS,
		NULL, NULL, NULL);
	DefineCustomIntVariable(
		"vector.idle_merge_delay",
		"Sets the time without anything due after which an index is tidied up.",
		"Growing rows are sealed, segments merged if they change by a tenth, dead rows dropped. "
		"-1: never.", &idle_merge_delay, 5000, -1, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL,
		NULL);
	if (process_shared_preload_libraries_in_progress && !IsBinaryUpgrade)
	{
		BackgroundWorker launcher;

		jobs_preload();
		jobs_describe_process(&launcher, "vector launcher", "vector_launcher_main");
		launcher.bgw_restart_time = 60;
		RegisterBackgroundWorker(&launcher);
	}
}

bool
worker_request_made(Relation index)
{
	if (!background_work || IsBinaryUpgrade || RelationUsesLocalBuffers(index) ||
		RecoveryInProgress())
		return false;
	return jobs_request(MyDatabaseId, RelationGetRelid(index));
}

bool
worker_request(Relation index)
{
	return !RELATION_IS_LOCAL(index) && worker_request_made(index);
}

bool
worker_request_idle(Relation index)
{
	return idle_merge_delay >= 0 && worker_request(index);
}

static void
look_soon(void)
{
	time_to_look = true;
}

/* Whether a process waits for the whole database, in order to drop or to copy it. */
static bool
database_is_wanted(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	if (LockAcquire(&tag, RowExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, RowExclusiveLock, false);
	return false;
}

static void
reload_config(void)
{
	if (!ConfigReloadPending)
		return;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
}

/* Abandons the step if another process waits; leaves no catalog snapshot behind. */
static void
give_way(void)
{
	static int	looks;

	if (!time_to_look)
		return;
	time_to_look = false;
	InvalidateCatalogSnapshot();
	reload_config();
	if (++looks % (1000 / LOOK_MS) == 0 && database_is_wanted())
		proc_exit(0);
	if ((locked_index != NULL && LockHasWaitersRelation(locked_index, ShareUpdateExclusiveLock)) ||
		measure_gives_way())
	{
		gave_way = true;
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED),
				 errmsg("background work gives way to another session")));
	}
}

static void
report_step(BuildPhase phase, uint64 done, uint64 total)
{
	static TimestampTz last;

	if (done == 0 || done == total || TimestampDifferenceExceeds(last, GetCurrentTimestamp(), 100))
	{
		last = GetCurrentTimestamp();
		jobs_report_step(phase, done, total);
	}
}

/* Opens an index of ours that is locked; NULL if it is gone, or must not be touched. */
static Relation
open_index(Oid oid)
{
	Relation	index = try_relation_open(oid, NoLock);

	if (index == NULL)
		return NULL;
	if (index->rd_rel->relkind == RELKIND_INDEX && vector_am_of(index) != NULL &&
		index->rd_index->indislive && index->rd_index->indisready &&
		!RelationUsesLocalBuffers(index) && directory_is_readable(index))
		return index;
	relation_close(index, NoLock);
	return NULL;
}

/* What counts the work of a step; NULL: nothing does, because it only looks. */
static WorkCounters *
counters_of_step(Oid index, WorkerStep step)
{
	static const WorkKind kinds[] = {
		[STEP_SEAL] = WORK_SEAL, [STEP_MERGE] = WORK_MERGE, [STEP_LOOK] = WORK_KINDS,
		[STEP_IDLE_SEAL] = WORK_SEAL, [STEP_IDLE_MERGE] = WORK_MERGE,
		[STEP_DEPEND] = WORK_KINDS, [STEP_TIER] = WORK_TIER, [STEP_MEASURE] = WORK_KINDS
	};

	return kinds[step] == WORK_KINDS ? NULL : &counters_of(index)->work[kinds[step]];
}

static void
count_step(Relation index, WorkerStep step, int replaced, TimestampTz start)
{
	WorkCounters *work = counters_of_step(RelationGetRelid(index), step);

	if (work == NULL || replaced == 0)
		return;
	work->steps++;
	work->segments += replaced;
	work->microseconds += GetCurrentTimestamp() - start;
}

static void
log_step(Relation index, JobPhase phase, int replaced, TimestampTz start)
{
	if (log_min_duration < 0 || replaced <= 0 ||
		!TimestampDifferenceExceeds(start, GetCurrentTimestamp(), log_min_duration))
		return;
	ereport(LOG,
			(errmsg("background %s of index \"%s.%s.%s\": %d segments replaced in %ld ms",
					phase_names[phase].noun, get_database_name(MyDatabaseId),
					get_namespace_name(RelationGetNamespace(index)),
					RelationGetRelationName(index), replaced,
					TimestampDifferenceMilliseconds(start, GetCurrentTimestamp()))));
}

/* Merges once there is room for the result; moving a segment to make room is a step of its own. */
static int
merge_in_room(Relation index, SealMerge what)
{
	SealRoom	room = seal_make_room(index, what);

	if (room == SEAL_MOVED)
		return 1;
	merge_waits = room == SEAL_ROOM_LATER && naps < MAX_ROOM_NAPS;
	return merge_waits ? 0 : seal_merge(index, NULL, SEAL_IF_FREE, what);
}

/*
 * Looks for a segment to be tiered, and has the cache made for searches of those that were.  The
 * index depends on the server since a transaction that ends before a segment moves there.  -1 if
 * sessions that attach or detach partitions have to end first.
 */
static int
prepare_to_tier(Relation index)
{
	TieringChoice choice;

	tier_waits = false;
	if (!index_tiering(index, &choice))
		return 0;
	tier_prepare();
	if (!tiering_is_due(index, &choice))
		return 0;
	if (!tiering_depend(index, index_tiering_server(index), false))
		return -1;
	tier_waits = true;
	return 0;
}

static int
tier_one(Relation index)
{
	TieringChoice choice;
	int			stored = 0;

	if (index_tiering(index, &choice))
	{
		choice.server = index_tiering_server(index);
		InvalidateCatalogSnapshot();
		stored = tiering_store_one(index, &choice);
	}
	return stored;
}

/*
 * Takes a step with an open index; returns the number of segments replaced, or -1 if the table is
 * locked and the step has to wait for it.
 */
static int
do_step(Relation index, WorkerStep step)
{
	uint32		seal_rows = index_seal_rows(index);

	switch (step)
	{
		case STEP_SEAL:
			return seal_growing(index, NULL, SEAL_IF_FREE, seal_rows, seal_rows);
		case STEP_LOOK:
			idle_work_waits = seal_count_growing(index) >= seal_rows / SEAL_FRACTION ||
				seal_has_merge(index, MERGE_IDLE);
			return 0;
		case STEP_IDLE_SEAL:
			return seal_growing(index, NULL, SEAL_IF_FREE, seal_rows / SEAL_FRACTION,
								seal_rows);
		case STEP_IDLE_MERGE:
			return merge_in_room(index, MERGE_IDLE);
		case STEP_MERGE:
			if (naps < MAX_NAPS && seal_is_behind(index, seal_rows))
			{
				merge_waits = true;
				return 0;
			}
			return merge_in_room(index, MERGE_DUE);
		case STEP_DEPEND:
			return prepare_to_tier(index);
		case STEP_TIER:
			return tier_one(index);
		case STEP_MEASURE:
			return measure_index(index) ? 0 : -1;
	}
	return 0;
}

/* Likewise in a transaction; -1 if the index is locked, too. */
static int
take_step(Oid oid, WorkerStep step)
{
	static const JobPhase phases[] = {
		[STEP_SEAL] = JOB_SEALING, [STEP_MERGE] = JOB_MERGING, [STEP_LOOK] = JOB_IDLE,
		[STEP_IDLE_SEAL] = JOB_SEALING, [STEP_IDLE_MERGE] = JOB_MERGING,
		[STEP_DEPEND] = JOB_IDLE, [STEP_TIER] = JOB_TIERING, [STEP_MEASURE] = JOB_MEASURING
	};
	JobPhase	phase = phases[step];
	Relation	index;
	TimestampTz start;
	int			replaced = 0;

	StartTransactionCommand();
	if (!ConditionalLockRelationOid(oid, ShareUpdateExclusiveLock))
	{
		CommitTransactionCommand();
		return -1;
	}
	index = open_index(oid);
	if (index != NULL)
	{
		pgstat_report_activity(STATE_RUNNING, psprintf(
			"%s index %s", phase_names[phase].verb,
			quote_qualified_identifier(get_namespace_name(RelationGetNamespace(index)),
									   RelationGetRelationName(index))));
		start = GetCurrentTimestamp();
		locked_index = index;
		InvalidateCatalogSnapshot();
		jobs_report_phase(phase);
		replaced = do_step(index, step);
		locked_index = NULL;
		count_step(index, step, replaced, start);
		log_step(index, phase, replaced, start);
		/* so that what was retired becomes free on an idle server, too */
		if (replaced > 0)
			(void) GetTopFullTransactionId();
		relation_close(index, NoLock);
	}
	CommitTransactionCommand();
	pgstat_report_activity(STATE_IDLE, NULL);
	return replaced;
}

/*
 * Likewise; -1 if the index was put off, because it is locked or because of an error, which ended
 * the transaction and is reported.  When a step gave way, the index is put off only if it was due.
 */
static int
try_step(Oid oid, WorkerStep step)
{
	MemoryContext context = CurrentMemoryContext;
	volatile int replaced = -1;
	WorkCounters *work;

	gave_way = false;
	PG_TRY();
	{
		replaced = take_step(oid, step);
		if (replaced < 0)
		{
			work = counters_of_step(oid, step);
			if (work)
				work->locked++;
			jobs_put_off(oid, NULL);
		}
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		locked_index = NULL;
		measure_abandon();
		if (!gave_way)
			EmitErrorReport();
		FlushErrorState();
		work = counters_of_step(oid, step);
		if (work && gave_way)
			work->gave_way++;
		else if (work)
			work->failures++;
		AbortCurrentTransaction();
		if (!gave_way)
			jobs_put_off(oid, error->message);
		else if (step != STEP_IDLE_SEAL && step != STEP_IDLE_MERGE)
			jobs_put_off(oid, NULL);
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return replaced;
}

static void
nap(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	reload_config();
}

/* Waits a little, unless another process waits for the database. */
static void
pause_once(void)
{
	nap(LOOK_MS);
	StartTransactionCommand();
	if (database_is_wanted())
		proc_exit(0);
	CommitTransactionCommand();
}

/* Waits for vector.idle_merge_delay; false if there is other work, or the setting says never. */
static bool
pause_while_idle(void)
{
	TimestampTz start = GetCurrentTimestamp();

	while (idle_merge_delay >= 0 && !jobs_is_wanted())
	{
		if (TimestampDifferenceExceeds(start, GetCurrentTimestamp(), idle_merge_delay))
			return true;
		pause_once();
	}
	return false;
}

/* Waits until the job that was put off is due; false if another job should be done first. */
static bool
wait_until_due(void)
{
	while (jobs_is_put_off())
	{
		if (jobs_others_wait())
			return false;
		pause_once();
	}
	return true;
}

/* Seals and merges in turn until nothing is due; false if the index was put off. */
static bool
do_what_is_due(Oid index)
{
	int			replaced;

	do
	{
		int			merged;

		merge_waits = false;
		replaced = try_step(index, STEP_SEAL);
		if (replaced < 0)
			return false;
		merged = try_step(index, STEP_MERGE);
		if (merged < 0)
			return false;
		jobs_report_success(index);
		replaced += merged;
		/* other processes are sealing what there is */
		if (replaced == 0 && merge_waits)
		{
			if (jobs_others_wait())
			{
				jobs_put_off(index, NULL);
				return false;
			}
			nap(NAP_MS);
			naps++;
		}
		else
			naps = 0;
	}
	while (replaced > 0 || merge_waits);
	return true;
}

/*
 * Seals what there is, and merges, step by step, until there is other work; false if a step gave
 * way.
 */
static bool
tidy_up(Oid index)
{
	int			replaced;

	naps = 0;
	if (try_step(index, STEP_IDLE_SEAL) < 0)
		return !gave_way;
	do
	{
		merge_waits = false;
		replaced = try_step(index, STEP_IDLE_MERGE);
		if (merge_waits)
		{
			nap(NAP_MS);
			naps++;
		}
	}
	while ((replaced > 0 || merge_waits) && !jobs_is_wanted());
	return replaced >= 0 || !gave_way;
}

/*
 * Does so once nothing has been due for a while.  If there is other work by then, this is left to
 * the next request for the index.
 */
static void
tidy_when_idle(Oid index)
{
	for (int tries = 0; tries < IDLE_TRIES; tries++)
	{
		idle_work_waits = false;
		if (idle_merge_delay < 0 || try_step(index, STEP_LOOK) < 0 || !idle_work_waits ||
			!pause_while_idle() || tidy_up(index))
			return;
	}
}

/* Tiers segments, one by one, unless there is other work; what is left is tiered after that. */
static void
tier_segments(Oid index)
{
	do
		if (try_step(index, STEP_DEPEND) < 0)
			return;
	while (tier_waits && try_step(index, STEP_TIER) > 0 && !jobs_is_wanted());
}

static void
work_on(const List *indexes)
{
	List	   *done = NIL;
	ListCell   *cell;

	foreach(cell, indexes)
		if (do_what_is_due(lfirst_oid(cell)))
			done = lappend_oid(done, lfirst_oid(cell));
	foreach(cell, done)
		tidy_when_idle(lfirst_oid(cell));
	foreach(cell, done)
	{
		(void) try_step(lfirst_oid(cell), STEP_MEASURE);
		tier_segments(lfirst_oid(cell));
	}
	list_free(done);
}

/* The OIDs of those rows of a catalog that a function selects, in the caller's memory. */
static List *
collect_oids(Oid catalog, bool (*wanted) (HeapTuple tuple, Oid *oid))
{
	MemoryContext context = CurrentMemoryContext;
	List	   *oids = NIL;
	Relation	relation;
	TableScanDesc scan;
	HeapTuple	tuple;
	Oid			oid;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(catalog, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
		if (wanted(tuple, &oid))
		{
			MemoryContext old = MemoryContextSwitchTo(context);

			oids = lappend_oid(oids, oid);
			MemoryContextSwitchTo(old);
		}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return oids;
}

/* Selects indexes of ours. */
static bool
wants_class(HeapTuple tuple, Oid *oid)
{
	Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);

	*oid = class->oid;
	return class->relkind == RELKIND_INDEX && class->relpersistence != RELPERSISTENCE_TEMP &&
		vector_am_by_oid(class->relam) != NULL;
}

/*
 * The indexes of a job: one, or for the launcher's sake all of the database, unless its settings
 * switch this off.
 */
static List *
indexes_of_job(Oid index)
{
	if (OidIsValid(index))
		return list_make1_oid(index);
	return background_work ? collect_oids(RelationRelationId, wants_class) : NIL;
}

/* Selects databases that accept connections. */
static bool
wants_database(HeapTuple tuple, Oid *oid)
{
	Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

	*oid = database->oid;
	return database->datallowconn && database->datconnlimit != DATCONNLIMIT_INVALID_DB;
}

/*
 * Linux may share out processors among sessions first (autogroup), of which each process of the
 * server is one.  A process's own value only counts within its session then, and that of the
 * session counts among them.
 */
static void
set_session_priority(void)
{
#ifdef __linux__
	char		value[8];
	int			length = snprintf(value, sizeof(value), "%d", nice_level);
	int			fd;

	/* a process that leads none would slow down others */
	if (getsid(0) != MyProcPid)
		return;
	fd = OpenTransientFile("/proc/self/autogroup", O_WRONLY);
	if (fd < 0)
		return;
	/* all processes of a machine may write a value every 100 ms together */
	for (int tries = 0; tries < PRIORITY_TRIES && write(fd, value, length) < 0; tries++)
		pg_usleep(PRIORITY_NAP_MS * 1000L);
	CloseTransientFile(fd);
#endif
}

static void
set_priority(void)
{
#ifndef WIN32
	if (nice_level <= 0)
		return;
	if (setpriority(PRIO_PROCESS, 0, nice_level) != 0)
		ereport(DEBUG1, (errmsg("could not set priority: %m")));
	set_session_priority();
#endif
}

static void
set_signals(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
}

void
vector_worker_main(Datum slot)
{
	Oid			database;
	Oid			index;
	TimeoutId	timeout;

	set_signals();
	if (!jobs_begin(DatumGetInt32(slot), &database, &index))
		proc_exit(0);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	set_priority();
	timeout = RegisterTimeout(USER_TIMEOUT, look_soon);
	enable_timeout_every(timeout, GetCurrentTimestamp(), LOOK_MS);
	extent_give_way = give_way;
	seal_report = report_step;
	do
	{
		List	   *indexes;

		if (!wait_until_due())
			continue;
		indexes = indexes_of_job(index);
		work_on(indexes);
		list_free(indexes);
	}
	while (jobs_next(&index));
	jobs_start_waiting();
	proc_exit(0);
}

/* Has a worker look at all indexes of each database. */
static void
request_databases(void)
{
	List	   *databases = collect_oids(DatabaseRelationId, wants_database);
	ListCell   *cell;

	foreach(cell, databases)
		jobs_request(lfirst_oid(cell), InvalidOid);
	list_free(databases);
}

void
vector_launcher_main(Datum arg)
{
	set_signals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	for (int looks = 0;; looks++)
	{
		if (background_work && looks % LAUNCHER_LOOK_NAPS == 0)
			request_databases();
		jobs_start_waiting();
		nap(LAUNCHER_NAP_MS);
	}
}
