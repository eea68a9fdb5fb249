# Background workers seal and merge, give way to other processes, and are not necessary
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'workers are ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
max_prepared_transactions = 5
max_wal_size = 2GB
log_min_messages = debug1
vector.idle_merge_delay = 0
CONF
$node->start;

sub create
{
	my ($database) = @_;
	create_items($node, 16, $database);
	$node->safe_psql($database, 'ALTER TABLE items ADD note text;
		CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (seal_rows = 500)');
}
create('postgres');

sub sql { return $node->safe_psql('postgres', @_); }

sub set { set_for_all($node, @_) }

sub insert
{
	my ($from, $to) = @_;
	sql("INSERT INTO items SELECT n, place(n) FROM generate_series($from, $to) n");
}

# Waits until a query returns t.
sub until_true
{
	my ($sql, $what) = @_;
	ok($node->poll_query_until('postgres', $sql), $what);
}

my $idle = 'SELECT count(*) = 0 FROM vector_jobs()';
my $unbalanced = "SELECT count(*) FROM (SELECT rows, sum(rows) OVER (ORDER BY rows, segment) - rows AS smaller
	FROM vector_segments() WHERE kind = 'sealed') s WHERE smaller > 0 AND rows <= 10 * smaller";
my $growing = "SELECT coalesce(sum(rows), 0) FROM vector_segments() WHERE kind = 'growing'";
my $sealed = "SELECT count(*) FROM vector_segments() WHERE kind = 'sealed'";

# Every row is in the index, once, and finds itself.
sub sound
{
	my ($name) = @_;
	like(sql("VACUUM items; SELECT count(*), vector_index_check('items_v') FROM items"),
		qr/^(\d+)\|\1$/, "$name: the index is sound and complete");
	is(lost_rows($node, 'id % 7, id', 200), 0, "$name: rows are found");
}

# a few rows are sealed when nothing else is to be done, and fewer do not ask for it, which would have the worker wait again
insert(1, 5);
insert($_, $_) foreach 6 .. 30;
until_true($idle, 'nothing is to be done');
unlike(slurp_file($node->logfile), qr/registering background worker "vector worker"/, 'and no worker was asked for');
insert(31, 31);
until_true("SELECT count(*) = 1 FROM vector_segments() WHERE kind = 'sealed' AND rows = 31", 'few rows are sealed when a worker is idle');
insert(32, 62);
until_true("SELECT ($growing) = 0", 'and the next ones');
set('log_min_messages = warning', 'vector.idle_merge_delay = -1');
insert(63, 93);
until_true($idle, 'the worker ends');
is(sql("$growing"), 31, 'but not where idle work is switched off');
set('vector.idle_merge_delay = 0');
sql('TRUNCATE items');

# segments are sealed without a request
insert(1, 1200);
until_true("SELECT count(*) FILTER (WHERE kind = 'sealed') >= 1 AND
	coalesce(sum(rows) FILTER (WHERE kind = 'growing'), 0) < 500 FROM vector_segments()", 'rows are sealed');
until_true($idle, 'and the worker ends');
sound('sealed');

# and merged, so their number stays small
insert(1200 * $_ + 1, 1200 * $_ + 1200) foreach 1 .. 9;
until_true($idle, 'the workers end');
cmp_ok(sql($sealed), '>=', 1, 'there are sealed segments');
is(sql($unbalanced), 0, 'each of them more than ten times as large as all that are smaller');
cmp_ok(sql($growing), '<', 500 / 16, 'and the last rows are sealed, as no others come');
sound('merged');

# but idle merges do not take place where they are switched off
set('vector.idle_merge_delay = -1');
insert(1200 * $_ + 1, 1200 * $_ + 1200) foreach 10 .. 20;
until_true($idle, 'the workers end again');
cmp_ok(sql($sealed), '<=', 3 * 4, 'few segments of 25200 rows');
cmp_ok(sql($unbalanced), '>=', 1, 'but of like sizes');

# a worker that waits until its job is due takes other jobs, and notices when the time has changed
set('vector.idle_merge_delay = 3600000', 'vector.max_maintenance_workers = 1');
insert(25201, 25800);
my $waits = "SELECT count(*) = 1 FROM vector_jobs() WHERE index = 'items_v'::regclass AND state = 'running' AND phase IS NULL";
until_true($waits, 'a worker waits');
SKIP:
{
	my $group = '/proc/' . sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'vector worker'") . '/autogroup';
	skip 'this kernel does not share out processors among sessions', 1 unless -e $group;
	like(slurp_file($group), qr/nice 5$/, 'its session yields to those of others');
}
sql('CREATE TABLE others (v vector(16));
	CREATE INDEX others_v ON others USING hnsw (v vector_l2_ops) WITH (seal_rows = 500);
	INSERT INTO others SELECT place(n) FROM generate_series(1, 600) n');
until_true("SELECT count(*) = 1 FROM vector_segments() WHERE index = 'others_v'::regclass AND kind = 'sealed'",
	'and leaves for another index');
sql('DROP TABLE others');
insert(25801, 26400);
until_true($waits, 'waits again');
set('vector.idle_merge_delay = 0', 'vector.max_maintenance_workers = 2');
until_true($idle, 'and goes on when it need not wait');
is(sql($unbalanced), 0, 'with a merge');
sql('DELETE FROM items WHERE id > 12000; VACUUM (INDEX_CLEANUP ON) items');
until_true($idle, 'dead rows are left out');
sql('DELETE FROM items WHERE id % 8 = 0; VACUUM (INDEX_CLEANUP ON) items');
until_true($idle, 'the worker ends that VACUUM has asked for');
is(sql('SELECT count(*), sum(dead) FROM vector_segments()' . " WHERE kind = 'sealed'"), '1|0', 'and an eighth of dead rows is left out, too');

# by hand
sql('SET vector.background_work = off; INSERT INTO items SELECT n, place(n) FROM generate_series(12001, 12300) n');
is(sql("SELECT vector_seal('items_v') > 0, vector_merge('items_v') > 1, vector_merge('items_v')"),
	't|t|0', 'sealed and merged by hand');
is(sql($sealed), 1, 'one segment is left');
sound('merged by hand');
sql('SET vector.background_work = off; DELETE FROM items WHERE id % 10 = 0; VACUUM items');
is(sql("SELECT vector_merge('items_v')"), 1, 'a segment with dead rows is written again');
is(sql("SELECT sum(dead) FROM vector_segments()"), 0, 'without them');
sound('written again');

# equal vectors of several segments become one node, and all are found
sql('CREATE TABLE same (id int, v vector(16));
	CREATE INDEX same_v ON same USING hnsw (v vector_l2_ops)');
foreach my $part (0 .. 3)
{
	sql("SET vector.background_work = off; INSERT INTO same SELECT n, place(n % 100) FROM generate_series(300 * $part, 300 * $part + 299) n");
	sql("SELECT vector_seal('same_v')");
}
is(sql("SELECT vector_merge('same_v'), vector_index_check('same_v')"), '4|1200', 'equal vectors are merged');
is(sql('SET enable_seqscan = off; SET hnsw.ef_search = 1000;
	SELECT count(*), count(DISTINCT id), max(d)
	FROM (SELECT id, v <-> place(7) AS d FROM same ORDER BY v <-> place(7) LIMIT 12) x'), '12|12|0',
	'and all of them found');
sql('DROP TABLE same');

# lists, with and without vectors: without rows at first, trained at the first seal and again later
sql('CREATE TABLE listed (id int, v vector(16));
	CREATE INDEX listed_v ON listed USING ivf (v vector_l2_ops) WITH (lists = 8, seal_rows = 500);
	CREATE INDEX listed_w ON listed USING ivf (v vector_cosine_ops)
		WITH (lists = 8, seal_rows = 500, quantizer = sq8, refine = none)');
foreach my $part (0 .. 9)
{
	sql("INSERT INTO listed SELECT n, place(n) FROM generate_series(1000 * $part, 1000 * $part + 999) n;
		DELETE FROM listed WHERE id % 10 = $part");
	sql('VACUUM (INDEX_CLEANUP ON) listed') if $part % 3 == 2;
}
until_true($idle, 'workers seal and merge lists');
sql('VACUUM (INDEX_CLEANUP ON) listed');
until_true($idle, 'and end');
foreach my $index ('v <->', 'w <=>')
{
	my ($name, $operator) = split(/ /, $index);
	is(sql("SET enable_seqscan = off; SET enable_sort = off; SET ivf.iterative_scan = relaxed_order;
		SELECT count(*) = vector_index_check('listed_$name'), count(*) = (SELECT count(DISTINCT id) FROM
			(SELECT id FROM listed ORDER BY v $operator place(7)::vector(16) OFFSET 0) x) FROM listed"), 't|t',
		"lists are sound and complete, and all rows are found by $operator");
	cmp_ok(sql("SELECT count(*) FROM vector_segments()
		WHERE index = 'listed_$name'::regclass AND kind = 'sealed'"), '<=', 9, 'in few segments');
	# codes alone cannot be given to the lists of newer centroids, so those of older ones stay
	is(sql("SELECT count(*) FROM (SELECT rows - dead AS live, sum(rows) OVER (ORDER BY rows, segment) - rows + dead AS change
		FROM vector_segments() WHERE index = 'listed_v'::regclass AND kind = 'sealed') s WHERE change > 0 AND live <= 10 * change"), 0,
		'the largest of them more than ten times as large as all others') if $name eq 'v';
}
# a segment that was being built when centroids were trained has the older ones until it is merged
sql("SELECT vector_merge('listed_v')");
is(sql("SELECT count(*) FROM vector_segments()
	WHERE index = 'listed_v'::regclass AND kind = 'centroids'"), 1, 'and one set of centroids is left');
sql('DROP TABLE listed');

# an error is reported, and nothing is lost
set('temp_file_limit = 64');
# how many rows make enough segments for a merge depends on when the worker arrives
my $failed = "SELECT count(*) = 1 FROM vector_jobs() WHERE state = 'failed' AND
	last_error LIKE '%temp_file_limit%' AND last_error_at IS NOT NULL";
for (my $id = 13001; $id < 20000 && sql($failed) ne 't'; $id += 700)
{
	insert($id, $id + 699);
	$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM vector_jobs()
		WHERE state IN ('waiting', 'starting', 'running')") or die 'the worker does not come to an end';
}
until_true($failed, 'an error is shown');
sql('CREATE ROLE stranger; CREATE ROLE monitor IN ROLE pg_monitor');
is(sql('SET ROLE stranger; SELECT count(*) FROM vector_jobs()'), 0, 'but not to those who have no rights on the index');
is(sql("SET ROLE monitor; $failed"), 't', 'and to those who monitor the server');
sound('after an error');
set('temp_file_limit = -1');

# if workers are switched off, or there are no slots, VACUUM and the inserting sessions do the work
set('vector.background_work = off');
insert(23001, 26000);
is(sql("SELECT count(*) FROM vector_jobs() WHERE state <> 'failed'"), 0, 'switched off: no job');
cmp_ok(sql($growing), '<=', 1000,
	'switched off: sealed all the same');
sound('switched off');
set('vector.background_work = on', 'max_worker_processes = 0');
$node->restart;
is(sql('SELECT count(*) FROM vector_jobs()'), 0, 'jobs do not outlive the server');
insert(27001, 30000);
cmp_ok(sql($growing), '<=', 1000,
	'no slots: sealed all the same');
is(sql("SELECT count(*) FROM vector_jobs() WHERE state IN ('waiting', 'starting')"), 0, 'no slots: nothing waits');
sound('no slots');
set('max_worker_processes = 8');

# the launcher of a preloaded library finds remaining work, in all databases
set('vector.background_work = off');
sql('CREATE DATABASE other');
create('other');
$node->safe_psql('other', 'SET vector.background_work = off;
	INSERT INTO items SELECT n, place(n) FROM generate_series(1, 900) n');
insert(31001, 31900);
sub growing { $node->safe_psql($_[0], "SELECT coalesce(sum(rows), 0) >= 900 FROM vector_segments() WHERE kind = 'growing'") }
my $looked = "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'vector launcher' AND wait_event = 'Extension'";
set("shared_preload_libraries = 'vector'");
$node->restart;
until_true($looked, 'the launcher has looked');
is(sql('SELECT count(*) FROM vector_jobs()'), 0, 'switched off: the launcher asks for no work');
is(growing('other'), 't', 'switched off: nothing is sealed');
set('vector.background_work = on');
sql('ALTER DATABASE other SET vector.background_work = off');
$node->restart;
until_true($looked, 'the launcher has looked again');
until_true($idle, 'and workers have ended');
is(growing('postgres'), 'f', 'switched off in one database: the other is sealed');
is(growing('other'), 't', 'switched off in one database: it is not');
sql('ALTER DATABASE other RESET vector.background_work');
$node->restart;
foreach my $database ('postgres', 'other')
{
	ok($node->poll_query_until($database, "SELECT sum(rows) FILTER (WHERE kind = 'growing') < 500 OR
		bool_and(kind <> 'growing') FROM vector_segments()"), "the launcher has $database sealed");
}
is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'vector launcher'"), 1,
	'the launcher stays');
sound('after the launcher');

# prepared transactions
sql("BEGIN; INSERT INTO items SELECT n, place(n) FROM generate_series(32001, 32600) n;
	SELECT vector_seal('items_v'); PREPARE TRANSACTION 'one'");
sql("SELECT vector_seal('items_v')");
is(sql("SELECT count(*) FROM items WHERE id > 32000"), 0, 'prepared rows are not seen');
sql("COMMIT PREPARED 'one'");
sound('prepared');

# savepoints that are rolled back leave no rows to be found
sql("BEGIN; SAVEPOINT a; INSERT INTO items SELECT n, place(n) FROM generate_series(33001, 34600) n;
	ROLLBACK TO a; INSERT INTO items SELECT n, place(n) FROM generate_series(33001, 33100) n; COMMIT");
until_true($idle, 'after a rollback the workers end');
sound('rolled back');

# privileges
sql("CREATE ROLE somebody; GRANT SELECT ON items TO somebody");
foreach my $function ('vector_seal', 'vector_merge')
{
	my ($code, $out, $error) = $node->psql('postgres', "SET ROLE somebody; SELECT $function('items_v')");
	like($error, qr/must be owner of index items_v/, "$function is the owner's");
}

SKIP:
{
	skip 'not compiled with wait points', 1 unless has_wait_points($node);

	# sessions of this test do not stop at the places where workers wait
	local $ENV{PGOPTIONS} = '-c vector.wait_point=';
	my $gate = $node->background_psql('postgres');
	my $workers = "FROM pg_stat_activity WHERE backend_type = 'vector worker'";

	sub close_gate { $_[0]->query_safe('SELECT pg_advisory_lock(0, 4711)') }

	# Lets a worker run to a place where it waits: for the gate, or until it has to give way.
	sub stop_worker
	{
		my ($place, $gate) = @_;
		until_true($idle, 'workers are idle');
		close_gate($gate) if $gate;
		set("vector.wait_point = '$place'");
		sql("INSERT INTO items SELECT n, place(n)
			FROM (SELECT (SELECT max(id) FROM items) + generate_series(1, 700) AS n) x");
		until_true("SELECT count(*) = 1 FROM vector_segments() WHERE kind = 'reserved' AND EXISTS (SELECT FROM pg_stat_activity
			WHERE backend_type = 'vector worker' AND wait_event = 'PgSleep')", "a worker stops at $place");
	}
	sub open_gate { $_[0]->query_safe('SELECT pg_advisory_unlock(0, 4711)') }

	# rows that die while their segment is being replaced stay dead
	stop_worker('flip', $gate);
	my @gone = split /\n/, sql('DELETE FROM items WHERE id > (SELECT max(id) - 650 FROM items)
		AND id % 2 = 0 RETURNING id');
	sql('VACUUM (INDEX_CLEANUP ON) items');
	open_gate($gate);
	until_true($idle, 'the segment is published');
	is(sql("SET enable_seqscan = off; SET hnsw.ef_search = 200; SELECT count(*) FROM
		unnest(ARRAY[" . join(',', @gone) . "]) g(id), LATERAL (SELECT id FROM items
		ORDER BY v <-> place(g.id) LIMIT 1) x WHERE x.id = g.id"), 0, 'deleted rows are not found');
	sound('deleted before a flip');

	# a segment that is published between VACUUM's passes is vacuumed as well
	stop_worker('flip', $gate);
	sql('DELETE FROM items WHERE id % 3 = 0');
	# what another process still sees, VACUUM leaves
	until_true('SELECT count(*) = 0 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)',
		'no snapshot is older');
	my $vacuum = $node->background_psql('postgres');
	$vacuum->query_safe("LOAD 'vector'; SET vector.wait_point = 'bury'");
	$vacuum->query_until(qr/begun/, "\\echo begun\nVACUUM (INDEX_CLEANUP ON) items;\n");
	until_true("SELECT count(*) = 1 FROM pg_stat_activity
		WHERE query LIKE 'VACUUM (INDEX%' AND wait_event = 'PgSleep'", 'VACUUM stops amid a segment');
	open_gate($gate);
	$vacuum->quit;
	until_true($idle, 'the worker ends, too');
	sound('published amid VACUUM');

	# an append to a segment that is closed meanwhile goes to another segment
	insert(200001, 200003);
	close_gate($gate);
	my $insert = $node->background_psql('postgres');
	$insert->query_safe("LOAD 'vector'; SET vector.wait_point = 'append'");
	$insert->query_until(qr/begun/,
		"\\echo begun\nINSERT INTO items SELECT n, place(n) FROM generate_series(200004, 200005) n;\n");
	until_true("SELECT count(*) = 1 FROM pg_stat_activity
		WHERE query LIKE 'INSERT INTO items%' AND wait_event = 'PgSleep'", 'an insert stops before it appends');
	cmp_ok(sql("SELECT vector_seal('items_v')"), '>', 0, 'the segment is sealed');
	open_gate($gate);
	$insert->quit;
	sound('closed before an append');

	# blocks that a killed builder had reserved are free again
	stop_worker('reserved', $gate);
	my $before = sql("SELECT segment FROM vector_segments() WHERE kind = 'reserved'");
	sql("SELECT pg_terminate_backend(pid, 10000) $workers");
	open_gate($gate);
	sql("INSERT INTO items SELECT n, place(n) FROM generate_series(210001, 210700) n");
	until_true($idle, 'the next worker goes on');
	is(sql("SELECT count(*) FROM vector_segments() WHERE segment = $before"), 0,
		'nothing stays reserved by who was killed');
	sound('killed');

	# a cancelled step leaves nothing behind
	foreach my $place ('reserved!', 'flip!')
	{
		sql("SET vector.background_work = off; INSERT INTO items SELECT n, place(n) FROM (SELECT (SELECT max(id) FROM items)
			+ generate_series(1, 50) AS n) x");
		foreach my $function ('vector_seal', 'vector_merge')
		{
			my ($code, $out, $error) = $node->psql('postgres', "LOAD 'vector'; SET vector.wait_point = '$place';
				SET statement_timeout = '300ms'; SELECT $function('items_v')");
			like($error, qr/statement timeout/, "$function is cancelled at $place");
			sql("SELECT $function('items_v')");
			is(sql("SELECT count(*) FROM vector_segments() WHERE kind = 'reserved'"), 0, 'and leaves nothing');
		}
	}
	sound('cancelled');

	# a backend builds at the same time as a worker
	stop_worker('reserved', $gate);
	sql("SET vector.background_work = off; INSERT INTO items
		SELECT n, place(n) FROM generate_series(220001, 223000) n");
	is(sql("SELECT count(*) FROM vector_segments() WHERE kind = 'reserved'"), 1,
		'what is reserved stays so while its builder lives');
	open_gate($gate);
	until_true($idle, 'both come to an end');
	sound('two builders');

	# every process gets the lock that it waits for, while a worker is in the middle of its work
	foreach my $ddl ('REINDEX INDEX items_v', 'REINDEX INDEX CONCURRENTLY items_v',
		'CREATE INDEX CONCURRENTLY items_w ON items USING hnsw (v vector_cosine_ops)',
		'DROP INDEX CONCURRENTLY items_w', 'ALTER INDEX items_v SET (seal_rows = 501)',
		"SELECT vector_seal('items_v')", 'VACUUM FULL items', 'TRUNCATE items')
	{
		stop_worker('flip', $gate);
		my ($code, $out, $error) = $node->psql('postgres', "SET statement_timeout = '30s';\n$ddl");
		is($error, '', "a worker gives way to $ddl");
		open_gate($gate);
		insert(1, 2000) if $ddl =~ /TRUNCATE/;
		sound("after $ddl");
	}
	$gate->quit;
	foreach my $ddl ('CREATE DATABASE copy TEMPLATE postgres', 'DROP DATABASE postgres')
	{
		stop_worker('flip!');
		my ($code, $out, $error) = $node->psql('other', $ddl);
		is($error, '', "a worker gives way to $ddl");
	}
}

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|gives way/, 'nothing bad in the log');
done_testing();
