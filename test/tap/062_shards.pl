# A table divided among four servers by postgres_fdw: each is sent the LIMIT, all are asked at the same time, and the
# answer is that of one server
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @nodes;
foreach my $i (0 .. 3)
{
	my $node = PostgreSQL::Test::Cluster->new("shard$i");
	$node->init;
	$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nmax_parallel_workers_per_gather = 0\nvector.background_work = off\n");
	$node->start;
	plan skip_all => 'postgres_fdw is not installed'
	  unless $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'");
	$node->safe_psql('postgres', q{
		CREATE EXTENSION vector;
		CREATE TABLE items (id int, tag int, v vector(16));
		CREATE VIEW effort AS SELECT current_setting('hnsw.ef_search') || ' ' || current_setting('cursor_tuple_fraction') AS settings FROM (SELECT '[1]'::vector) AS loaded});
	push @nodes, $node;
}
# the first is also the one that is asked, and has all rows in one table
my $hub = $nodes[0];
$hub->safe_psql('postgres', q{
	CREATE EXTENSION postgres_fdw;
	CREATE TABLE parts (id int, tag int, v vector(16)) PARTITION BY HASH (id)});
foreach my $i (0 .. 3)
{
	my ($host, $port) = ($nodes[$i]->host, $nodes[$i]->port);
	$hub->safe_psql('postgres', qq{
		CREATE SERVER shard$i FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres',
			extensions 'vector', batch_size '500', options '-c hnsw.ef_search=120 -c cursor_tuple_fraction=0.001');
		CREATE USER MAPPING FOR CURRENT_USER SERVER shard$i;
		CREATE FOREIGN TABLE parts_$i PARTITION OF parts FOR VALUES WITH (MODULUS 4, REMAINDER $i)
			SERVER shard$i OPTIONS (table_name 'items');
		CREATE FOREIGN TABLE effort_$i (settings text) SERVER shard$i OPTIONS (table_name 'effort')});
}
$hub->safe_psql('postgres', q{
	SELECT setseed(0.4);
	CREATE TABLE whole AS SELECT n AS id, n % 7 AS tag,
		ARRAY(SELECT random() + sin(n % 50 * j) FROM generate_series(1, 16) j WHERE n > 0)::vector(16) AS v FROM generate_series(1, 3000) n;
	INSERT INTO whole SELECT 7000 + n, 1, v FROM whole, generate_series(1, 3) n WHERE id = 100;
	INSERT INTO whole VALUES (8000, 1, NULL);
	INSERT INTO parts SELECT * FROM whole;
	ANALYZE parts;
	CREATE FUNCTION is_odd(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN $1 % 2 = 1; END';
	-- the same query of both tables for some vectors: how many differ in the distances found
	CREATE FUNCTION differ(query text, OUT queries bigint, OUT rows bigint, OUT wrong bigint) LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE format('SELECT count(*), sum(cardinality(p)), count(*) FILTER (WHERE p IS DISTINCT FROM w)
			FROM (SELECT ARRAY(SELECT d FROM (%s) s) AS p, ARRAY(SELECT d FROM (%s) s) AS w FROM whole q WHERE id %% 300 = 100) s',
			replace(query, 'ITEMS', 'parts'), replace(query, 'ITEMS', 'whole')) INTO queries, rows, wrong;
	END $$});

sub plan_of
{
	my ($query, @settings) = @_;
	my $set = join '', map {"SET $_;"} @settings;

	$query = "EXPLAIN (VERBOSE, COSTS OFF) $query" unless $query =~ /EXPLAIN/;
	return $hub->safe_psql('postgres', "$set $query");
}

my $v = $hub->safe_psql('postgres', 'SELECT v FROM whole WHERE id = 100');
my $search = "SELECT id FROM parts ORDER BY v <-> '$v' LIMIT 10";

sub limits
{
	my ($plan) = @_;

	return scalar(() = $plan =~ /Remote SQL: .*ORDER BY.*LIMIT/g);
}

is(limits(plan_of($search)), 4, 'each server is sent the limit');
like(plan_of($search), qr/Merge Append/, 'their rows are merged');
is(limits(plan_of($search, 'vector.enable_foreign_limit = off')), 0, 'not by the setting');
is(limits(plan_of("SELECT id, v <-> '$v' FROM parts WHERE tag = 3 ORDER BY v <-> '$v', id LIMIT 10")), 4, 'with a condition and two keys');
is(limits(plan_of("SELECT id FROM parts WHERE id = 100 ORDER BY v <-> '$v' LIMIT 10")), 1, 'of one partition');
is(limits(plan_of("PREPARE p (vector, bigint) AS SELECT id FROM parts ORDER BY v <-> \$1 LIMIT \$2; "
	. "EXPLAIN (VERBOSE, COSTS OFF) EXECUTE p ('$v', 10)", 'plan_cache_mode = force_generic_plan')), 4, 'of a generic plan');
is($hub->safe_psql('postgres', "SET plan_cache_mode = force_generic_plan;
	PREPARE p (vector, bigint) AS SELECT id FROM parts ORDER BY v <-> \$1, id LIMIT \$2;
	EXECUTE p ('$v', 3); EXECUTE p ('$v', 1)"), "100\n7001\n7002\n100", 'as many rows as a generic plan is told');
foreach my $query ("SELECT id FROM parts WHERE is_odd(id) ORDER BY v <-> '$v' LIMIT 10",
	"SELECT DISTINCT tag FROM (SELECT tag, v FROM parts OFFSET 0) s LIMIT 3",
	"SELECT id FROM parts ORDER BY v <-> '$v' OFFSET 5 LIMIT 10",
	"SELECT id FROM parts ORDER BY v <-> '$v' FETCH FIRST 3 ROWS WITH TIES",
	"SELECT id FROM parts ORDER BY id LIMIT 10",
	"SELECT tag, min(v <-> '$v') FROM parts GROUP BY tag ORDER BY min(v <-> '$v') LIMIT 3",
	"SELECT DISTINCT v <-> '$v' FROM parts ORDER BY v <-> '$v' LIMIT 3",
	"SELECT p.id FROM parts p JOIN whole w ON w.id = p.id AND w.tag = 5 ORDER BY p.v <-> '$v' LIMIT 10",
	"SELECT rank() OVER (ORDER BY tag), id FROM parts ORDER BY v <-> '$v' LIMIT 10",
	"SELECT generate_series(1, tag) FROM parts ORDER BY v <-> '$v' LIMIT 10")
{
	is(limits(plan_of($query)), 0, "not sent: $query");
}

# the distance comes in place of the vectors
sub distances
{
	my ($plan) = @_;

	return scalar(() = $plan =~ /Remote SQL: SELECT (?:(?!v, )\w+, )*\(v OPERATOR.*\) AS "\?distance\?" FROM public.items .*ORDER BY \d ASC/g);
}

foreach my $query ($search,
	"SELECT id, v <-> '$v', 1 / (v <-> '$v') FROM parts WHERE tag = 3 ORDER BY v <-> '$v', id LIMIT 10",
	"SELECT v <-> '$v' FROM parts ORDER BY v <-> '$v' LIMIT 10",
	"SELECT w.tag FROM (SELECT id, tag FROM parts ORDER BY v <-> '$v' LIMIT 10) p JOIN whole w ON w.id = p.id AND w.tag = p.tag")
{
	is(distances(plan_of($query)), 4, "the distance is returned: $query");
}
is(distances(plan_of("PREPARE p (vector, bigint) AS SELECT id FROM parts ORDER BY v <-> \$1 LIMIT \$2; "
	. "EXPLAIN (VERBOSE, COSTS OFF) EXECUTE p ('$v', 10)", 'plan_cache_mode = force_generic_plan')), 4, 'of a parameter');
like(plan_of("SELECT id, v FROM parts ORDER BY v <-> '$v' LIMIT 10"), qr/Remote SQL: SELECT id, v, \(v OPERATOR.* ORDER BY 3 /, 'beside the vector that is wanted');
foreach my $query ("SELECT tableoid::regclass, id FROM parts ORDER BY v <-> '$v' LIMIT 10",
	"SELECT parts FROM parts ORDER BY v <-> '$v' LIMIT 10",
	"UPDATE whole SET tag = 1 FROM (SELECT id FROM parts ORDER BY v <-> '$v' LIMIT 10) p WHERE p.id = whole.id",
	"SELECT whole.id FROM whole JOIN (SELECT id FROM parts ORDER BY v <-> '$v' LIMIT 10) p ON p.id = whole.id FOR UPDATE OF whole")
{
	my $plan = plan_of($query);

	is(distances($plan) . limits($plan), '04', "the vector is returned: $query");
}
# a first key that has one value by a condition is not sent
my $one_value = "SELECT id, v <-> '$v' FROM parts WHERE v <-> '$v' = 0 ORDER BY v <-> '$v', v <=> '[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]', id LIMIT 3";
is(distances(plan_of($one_value)) . limits(plan_of($one_value)), '04', 'the vector is returned where another key is sent first');
is($hub->safe_psql('postgres', $one_value), "100|0\n7001|0\n7002|0", 'and the distance is that of the query');
# of a table and columns with difficult names, and a dropped column
$nodes[1]->safe_psql('postgres', q{
	CREATE TABLE "a, ""b"" FROM (c" ("x FROM ""y"", ORDER BY 'z" int, """ ASC" text, "v ASC, (" vector(2));
	INSERT INTO "a, ""b"" FROM (c" SELECT n, n, ARRAY[n, 0] FROM generate_series(1, 9) n});
$hub->safe_psql('postgres', q{
	CREATE FOREIGN TABLE odd_part (dropped int, "?distance?" int OPTIONS (column_name 'x FROM "y", ORDER BY ''z'),
		note text OPTIONS (column_name '" ASC'), v vector(2) OPTIONS (column_name 'v ASC, ('))
		SERVER shard1 OPTIONS (table_name 'a, "b" FROM (c');
	ALTER TABLE odd_part DROP COLUMN dropped;
	CREATE TABLE odd ("?distance?" int, note text, v vector(2)) PARTITION BY LIST (note);
	ALTER TABLE odd ATTACH PARTITION odd_part DEFAULT});
my $odd = q{SELECT "?distance?", note FROM odd WHERE note <> E'\\\\'' DESC ("' ORDER BY v <-> '[6.5,0]', note LIMIT 3};
is($hub->safe_psql('postgres', $odd), "6|6\n7|7\n5|5", 'difficult names');
like(plan_of($odd), qr/SELECT "x FROM ""y"", ORDER BY 'z", """ ASC", \("v ASC, \(" .* AS "\?distance\?" FROM .* ORDER BY 3 ASC NULLS LAST, """ ASC" ASC/,
	'and the distance is returned');

foreach my $async (0, 1)
{
	if ($async)
	{
		$hub->safe_psql('postgres', join '', map {"ALTER SERVER shard$_ OPTIONS (ADD async_capable 'true');"} 0 .. 3);
		my $plan = plan_of($search);
		like($plan, qr/Vector Foreign Append/, 'the servers are asked at the same time');
		is(limits($plan), 4, 'with the limit');
		is(distances($plan), 4, 'for the distance');
		$plan = plan_of($search, 'vector.enable_foreign_append = off');
		is(scalar(() = $plan =~ /Async Foreign Scan/g), 4, 'by cursors');
		is(limits($plan), 4, 'with the limit, too');
		is(distances($plan), 4, 'for the distance, too');
		unlike(plan_of($search, 'enable_async_append = off'), qr/Async|Foreign Append/, 'not by the setting of PostgreSQL');
		unlike(plan_of("SELECT id FROM parts ORDER BY v <-> '$v'"), qr/LIMIT/, 'all rows');
	}
	my %queries = (
		'v <-> q.v AS d FROM ITEMS ORDER BY d LIMIT 10' => 10,
		'v <=> q.v AS d FROM ITEMS WHERE tag IN (1, 5) ORDER BY v <=> q.v, id LIMIT 10' => 10,
		'v <-> q.v AS d FROM ITEMS WHERE is_odd(id) ORDER BY d LIMIT 10' => 10,
		'v <-> q.v AS d FROM ITEMS ORDER BY d OFFSET 5 LIMIT 10' => 10,
		'v <-> q.v AS d FROM ITEMS ORDER BY d FETCH FIRST 2 ROWS WITH TIES' => undef,
		'v <-> q.v AS d FROM ITEMS ORDER BY v <-> q.v LIMIT 10000' => undef,
		'v <-> q.v AS d FROM ITEMS ORDER BY v <-> q.v DESC LIMIT 10' => 10,
		'1 - (v <=> q.v) AS d FROM ITEMS ORDER BY v <=> q.v LIMIT 10' => 10,
		'v::text AS d FROM ITEMS ORDER BY v <-> q.v, id LIMIT 10' => 10,
		'tag AS d FROM ITEMS ORDER BY v <-> q.v, id LIMIT 120' => 120,
		'i::text AS d FROM ITEMS i ORDER BY v <-> q.v, id LIMIT 10' => 10,
		'(SELECT count(*) FROM whole w WHERE w.tag = i.tag) AS d FROM ITEMS i ORDER BY i.v <#> q.v DESC, i.id LIMIT 10' => 10,
		'min(v <-> q.v) AS d FROM ITEMS GROUP BY tag ORDER BY d LIMIT 3' => 3);
	foreach my $query (sort keys %queries)
	{
		my ($n, $rows, $wrong) = split /\|/, $hub->safe_psql('postgres', "SELECT * FROM differ(\$\$SELECT $query\$\$)");

		is("$n queries, $wrong wrong", '10 queries, 0 wrong', "async $async: $query");
		is($rows, $queries{$query} * 10, "async $async: rows of $query") if $queries{$query};
	}
}

# statements in place of cursors
sub sent
{
	my ($query, @settings) = @_;
	my ($n) = plan_of("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $query", @settings) =~ /Statements Sent: (\d+)/;

	return $n;
}
is(sent($search), 4, 'one statement a server');
is(sent($search, "work_mem = '64kB'"), 4, 'of few rows');
my @generic = ('plan_cache_mode = force_generic_plan', "work_mem = '64kB'");
my $prepare = 'PREPARE p (vector, bigint) AS SELECT id FROM parts ORDER BY v <-> $1, id LIMIT $2';
is($hub->safe_psql('postgres', join('', map {"SET $_;"} @generic) . "$prepare; EXECUTE p ('$v', 2); SELECT count(*) FROM (SELECT 1 FROM parts ORDER BY v <-> '$v' LIMIT 10000) s"),
	"100\n7001\n3004", 'parameters');
foreach my $limit (10, 100000)
{
	is($hub->safe_psql('postgres', join('', map {"SET $_;"} @generic)
		. "$prepare; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE p ('$v', $limit)") =~ s/.*Statements Sent: (\d+).*/$1/sr,
		$limit == 10 ? 4 : 0, "a generic plan, LIMIT $limit");
}
unlike(plan_of("SELECT id FROM parts ORDER BY v <-> '$v' LIMIT 1001"), qr/Foreign Append/, 'not for many rows');
like(plan_of("SELECT id FROM parts ORDER BY v <-> '$v' LIMIT 1000"), qr/Foreign Append/, 'for 1,000 rows');
unlike(plan_of("SELECT * FROM parts ORDER BY v <-> '$v' LIMIT 1000", "work_mem = '64kB'"), qr/Foreign Append/, 'not for rows that do not fit in work_mem');
unlike(plan_of('PREPARE p (int) AS SELECT id FROM parts WHERE id = $1 ' . "ORDER BY v <-> '$v' LIMIT 3; EXPLAIN (COSTS OFF) EXECUTE p (1)", $generic[0]),
	qr/Foreign Append/, 'not where partitions are pruned at run time');
unlike(plan_of("SELECT tableoid, id FROM parts ORDER BY v <-> '$v' LIMIT 3"), qr/Foreign Append/, 'not for system columns');
is($hub->safe_psql('postgres', "SELECT tableoid = 'parts'::regclass, id FROM parts ORDER BY v <-> '$v', id LIMIT 2"), "f\|100\nf\|7001", 'which are right');
is($hub->safe_psql('postgres', "BEGIN; INSERT INTO parts VALUES (9001, 1, '$v'), (9002, 1, '$v'), (9003, 1, '$v'); SAVEPOINT s; DELETE FROM parts WHERE id = 7001;
	SELECT id FROM parts ORDER BY v <-> '$v', id DESC LIMIT 6; ROLLBACK TO s; SELECT id FROM parts ORDER BY v <-> '$v', id DESC LIMIT 6; ROLLBACK;
	SELECT id FROM parts ORDER BY v <-> '$v', id DESC LIMIT 3"),
	join("\n", 9003, 9002, 9001, 7003, 7002, 100, 9003, 9002, 9001, 7003, 7002, 7001, 7003, 7002, 7001), 'the rows of the transaction');
# while an Append of other scans has a fetch under way on the same connections
my $busy = 'SELECT count(*), count(*) FILTER (WHERE d > 0) FROM (SELECT (SELECT min(d) FROM (SELECT p.v <-> o.v AS d FROM parts p ORDER BY p.v <-> o.v LIMIT 1) s) AS d'
	. ' FROM parts o WHERE o.v IS NOT NULL AND id <= 600) t';
like(plan_of($busy), qr/Foreign Append.*Async Foreign Scan|Async Foreign Scan.*Foreign Append/s, 'beside another scan of the servers');
is($hub->safe_psql('postgres', $busy), '600|0', 'on the same connections');
# while a plan that a parameter comes from has fetches under way on these: the second server answers it, the first does not
$nodes[0]->safe_psql('postgres', 'CREATE VIEW late AS SELECT i.id, i.tag FROM items i, (SELECT pg_sleep(1)) s');
$hub->safe_psql('postgres', q{
	CREATE TABLE flags (id int, tag int) PARTITION BY LIST (tag);
	CREATE FOREIGN TABLE flags_0 PARTITION OF flags FOR VALUES IN (0) SERVER shard0 OPTIONS (table_name 'late');
	CREATE FOREIGN TABLE flags_1 PARTITION OF flags FOR VALUES IN (1) SERVER shard1 OPTIONS (table_name 'items')});
my $flag = "SELECT id FROM parts WHERE (tag = 2) = EXISTS (SELECT 1 FROM flags) ORDER BY v <-> '$v', id LIMIT 3";
like(plan_of($flag), qr/InitPlan.*Async Foreign Scan.*Foreign Append/s, 'a parameter that comes from the same servers');
is($hub->safe_psql('postgres', $flag), $hub->safe_psql('postgres', "SELECT id FROM whole WHERE tag = 2 ORDER BY v <-> '$v', id LIMIT 3"), 'is computed before they are used');
# two partitions on one server
$nodes[1]->safe_psql('postgres', 'CREATE TABLE low (id int, v vector(2)); CREATE TABLE high (id int, v vector(2));
	INSERT INTO low SELECT n, ARRAY[n, 1] FROM generate_series(1, 9) n; INSERT INTO high SELECT n, ARRAY[n, 1] FROM generate_series(10, 20) n');
$hub->safe_psql('postgres', q{
	CREATE TABLE ranges (id int, v vector(2)) PARTITION BY RANGE (id);
	CREATE FOREIGN TABLE low PARTITION OF ranges FOR VALUES FROM (1) TO (10) SERVER shard1;
	CREATE FOREIGN TABLE high PARTITION OF ranges FOR VALUES FROM (10) TO (30) SERVER shard1});
is($hub->safe_psql('postgres', q{SELECT id FROM ranges ORDER BY v <-> '[9.6,1]' LIMIT 3}), "10\n9\n11", 'two partitions of a server');
is(sent(q{SELECT id FROM ranges ORDER BY v <-> '[9.6,1]' LIMIT 3}), 2, 'are asked one after the other');
# a policy of the partitioned table
$hub->safe_psql('postgres', q{
	CREATE ROLE reader;
	GRANT SELECT (id, tag, v) ON parts TO reader;
	ALTER TABLE parts ENABLE ROW LEVEL SECURITY;
	CREATE POLICY threes ON parts USING (tag = 3)});
$hub->safe_psql('postgres', "CREATE USER MAPPING FOR reader SERVER shard$_ OPTIONS (user '" . $hub->safe_psql('postgres', 'SELECT current_user') . "', password_required 'false')") foreach 0 .. 3;
my $as_reader = "SET ROLE reader; SELECT min(tag), max(tag), count(*) FROM (SELECT tag FROM parts ORDER BY v <-> '$v' LIMIT 20) s";
is($hub->safe_psql('postgres', $as_reader), '3|3|20', 'a policy');
$hub->safe_psql('postgres', 'REVOKE SELECT (v) ON parts FROM reader; GRANT SELECT (v) ON parts_0, parts_1, parts_2, parts_3 TO reader');
my ($denied, $nothing, $message) = $hub->psql('postgres', $as_reader);
like($message, qr/permission denied for table parts/, 'the privilege for the column of the distance is needed');
# errors, after which the connections are used again
$nodes[2]->safe_psql('postgres', 'CREATE VIEW slow AS SELECT i.* FROM items i, (SELECT pg_sleep(600)) s;
	CREATE VIEW wrong AS SELECT id, 1 / (id - id) AS tag, v FROM items');
foreach my $case ([ 'slow', 'canceling statement due to statement timeout', '300ms' ], [ 'wrong', 'division by zero', '0' ])
{
	my ($view, $expected, $timeout) = @$case;
	my ($rc, $out, $err) = $hub->psql('postgres', "ALTER FOREIGN TABLE parts_2 OPTIONS (SET table_name '$view');
		SET statement_timeout = '$timeout';
		SELECT tag FROM parts ORDER BY v <-> '$v' LIMIT 1;
		RESET statement_timeout;
		DO \$\$ BEGIN
			IF '$view' = 'wrong' THEN PERFORM tag FROM parts ORDER BY v <-> '$v' LIMIT 1; END IF;
			EXCEPTION WHEN division_by_zero THEN RAISE NOTICE 'caught'; END \$\$;
		ALTER FOREIGN TABLE parts_2 OPTIONS (SET table_name 'items');
		SELECT id FROM parts ORDER BY v <-> '$v', id DESC LIMIT 3", on_error_stop => 0);

	like($err, qr/ERROR:  $expected/, "an error: $expected");
	like($err, qr/remote SQL command: SELECT tag, .* ORDER BY 2/, 'with the statement') if $view eq 'wrong';
	like($err, qr/NOTICE:  caught/, 'caught in a subtransaction') if $view eq 'wrong';
	is($out, "7003\n7002\n7001", 'the same session goes on');
}

# with indexes
foreach my $i (0 .. 3)
{
	$nodes[$i]->safe_psql('postgres', 'CREATE INDEX ON items USING hnsw (v vector_l2_ops); ANALYZE items');
	is($hub->safe_psql('postgres', "SELECT settings FROM effort_$i"), '120 0.001', 'settings travel in the options of a server');
}
# where the LIMIT is not sent, a server's plan is for the fraction of rows that a cursor is expected to fetch
my $cursor = "EXPLAIN (COSTS OFF) DECLARE c CURSOR FOR SELECT id FROM items ORDER BY v <-> '$v'";
like($nodes[1]->safe_psql('postgres', $cursor), qr/Sort.*Seq Scan/s, 'for a tenth of its rows a server sorts');
like($nodes[1]->safe_psql('postgres', "SET cursor_tuple_fraction = 0.001; $cursor"), qr/Index Scan/, 'not for a thousandth');
my $offset = "SELECT id FROM parts ORDER BY v <-> '$v' OFFSET 5 LIMIT 10";
is(limits(plan_of($offset)), 0, 'the limit of a search with OFFSET is not sent');
$hub->safe_psql('postgres', $offset);
ok($nodes[1]->poll_query_until('postgres', "SELECT sum(idx_scan) > 0 FROM pg_stat_user_indexes WHERE relname = 'items'"), 'and the index answers it');
my ($asked, $by_parts, $by_whole) = split /\|/, $hub->safe_psql('postgres', q{
	CREATE INDEX ON whole USING hnsw (v vector_l2_ops);
	SET hnsw.ef_search = 120;
	SET enable_seqscan = off;
	SELECT count(*), avg((SELECT count(*) FROM unnest(p.found) AS d WHERE d <= e.found[10] * 1.000001)) / 10,
		avg((SELECT count(*) FROM unnest(w.found) AS d WHERE d <= e.found[10] * 1.000001)) / 10
	FROM (SELECT v FROM whole WHERE v IS NOT NULL ORDER BY id LIMIT 100) q,
		LATERAL (SELECT array_agg(d) AS found FROM (SELECT v <-> q.v AS d FROM parts ORDER BY v <-> q.v LIMIT 10) s) p,
		LATERAL (SELECT array_agg(d) AS found FROM (SELECT v <-> q.v AS d FROM whole ORDER BY v <-> q.v LIMIT 10) s) w,
		LATERAL (SELECT array_agg(d) AS found FROM (SELECT v <-> q.v AS d FROM whole ORDER BY (v <-> q.v) + 0 LIMIT 10) s) e});
is($asked, 100, 'recall of 100 queries');
cmp_ok($by_whole, '>', 0.9, "by one index: $by_whole");
cmp_ok($by_parts, '>=', $by_whole - 0.005, "by the indexes of shards: $by_parts");

# a server that is down is an error, unless the query is not about its part
$nodes[3]->stop('immediate');
my ($rc, $out, $err) = $hub->psql('postgres', $search);
isnt($rc, 0, 'a server that is down is an error');
like($err, qr/could not connect to server "shard3"/, 'which names it');
my $id = $hub->safe_psql('postgres', "SELECT id FROM whole WHERE satisfies_hash_partition('parts'::regclass, 4, 1, id) ORDER BY id LIMIT 1");
is($hub->safe_psql('postgres', "SELECT id FROM parts WHERE id = $id ORDER BY v <-> '$v' LIMIT 1"), $id, 'the parts of other servers are searched');

$_->stop foreach @nodes[0 .. 2];
done_testing();
