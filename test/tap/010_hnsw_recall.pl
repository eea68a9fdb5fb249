# hnsw finds what exact search finds: for every operator class and storage, however an index was made
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# pgvector, with which this file was tried as well, lacks two types and some options
my $peer = $ENV{VECTOR_PEER};
my $rows = 2500;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
min_parallel_table_scan_size = 1
CONF
$node->start;

# for each type: its dimensions, its expression from an array of 16 numbers, and its operators
my @operators = (l2 => '<->', ip => '<#>', cosine => '<=>', l1 => '<+>');
my %types = (
	vector => { dims => 16, value => 'a', operators => {@operators} },
	halfvec => { dims => 16, value => 'a', operators => {@operators} },
	bf16vec => { dims => 16, value => 'a', operators => {@operators} },
	int8vec => { dims => 16, value => 'scaled(a)', operators => {@operators} },
	sparsevec => { dims => 128, value => 'sparse(a)', operators => {@operators} },
	bit => { dims => 128, value => 'bits(a)',
		operators => { hamming => '<~>', jaccard => '<%>' } });
delete @types{ 'bf16vec', 'int8vec' } if $peer;
my @types = sort keys %types;
my @dense = grep { $types{$_}{dims} == 16 } @types;

# 50 clusters; sparsevec has 16 of 128 elements, bit has the 16 numbers as bars of 8 bits
$node->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE FUNCTION scaled(a real[]) RETURNS real[] LANGUAGE sql IMMUTABLE AS
		'SELECT array_agg(x * 25 ORDER BY n) FROM unnest(a) WITH ORDINALITY u (x, n)';
	CREATE FUNCTION sparse(a real[]) RETURNS sparsevec LANGUAGE sql IMMUTABLE AS $$
		SELECT ('{' || string_agg(n * 8 - floor(abs(x) * 3)::int % 8 || ':' || x + 4, ',')
			|| '}/128')::sparsevec FROM unnest(a) WITH ORDINALITY u (x, n)
	$$;
	CREATE FUNCTION bits(a real[]) RETURNS bit LANGUAGE sql IMMUTABLE AS $$
		SELECT string_agg(CASE WHEN x > (b - 4) / 2.0 THEN '1' ELSE '0' END, ''
			ORDER BY n, b)::bit(128)
		FROM unnest(a) WITH ORDINALITY u (x, n), generate_series(1, 8) b
	$$;
	CREATE FUNCTION near(center real[], width float8) RETURNS real[] LANGUAGE sql VOLATILE AS $$
		SELECT array_agg((x + (random() + random() + random() - 1.5) * width)::real ORDER BY n)
		FROM unnest(center) WITH ORDINALITY u (x, n)
	$$;
	SELECT setseed(0.4);
	CREATE TABLE centers AS
		SELECT c, near(array_fill(0.3::real, ARRAY[16]), 2) AS a FROM generate_series(1, 50) c;
	CREATE TABLE wide_centers AS
		SELECT c, near(array_fill(0.1::real, ARRAY[200]), 1.5) AS a FROM generate_series(1, 40) c;
});
my $columns = join(', ', map { "$types{$_}{value}::$_($types{$_}{dims}) AS \"$_\"" } @types);
$node->safe_psql('postgres', qq{
	SELECT setseed(0.5);
	CREATE TABLE points AS SELECT n AS id, near(a, 1) AS a
		FROM generate_series(1, $rows + 50) n JOIN centers ON c = n % 50 + 1;
	CREATE TABLE items AS SELECT id, $columns FROM points;
	CREATE TABLE queries AS SELECT * FROM items WHERE id > $rows;
	DELETE FROM items WHERE id > $rows;
	CREATE INDEX ON items (id);
	CREATE TABLE wide AS SELECT n AS id, near(a, 1)::vector(200) AS vector
		FROM generate_series(1, 3020) n JOIN wide_centers ON c = n % 40 + 1;
	CREATE TABLE wide_queries AS SELECT * FROM wide WHERE id > 3000;
	DELETE FROM wide WHERE id > 3000;
	VACUUM ANALYZE;
});

# The table of how far the 10 nearest are, for each query, and what makes it, if it is not there.  The tables named here stay as
# they are, whatever indexes they have.
my %truth;
sub truth_of
{
	my ($table, $column, $operator, $queries, $nearest) = @_;
	my $select = "AS SELECT q.id, max(d) AS radius, count(*)::float8 AS wanted FROM $queries q, LATERAL ($nearest) x GROUP BY q.id";
	return ('truth', "CREATE TEMP TABLE truth $select") if $table !~ /^(items|wide|hard)$/;
	my $key = "$table $column $operator";
	return ($truth{$key}, '') if $truth{$key};
	$truth{$key} = 'truth_' . keys %truth;
	return ($truth{$key}, "CREATE TABLE $truth{$key} $select");
}

# The share of the 10 nearest that an index scan returns with these numbers for ef_search, for the rows of a table of queries; a
# row as near as the tenth counts.
sub recall
{
	my ($table, $column, $operator, $ef, $queries) = @_;
	$queries //= 'queries';
	my $nearest = "SELECT i.id, i.\"$column\" $operator q.\"$column\" AS d FROM $table i
		ORDER BY i.\"$column\" $operator q.\"$column\" LIMIT 10";
	my ($truth, $make_truth) = truth_of($table, $column, $operator, $queries, $nearest);
	my $search = qq{SELECT 'recall ' || avg(hits / wanted) FROM (
		SELECT t.id, wanted,
			count(DISTINCT x.id) FILTER (WHERE d <= radius + 1e-5 * abs(radius)) AS hits
		FROM $truth t JOIN $queries q USING (id), LATERAL ($nearest) x GROUP BY t.id, wanted) y};
	my $answer = $node->safe_psql('postgres', qq{
		SET enable_indexscan = off;
		$make_truth;
		RESET enable_indexscan;
		SET enable_seqscan = off;
		SET enable_sort = off;
		EXPLAIN (COSTS OFF) $search;} . join('', map { "SET hnsw.ef_search = $_; $search;" } @$ef));
	die "no index scan of $table: $answer" unless $answer =~ /Index Scan using \w+ on $table/;
	return $answer =~ /^recall (\S+)$/gm;
}

# Recall with ef_search 40 and 100.
sub recall_ok
{
	my ($name, @search) = @_;
	my %least = (40 => 0.93, 100 => 0.98);
	my @ef = (40, 100);
	my @recall = recall(@search[ 0 .. 2 ], \@ef, $search[3]);

	foreach my $i (0 .. $#ef)
	{
		note("recall $recall[$i]");
		cmp_ok($recall[$i], '>=', $least{ $ef[$i] }, "$name, ef_search $ef[$i]");
	}
}

sub index_sql
{
	my ($table, $type, $metric, $options) = @_;
	return "CREATE INDEX hnsw_$type\_$metric ON $table USING hnsw (\"$type\" $type\_$metric\_ops)"
	  . ($options && !$peer ? " WITH ($options)" : '') . ';';
}

sub each_class
{
	my ($do, @of) = @_;

	foreach my $type (@of ? @of : @types)
	{
		my $operators = $types{$type}{operators};
		$do->($type, $_, $operators->{$_}) foreach sort keys %$operators;
	}
}

# built by one process, and by three
each_class(sub {
	my ($type, $metric, $operator) = @_;

	$node->safe_psql('postgres', index_sql('items', $type, $metric));
	recall_ok("$type $metric", 'items', $type, $operator);
	my ($status, $out, $err) = $node->psql('postgres', "DROP INDEX hnsw_$type\_$metric;
		SET max_parallel_maintenance_workers = 2; SET client_min_messages = debug1;"
		. index_sql('items', $type, $metric));
	like($err, qr/using [12] parallel workers/, "$type $metric: there are workers");
	recall_ok("$type $metric, built in parallel", 'items', $type, $operator);
	$node->safe_psql('postgres', "DROP INDEX hnsw_$type\_$metric");
});

# other storage
each_class(sub {
	my ($type, $metric, $operator) = @_;

	foreach my $storage ('full', 'half', 'sq8')
	{
		$node->safe_psql('postgres', index_sql('items', $type, $metric, "storage = $storage"));
		recall_ok("$type $metric, storage $storage", 'items', $type, $operator);
		$node->safe_psql('postgres', "DROP INDEX hnsw_$type\_$metric");
	}
}, @dense) unless $peer;

# inserted one by one into empty indexes, with a seal now and then
my $grow = '';
each_class(sub { $grow .= index_sql('grown', @_[ 0, 1 ], 'seal_rows = 300') });
$node->safe_psql('postgres', "CREATE TABLE grown (LIKE items); $grow
	INSERT INTO grown SELECT * FROM items ORDER BY id; ANALYZE grown");
each_class(sub { recall_ok("$_[0] $_[1], inserted", 'grown', @_[ 0, 2 ]) });

# half of it deleted, before and after VACUUM
$node->safe_psql('postgres', 'DELETE FROM grown WHERE hashint4(id) % 2 = 0; VACUUM ANALYZE grown');
each_class(sub { recall_ok("$_[0] $_[1], half deleted and vacuumed", 'grown', @_[ 0, 2 ]) });
$node->safe_psql('postgres', "INSERT INTO grown SELECT id + $rows, $_
	FROM items WHERE hashint4(id) % 2 = 0")
  foreach join(', ', map { "\"$_\"" } @types);
each_class(sub { recall_ok("$_[0] $_[1], inserted again", 'grown', @_[ 0, 2 ]) });
$node->safe_psql('postgres', 'DROP TABLE grown');

# a coarse graph, right after VACUUM
$node->safe_psql('postgres', "CREATE TABLE coarse AS SELECT * FROM items;
	CREATE INDEX ON coarse USING hnsw (vector vector_l2_ops) WITH (m = 4, ef_construction = 16);
	DELETE FROM coarse WHERE id > $rows / 4; VACUUM ANALYZE coarse");
cmp_ok((recall('coarse', 'vector', '<->', [20]))[0], '>=', 0.95, 'm 4, ef_search 20, after VACUUM');
$node->safe_psql('postgres', 'DROP TABLE coarse');

# many clients insert at the same time, one of them vacuums
my %busy = (vector => 'l2', halfvec => 'cosine', sparsevec => 'ip', bit => 'hamming',
	int8vec => 'l2', bf16vec => 'l1');
delete $busy{$_} foreach grep { !$types{$_} } keys %busy;
$node->safe_psql('postgres', "CREATE TABLE busy (LIKE items); CREATE SEQUENCE ids;"
	. join('', map { index_sql('busy', $_, $busy{$_}, 'seal_rows = 200') } sort keys %busy));
my %scripts = (
	insert => 'INSERT INTO busy SELECT * FROM items WHERE id = (SELECT nextval($$ids$$));',
	vacuum => 'VACUUM busy;');
append_to_file($node->basedir . "/$_.sql", "$scripts{$_}\n") foreach sort keys %scripts;
my ($out, $err) = ('', '');
IPC::Run::run([ 'pgbench', '-n', '-t', $rows / 5, '-c', 6, '-h', $node->host, '-p', $node->port,
	map({ ('-f', $node->basedir . "/$_->[0].sql\@$_->[1]") } [ 'insert', 400 ], [ 'vacuum', 1 ]),
	'postgres' ], '>', \$out, '2>', \$err);
is($?, 0, 'clients insert and vacuum');
unlike($err, qr/WARNING|ERROR|NOTICE/, 'and see no message');
is($node->safe_psql('postgres', "VACUUM ANALYZE busy; SELECT count(*) FROM busy"), $rows,
	'all that they inserted is there');
recall_ok("$_ $busy{$_}, inserted by many clients", 'busy', $_, $types{$_}{operators}{ $busy{$_} })
  foreach sort keys %busy;
$node->safe_psql('postgres', 'DROP TABLE busy');

# thousands of equal vectors: built, inserted, and once more after most were deleted
foreach my $way ('built', 'inserted')
{
	my $index = 'CREATE INDEX equal_idx ON equal USING hnsw (vector vector_l2_ops)'
	  . ($peer ? ';' : ' WITH (seal_rows = 1000);');
	$node->safe_psql('postgres', 'CREATE TABLE equal (id int, vector vector(16));'
		. ($way eq 'inserted' ? $index : '')
		. q{INSERT INTO equal SELECT id, vector FROM items WHERE id <= 1000;
		INSERT INTO equal SELECT 10000 + n, (SELECT vector FROM items WHERE id = n % 3 + 1)
			FROM generate_series(1, 6000) n;}
		. ($way eq 'built' ? $index : '') . 'ANALYZE equal');
	recall_ok("equal vectors, $way", 'equal', 'vector', '<->');
	is($node->safe_psql('postgres', q{SET enable_seqscan = off; SET hnsw.ef_search = 1000;
		SELECT count(*) FROM (SELECT vector FROM equal
			ORDER BY vector <-> (SELECT vector FROM items WHERE id = 2) LIMIT 500) x
		WHERE vector = (SELECT vector FROM items WHERE id = 2)}), 500,
		"many of them are found, $way");
	$node->safe_psql('postgres',
		'DELETE FROM equal WHERE id BETWEEN 10010 AND 15990; VACUUM ANALYZE equal');
	recall_ok("equal vectors, $way, most deleted", 'equal', 'vector', '<->');
	$node->safe_psql('postgres', 'DROP TABLE equal');
}

# 64 dimensions in which neighbours are hard to tell apart
$node->safe_psql('postgres', q{
	SELECT setseed(0.6);
	CREATE TABLE hard AS SELECT n AS id, near(a[1:64], 3)::vector(64) AS vector
		FROM generate_series(1, 3020) n JOIN wide_centers ON c = n % 40 + 1;
	CREATE TABLE hard_queries AS SELECT * FROM hard WHERE id > 3000;
	DELETE FROM hard WHERE id > 3000;
	VACUUM ANALYZE hard;
});
foreach my $metric ('l2', 'ip', 'cosine', 'l1')
{
	my $operator = $types{vector}{operators}{$metric};
	$node->safe_psql('postgres', index_sql('hard', 'vector', $metric));
	my ($fast, $good) = recall('hard', 'vector', $operator, [ 40, 100 ], 'hard_queries');
	cmp_ok($good, '>=', 0.95, "hard to tell apart, $metric, ef_search 100");
	note("ef_search 40: $fast");
	$node->safe_psql('postgres', "DROP INDEX hnsw_vector_$metric");
}

# 200 dimensions; then once more when the graph does not fit into memory
foreach my $workers (0, 2)
{
	my ($status, $stdout, $stderr) = $node->psql('postgres', "DROP INDEX IF EXISTS hnsw_vector_l2;
		SET max_parallel_maintenance_workers = $workers;" . index_sql('wide', 'vector', 'l2'));
	unlike($stderr, qr/maintenance_work_mem/, "it fits, $workers workers");
	recall_ok("200 dimensions, $workers workers", 'wide', 'vector', '<->', 'wide_queries');
	($status, $stdout, $stderr) = $node->psql('postgres', "DROP INDEX hnsw_vector_l2;
		SET max_parallel_maintenance_workers = $workers; SET maintenance_work_mem = '1MB';"
		. index_sql('wide', 'vector', 'l2'));
	like($stderr, qr/NOTICE:  hnsw graph no longer fits into maintenance_work_mem after \d+ tuples/,
		"it does not fit, $workers workers");
	recall_ok("more than fits, $workers workers", 'wide', 'vector', '<->', 'wide_queries');
}

$node->stop;
done_testing();
