# Builds of diskann: recall of every operator class, with each storage and number of bits, however the segments came to be;
# progress that others see; a build that is cancelled leaves nothing
#
# VECTOR_LONG=1 in the environment: every combination.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'diskann is ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
jit = off
min_parallel_table_scan_size = 0
vector.background_work = off
CONF
$node->start;

sub sql { return $node->safe_psql('postgres', @_); }

# Rows in a few clusters, with distinct distances
my $rows = 1500;
sql("CREATE EXTENSION vector;
	CREATE TABLE items (id int, vector vector(24), halfvec halfvec(24), bf16vec bf16vec(24), int8vec int8vec(24));
	CREATE FUNCTION place(id bigint) RETURNS real[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
		\$\$SELECT array_agg((hashint8extended(id % 20, d) & 31) + (hashint8extended(id, d) & 63) - 40)::real[] FROM generate_series(1, 24) d\$\$;
	CREATE TABLE base AS SELECT n AS id, p::vector(24) AS v, p::halfvec(24) AS h, p::bf16vec(24) AS f, p::int8vec(24) AS i
		FROM generate_series(1, $rows) n, LATERAL (SELECT place(n) AS p OFFSET 0) x;
	CREATE TABLE truth (class text, q int, d float8)");
my @types = qw(vector halfvec bf16vec int8vec);
my %operators = (l2 => '<->', ip => '<#>', cosine => '<=>');
my @classes = map { my $type = $_; map { [ $type, $_ ] } qw(l2 ip cosine) } @types;
my @storages = qw(auto none full half sq8);
my @bits = (0, 1, 2, 4, 8);

sub nearest
{
	my ($type, $metric) = @_;
	return "SELECT $type $operators{$metric} place(-q)::$type AS d FROM items ORDER BY $type $operators{$metric} place(-q)::$type LIMIT 10";
}

sql('INSERT INTO items SELECT * FROM base');
sql("INSERT INTO truth SELECT '$_->[0] $_->[1]', q, (SELECT max(d) FROM (" . nearest(@$_) . ') x) FROM generate_series(1, 20) q') foreach @classes;

# How the index gets its segments; each is to have so many in the end.
my %paths = (
	whole => [ 1, "INSERT INTO items SELECT * FROM base; INDEX" ],
	partitioned => [ 1, "INSERT INTO items SELECT * FROM base; SET maintenance_work_mem = '1MB'; INDEX" ],
	merged => [ 1, "INSERT INTO items SELECT * FROM base WHERE id <= 700; INDEX; INSERT INTO items SELECT * FROM base WHERE id > 700;
		SELECT vector_seal('items_v'), vector_merge('items_v')" ],
	grown => [ q([2-9]), "INDEX; INSERT INTO items SELECT * FROM base; SELECT vector_seal('items_v')" ]);
my $n = 0;
foreach my $class (@classes)
{
	my ($type, $metric) = @$class;
	foreach my $path (sort keys %paths)
	{
		my @tried = $ENV{VECTOR_LONG} ? (0 .. @storages * @bits - 1) : ($n++ % (@storages * @bits));
		foreach my $number (@tried)
		{
			my ($storage, $bits) = ($storages[$number % @storages], $bits[$number / @storages]);
			my ($segments, $script) = @{ $paths{$path} };
			my $index = "CREATE INDEX items_v ON items USING diskann ($type ${type}_${metric}_ops) WITH (storage = $storage, bits = $bits, seal_rows = 300)";
			my $out = sql("SET client_min_messages = error; TRUNCATE items; DROP INDEX IF EXISTS items_v; " . $script =~ s/INDEX/$index/r . ";
				SET enable_seqscan = off;
				SELECT 'sound', vector_index_check('items_v'), count(*) FROM vector_index_segments('items_v') WHERE kind = 'sealed';
				SELECT 'found', count(*) FROM truth t, LATERAL (" . nearest($type, $metric) . ") x
					WHERE class = '$type $metric' AND x.d <= t.d + 1e-6 * abs(t.d)");
			my $what = "$type $metric, $path, storage $storage, $bits bits";
			like($out, qr/^sound\|$rows\|$segments$/m, "$what: sound");
			# with so few dimensions, fifty rows compared do not always make up for a bit or two
			cmp_ok($out =~ /^found\|(\d+)$/m ? $1 : 0, '>=', $bits == 1 || $bits == 2 ? 175 : 190, "$what: recall");
		}
	}
}

# Watches the build of an index from another session: phases and counters are kept in the table seen, and the build is
# cancelled when a phase has come that is given.
sql("TRUNCATE items; DROP INDEX items_v; ALTER TABLE items SET (parallel_workers = 2); CREATE TABLE seen (n serial, phase text, done int, total int);
	INSERT INTO items (id, vector) SELECT n, place(n) FROM generate_series(1, 4000) n;
	CREATE PROCEDURE watch(stop text DEFAULT 'none') LANGUAGE plpgsql SET client_min_messages = error AS \$\$
	DECLARE
		now record;
		before record;
		met boolean := false;
	BEGIN
		LOOP
			PERFORM pg_stat_clear_snapshot();
			SELECT * INTO now FROM pg_stat_progress_create_index WHERE relid = 'items'::regclass;
			EXIT WHEN met AND NOT FOUND;
			CONTINUE WHEN NOT FOUND;
			met := true;
			IF before IS DISTINCT FROM now THEN
				INSERT INTO seen (phase, done, total) VALUES (now.phase, now.tuples_done, now.tuples_total);
			END IF;
			before := now;
			IF now.phase LIKE '%' || stop THEN
				PERFORM pg_cancel_backend(now.pid);
			END IF;
		END LOOP;
	END \$\$");
my %memory = ('in memory' => '64MB', partitioned => '1MB');

sub watch
{
	my ($workers, $memory, $stop) = @_;
	my ($out, $error) = ('', '');

	sql('TRUNCATE seen');
	my $watcher = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "CALL watch('$stop')" ], '>', \$out, '2>', \$out);
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'CALL watch%' AND state = 'active'");
	(undef, undef, $error) = $node->psql('postgres', "SET client_min_messages = error; SET maintenance_work_mem = '$memory{$memory}';
		SET max_parallel_maintenance_workers = $workers;
		CREATE INDEX items_w ON items USING diskann (vector vector_l2_ops) WITH (search_list_size = 400, num_neighbors = 20)");
	$watcher->finish;
	is($out, '', 'watched');
	return $error;
}

foreach my $workers (0, 2)
{
	foreach my $memory (sort keys %memory)
	{
		my $name = "$workers workers, $memory";

		is(watch($workers, $memory, 'none'), '', "$name: built");
		is(sql("SELECT count(*) FROM seen WHERE phase = 'building index: building graph' AND done > 0"), sql("SELECT greatest(count(*), 2) FROM seen
			WHERE phase = 'building index: building graph' AND done BETWEEN 1 AND total"), "$name: the graph is seen to grow");
		is(sql("SELECT count(*) FROM (SELECT phase, done, total, lag(phase) OVER w AS phase_before, lag(done) OVER w AS done_before, lag(total) OVER w AS total_before
			FROM seen WINDOW w AS (ORDER BY n)) s WHERE phase = phase_before AND total = total_before AND done < done_before"), 0, "$name: and never to shrink")
		  if $memory eq 'in memory';
		is(sql("SELECT string_agg(DISTINCT phase, ', ') FROM seen
			WHERE phase !~ '^building index(: (initializing|loading tuples|building graph|writing segment))?\$|^initializing\$'"), '', "$name: phases");
		is(sql("SELECT vector_index_check('items_w'); DROP INDEX items_w"), 4000, "$name: sound");
		like(watch($workers, $memory, 'building graph'), qr/canceling statement due to user request/, "$name: cancelled");
		is(sql("SELECT count(*) FROM pg_class WHERE relname = 'items_w'; SELECT count(*) FROM pg_ls_tmpdir()"), "0\n0", "$name: nothing is left");
	}
}

# a merge that is cancelled leaves the segments as they were
sql("CREATE INDEX items_w ON items USING diskann (vector vector_l2_ops) WITH (seal_rows = 4000, search_list_size = 40);
	INSERT INTO items (id, vector) SELECT n, place(n) FROM generate_series(4001, 8000) n; SELECT vector_seal('items_w')");
my $holder = $node->background_psql('postgres');
$holder->query_safe('SELECT pg_advisory_lock(0, 4711)');
foreach my $place ('reserved', 'grow', 'flip')
{
	my (undef, undef, $error) = $node->psql('postgres', "SET vector.wait_point = '$place'; SET statement_timeout = '2s'; SELECT vector_merge('items_w')");
	like($error, qr/canceling statement due to statement timeout/, "a merge, cancelled at $place");
	is(sql("SELECT vector_index_check('items_w'); SELECT string_agg(kind || ' ' || rows, ', ' ORDER BY kind, rows) FROM vector_index_segments('items_w') WHERE kind <> 'growing'"),
		"8000\nsealed 4000, sealed 4000", "after $place");
}
$holder->quit;
is(sql("SELECT vector_merge('items_w') > 0; SELECT vector_index_check('items_w'); SELECT count(*) FROM vector_index_segments('items_w') WHERE kind = 'sealed'"),
	"t\n8000\n1", 'and one that goes on');

$node->stop;
done_testing();
