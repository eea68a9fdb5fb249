/*
 * pg_compat.h - the differences between PostgreSQL 15 and 19 that the code meets
 */
#ifndef VECTOR_PG_COMPAT_H
#define VECTOR_PG_COMPAT_H

#include "postgres.h"
#include "fmgr.h"

#if PG_VERSION_NUM < 150000
#error "vector needs PostgreSQL 15 or later"
#endif

#include "access/toast_internals.h"
#if PG_VERSION_NUM >= 160000
/* names of temporary files, which storage/fd.h has before */
#include "common/file_utils.h"
#include "nodes/miscnodes.h"
#include "varatt.h"
#else
/* Errors that a caller may want returned instead of thrown exist from 16 on. */
#define errsave(escontext, ...) \
	do { \
		(void) (escontext); \
		ereport(ERROR, __VA_ARGS__); \
	} while (0)
#define ereturn(escontext, value, ...) \
	do { \
		errsave(escontext, __VA_ARGS__); \
		return value; \
	} while (0)
#endif

/* A relation's file, as the buffer manager names it. */
#if PG_VERSION_NUM >= 160000
#define RelationGetLocator(rel)	((rel)->rd_locator)
#define RelationGetFile(rel)	((rel)->rd_locator.relNumber)
#else
#define RelationGetLocator(rel)	((rel)->rd_node)
#define RelationGetFile(rel)	((rel)->rd_node.relNode)
#endif

/* What an operator means to the access methods that sort. */
#if PG_VERSION_NUM >= 180000
#define get_op_btree_interpretation(operator)	get_op_index_interpretation(operator)
#endif

/* What block a buffer has. */
#if PG_VERSION_NUM >= 160000
#define init_buffer_tag(tag, rel, fork, block) \
	InitBufferTag(tag, &RelationGetLocator(rel), fork, block)
#define buffer_tags_equal(a, b)	BufferTagsEqual(a, b)
#else
#define init_buffer_tag(tag, rel, fork, block) \
	INIT_BUFFERTAG(*(tag), RelationGetLocator(rel), fork, block)
#define buffer_tags_equal(a, b)	BUFFERTAGS_EQUAL(*(a), *(b))
#endif

/* The last argument of ExecutorRun, before 18. */
#if PG_VERSION_NUM >= 180000
#define EXECUTOR_RUN_ONCE
#define EXECUTOR_RUN_PASS_ONCE
#else
#define EXECUTOR_RUN_ONCE		, bool execute_once
#define EXECUTOR_RUN_PASS_ONCE	, execute_once
#endif

/* The parameters of an access method's amestimateparallelscan. */
#if PG_VERSION_NUM >= 180000
#define ESTIMATE_PARALLEL_PARAMETERS	Relation index, int nkeys, int norderbys
#elif PG_VERSION_NUM >= 170000
#define ESTIMATE_PARALLEL_PARAMETERS	int nkeys, int norderbys
#else
#define ESTIMATE_PARALLEL_PARAMETERS	void
#endif

/* Intervals are always finite before 17; needs utils/timestamp.h. */
#if PG_VERSION_NUM < 170000
#define INTERVAL_NOT_FINITE(interval)	((void) (interval), false)
#endif

/* Names in a text; needs utils/regproc.h. */
#if PG_VERSION_NUM >= 160000
#define qualified_name_list(text)	stringToQualifiedNameList(text, NULL)
#else
#define qualified_name_list(text)	stringToQualifiedNameList(text)
#endif

/* Reading many blocks ahead exists from 17 on. */
#if PG_VERSION_NUM >= 180000
#define READ_STREAM_FLAGS	(READ_STREAM_FULL | READ_STREAM_USE_BATCHING)
#elif PG_VERSION_NUM >= 170000
#define READ_STREAM_FLAGS	READ_STREAM_FULL
#endif

/* The snapshot to read a TOAST table by. */
#if PG_VERSION_NUM < 180000
#define get_toast_snapshot()	toast_snapshot(&(SnapshotData) {0})
static inline Snapshot
toast_snapshot(Snapshot snapshot)
{
	init_toast_snapshot(snapshot);
	return snapshot;
}
#endif

/* A module's name and version are shown by pg_get_loaded_modules() from 18 on. */
#if PG_VERSION_NUM >= 180000
#define VECTOR_MODULE_MAGIC	PG_MODULE_MAGIC_EXT(.name = "vector", .version = "1.0")
#else
#define VECTOR_MODULE_MAGIC	PG_MODULE_MAGIC
#endif

/* The table that an index belongs to, in versions that pass it to VACUUM. */
#if PG_VERSION_NUM >= 160000
#define VACUUM_HEAP(info)	((info)->heaprel)
#else
#define VACUUM_HEAP(info)	NULL
#endif

/* The hook that is called once the indexes of a table are known. */
#if PG_VERSION_NUM >= 190000
#define TABLE_HOOK_TYPE		build_simple_rel_hook_type
#define TABLE_HOOK			build_simple_rel_hook
#define TABLE_HOOK_PARAMS	PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte
#define TABLE_HOOK_ARGS		root, rel, rte
#else
#define TABLE_HOOK_TYPE		get_relation_info_hook_type
#define TABLE_HOOK			get_relation_info_hook
#define TABLE_HOOK_PARAMS	PlannerInfo *root, Oid relation, bool inhparent, RelOptInfo *rel
#define TABLE_HOOK_ARGS		root, relation, inhparent, rel
#endif

/* copyObject of 19 uses a word of C23, which compilers have under another name in C11. */
#if PG_VERSION_NUM >= 190000 && defined(HAVE_TYPEOF_UNQUAL) && !defined(typeof_unqual) && \
	__STDC_VERSION__ < 202311L
#define typeof_unqual __typeof_unqual__
#endif

/* The children that run-time pruning leaves; needs executor/execPartition.h. */
#if PG_VERSION_NUM >= 180000
#define find_matching_subplans(state)	ExecFindMatchingSubPlans(state, false, NULL)
#else
#define find_matching_subplans(state)	ExecFindMatchingSubPlans(state, false)
#endif

/*
 * How children of a plan's node are pruned when the query runs, as a Node, or NULL; and the state
 * of that.  Need nodes/value.h and executor/execPartition.h.
 */
#if PG_VERSION_NUM >= 180000
#define pruning_of(plan) \
	((plan)->part_prune_index < 0 ? NULL : (Node *) makeInteger((plan)->part_prune_index))
#define begin_pruning(node, count, pruning, relids, valid) \
	ExecInitPartitionExecPruning(node, count, intVal(pruning), relids, valid)
#else
#define pruning_of(plan)		((Node *) (plan)->part_prune_info)
#define begin_pruning(node, count, pruning, relids, valid) \
	((void) (relids), \
	 ExecInitPartitionPruning(node, count, castNode(PartitionPruneInfo, pruning), valid))
#endif

/* The relations that the last join of a query has; needs nodes/pathnodes.h. */
#if PG_VERSION_NUM >= 160000
#define all_relids(root)	((root)->all_query_rels)
#else
#define all_relids(root)	((root)->all_baserels)
#endif

/* The argument that planner() has after the bound parameters. */
#if PG_VERSION_NUM >= 190000
#define PLANNER_PARAMETER	, ExplainState *es
#define PLANNER_ARGUMENT	, es
#else
#define PLANNER_PARAMETER
#define PLANNER_ARGUMENT
#endif

#if PG_VERSION_NUM >= 180000
#define vacuum_delay_point_compat()	vacuum_delay_point(false)
#else
#define vacuum_delay_point_compat()	vacuum_delay_point()
#endif

#if PG_VERSION_NUM < 170000
#define AmAutoVacuumWorkerProcess()	IsAutoVacuumWorkerProcess()
#endif

#if PG_VERSION_NUM >= 170000
#define lock_held_by_me(tag, mode)	LockHeldByMe(tag, mode, false)
#else
#define lock_held_by_me(tag, mode)	LockHeldByMe(tag, mode)
#endif

/* Whether shared buffers surely are in huge pages; needs storage/pg_shmem.h and utils/guc.h. */
#if PG_VERSION_NUM >= 170000
#define shared_pages_are_huge() \
	(strcmp(GetConfigOption("huge_pages_status", false, false), "on") == 0)
#else
#define shared_pages_are_huge() (huge_pages == HUGE_PAGES_ON)
#endif

/* Shared memory for a library that is not preloaded. */
#if PG_VERSION_NUM >= 190000
#define new_tranche_id(name)		LWLockNewTrancheId(name)
#define register_tranche(id, name)	((void) 0)
#else
#define new_tranche_id(name)		LWLockNewTrancheId()
#define register_tranche(id, name)	LWLockRegisterTranche(id, name)
#endif

/* pg_database.datconnlimit of a database whose DROP DATABASE was interrupted */
#ifndef DATCONNLIMIT_INVALID_DB
#define DATCONNLIMIT_INVALID_DB		-2
#endif

/* A worker's part of a scan of the whole table. */
#if PG_VERSION_NUM >= 190000
#define table_beginscan_parallel_compat(rel, scan)	table_beginscan_parallel(rel, scan, SO_NONE)
#else
#define table_beginscan_parallel_compat(rel, scan)	table_beginscan_parallel(rel, scan)
#endif

/* Fetching rows of a table by the TIDs that an index stores. */
#if PG_VERSION_NUM >= 190000
#define table_index_fetch_begin_compat(rel)		table_index_fetch_begin(rel, SO_NONE)
#else
#define table_index_fetch_begin_compat(rel)		table_index_fetch_begin(rel)
#endif

/* What the i-th backend, from 1 on, does. */
#if PG_VERSION_NUM < 160000
#define pgstat_get_local_beentry_by_index(i)	pgstat_fetch_stat_local_beentry(i)
#endif

/* What a callback is told of which system cache has changed. */
#if PG_VERSION_NUM >= 190000
#define SyscacheNumber	SysCacheIdentifier
#else
#define SyscacheNumber	int
#endif

/* The state of a buffer, read without a lock; to be used where buf_internals.h is included. */
#if PG_VERSION_NUM >= 190000
#define read_buffer_state(descriptor)	pg_atomic_read_u64(&(descriptor)->state)
#else
#define read_buffer_state(descriptor)	pg_atomic_read_u32(&(descriptor)->state)
#endif

/* Rows of several paths by their order. */
#if PG_VERSION_NUM >= 190000
#define create_merge_append_path_compat(root, rel, paths, keys) \
	create_merge_append_path(root, rel, paths, NIL, keys, NULL)
#else
#define create_merge_append_path_compat(root, rel, paths, keys) \
	create_merge_append_path(root, rel, paths, keys, NULL)
#endif

/* Whether a role has a right to a foreign server, a database or a relation. */
#if PG_VERSION_NUM >= 160000
#define foreign_server_aclcheck_compat(server, role, mode) \
	object_aclcheck(ForeignServerRelationId, server, role, mode)
#define foreign_server_ownercheck_compat(server, role) \
	object_ownercheck(ForeignServerRelationId, server, role)
#define database_allows(mode) \
	(object_aclcheck(DatabaseRelationId, MyDatabaseId, GetUserId(), mode) == ACLCHECK_OK)
#define relation_ownercheck(relation, role) \
	object_ownercheck(RelationRelationId, relation, role)
#else
#define foreign_server_aclcheck_compat(server, role, mode) \
	pg_foreign_server_aclcheck(server, role, mode)
#define foreign_server_ownercheck_compat(server, role)	pg_foreign_server_ownercheck(server, role)
#define database_allows(mode) \
	(pg_database_aclcheck(MyDatabaseId, GetUserId(), mode) == ACLCHECK_OK)
#define relation_ownercheck(relation, role)	pg_class_ownercheck(relation, role)
#endif

#endif							/* VECTOR_PG_COMPAT_H */
