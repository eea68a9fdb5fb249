/*
 * depend.c - what indexes depend on, and those of partitioned tables with them
 */
#include "am/depend.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_ts_config.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lock.h"
#include "tcop/utility.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"

#include "am/method.h"

static ProcessUtility_hook_type previous_hook = NULL;

List *
depend_needed(Oid index, Oid class)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	List	   *needed = NIL;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(index));
	scan = systable_beginscan(depend, DependDependerIndexId, true, NULL, lengthof(keys), keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend row = (Form_pg_depend) GETSTRUCT(tuple);

		if (row->refclassid == class && row->deptype == DEPENDENCY_NORMAL)
			needed = list_append_unique_oid(needed, row->refobjid);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return needed;
}

void
depend_on(Oid index, const ObjectAddress *on)
{
	ObjectAddress self;

	ObjectAddressSet(self, RelationRelationId, index);
	if (!list_member_oid(depend_needed(index, on->classId), on->objectId))
		recordDependencyOn(&self, on, DEPENDENCY_NORMAL);
}

/* What the indexes of partitions depend on, of a class. */
static List *
needed_below(Oid index, Oid class)
{
	List	   *needed = NIL;
	ListCell   *cell;

	foreach(cell, find_all_inheritors(index, NoLock, NULL))
		if (lfirst_oid(cell) != index && get_rel_relkind(lfirst_oid(cell)) == RELKIND_INDEX)
			needed = list_concat_unique_oid(needed, depend_needed(lfirst_oid(cell), class));
	return needed;
}

/* Has others wait who change what an index depends on, until the end of the transaction. */
static bool
lock_dependencies(Oid index, bool wait)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, RelationRelationId, index, 0);
	if (LockAcquire(&tag, ExclusiveLock, false, !wait) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	AcceptInvalidationMessages();
	return true;
}

/*
 * Makes an index depend on what those of its partitions do, of a class; false if another session
 * does so and is not to be waited for.  Two sessions that move different partitions do not see
 * each other's changes, so the second one looks again when the first has committed.  One that
 * finds neither a dependency nor a need has nothing to change, whatever others do.
 */
static bool
follow_partitions(Oid index, Oid class, bool wait)
{
	/* on a configuration it may depend by an expression of its own */
	bool		removes = class == ForeignServerRelationId;
	List	   *before = depend_needed(index, class);
	List	   *needed = needed_below(index, class);
	ListCell   *cell;

	if (list_difference_oid(needed, before) == NIL && (!removes || before == NIL))
		return true;
	if (!lock_dependencies(index, wait))
		return false;
	before = depend_needed(index, class);
	needed = needed_below(index, class);
	foreach(cell, needed)
	{
		ObjectAddress on;

		ObjectAddressSet(on, class, lfirst_oid(cell));
		depend_on(index, &on);
	}
	if (!removes)
		return true;
	foreach(cell, list_difference_oid(before, needed))
		(void) deleteDependencyRecordsForSpecific(RelationRelationId, index, DEPENDENCY_NORMAL,
												  class, lfirst_oid(cell));
	return true;
}

static bool
follow_all(Oid index, bool wait)
{
	bool		done = follow_partitions(index, ForeignServerRelationId, wait) &&
		follow_partitions(index, TSConfigRelationId, wait);

	/* the same statement may do this again */
	CommandCounterIncrement();
	return done;
}

bool
depend_above(Oid index, bool wait)
{
	ListCell   *cell;

	if (!get_rel_relispartition(index))
		return true;
	/* what has just been recorded */
	CommandCounterIncrement();
	/* from below to the top, as all do, so that none waits for one that waits for it */
	foreach(cell, get_partition_ancestors(index))
		if (!follow_all(lfirst_oid(cell), wait))
			return false;
	return true;
}

/* Whether a statement attaches partitions, or detaches them. */
static bool
moves_partitions(Node *statement)
{
	ListCell   *cell;

	if (!IsA(statement, AlterTableStmt))
		return false;
	foreach(cell, ((AlterTableStmt *) statement)->cmds)
	{
		AlterTableType type = lfirst_node(AlterTableCmd, cell)->subtype;

		if (type == AT_AttachPartition || type == AT_DetachPartition ||
			type == AT_DetachPartitionFinalize)
			return true;
	}
	return false;
}

/* Looks through the indexes of a partitioned table, or of one index, and those above them. */
static void
look_through(Oid relation)
{
	Relation	table;
	List	   *indexes;
	ListCell   *cell;

	if (get_rel_relkind(relation) == RELKIND_PARTITIONED_INDEX)
		indexes = list_make1_oid(relation);
	else if (get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE)
	{
		table = table_open(relation, AccessShareLock);
		indexes = RelationGetIndexList(table);
		table_close(table, AccessShareLock);
	}
	else
		return;
	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);
		bool		ours = vector_am_of(index) != NULL;

		index_close(index, AccessShareLock);
		if (!ours)
			continue;
		(void) follow_all(lfirst_oid(cell), true);
		(void) depend_above(lfirst_oid(cell), true);
	}
}

static void
vectorutility(PlannedStmt *statement, const char *text, bool read_only,
				ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *environment,
				DestReceiver *receiver, QueryCompletion *completion)
{
	bool		moves = moves_partitions(statement->utilityStmt);
	Oid			relation = InvalidOid;

	if (previous_hook)
		previous_hook(statement, text, read_only, context, params, environment, receiver,
					  completion);
	else
		standard_ProcessUtility(statement, text, read_only, context, params, environment, receiver,
								completion);
	if (moves)
		relation = RangeVarGetRelid(((AlterTableStmt *) statement->utilityStmt)->relation, NoLock,
									true);
	if (OidIsValid(relation))
	{
		CommandCounterIncrement();
		look_through(relation);
	}
}

void
depend_init(void)
{
	previous_hook = ProcessUtility_hook;
	ProcessUtility_hook = vectorutility;
}
