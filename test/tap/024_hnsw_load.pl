# Everything at once for a while: inserts, updates, deletes, VACUUM, seals, merges and searches.  No session
# gets an error, recall stays high, and every row is found at the end
#
# VECTOR_LONG=1 in the environment: ten minutes instead of 12 seconds.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

plan skip_all => 'workers are ours' if $ENV{VECTOR_PEER};

my $seconds = $ENV{VECTOR_LONG} ? 600 : 12;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
max_wal_size = 2GB
deadlock_timeout = 100ms
log_lock_waits = off
vector.idle_merge_delay = 0
CONF
$node->start;
# With random vectors of more than 12 dimensions, no graph of a million nodes, however it is made, has
# that recall at the defaults
create_place($node, 12);
$node->safe_psql('postgres', q{
	CREATE TABLE items (id bigint PRIMARY KEY, v vector(12), note text);
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (seal_rows = 500);
	CREATE INDEX items_d ON items USING diskann (v vector_cosine_ops) WITH (seal_rows = 500);
	CREATE INDEX items_s ON items USING sparse ((v::sparsevec(12))) WITH (seal_rows = 500);
	CREATE INDEX items_b ON items USING bm25 ((v::text)) WITH (text_config = 'pg_catalog.simple', seal_rows = 500);
	CREATE SEQUENCE ids;
	INSERT INTO items SELECT n, place(n) FROM (SELECT nextval('ids') AS n FROM generate_series(1, 20000)) x});

# Most rows exist at the start, and a part of them is deleted: of the forty rows that a search finds, those count that its
# snapshot sees, and ten should remain.
my %scripts = (
	insert => 'INSERT INTO items SELECT n, place(n) FROM nextval($$ids$$) n;',
	several => 'INSERT INTO items SELECT n, place(n) FROM (SELECT nextval($$ids$$) AS n FROM generate_series(1, 30)) x;',
	note => "\\set k random(1, 3000)\nUPDATE items SET note = 'x' || :k WHERE id = :k;",
	update => "\\set k random(1, 3000)\nUPDATE items SET v = place(-id) WHERE id = :k;",
	delete => "\\set k random(3001, 200000)\nDELETE FROM items WHERE id BETWEEN :k AND :k + 20 AND id > 3000;",
	search => "\\set k random(1, 3000)\nSELECT id FROM items ORDER BY v <-> place(:k) LIMIT 10;",
	angle => "\\set k random(1, 3000)\nSELECT id FROM items ORDER BY v <=> place(:k) LIMIT 10;",
	product => "\\set k random(1, 3000)\nSELECT id FROM items ORDER BY v::sparsevec(12) <#> place(:k)::sparsevec(12) LIMIT 10;",
	words => "\\set k random(1, 3000)\nSELECT id FROM items ORDER BY v::text <@> to_bm25query(place(:k)::text, 'items_b') LIMIT 10;",
	back => "BEGIN; SAVEPOINT a; INSERT INTO items SELECT n, place(n) FROM nextval('ids') n; ROLLBACK TO a; COMMIT;",
	vacuum => "VACUUM items;\n\\sleep 300 ms",
	seal => "SELECT vector_seal('items_v'), vector_seal('items_d'), vector_seal('items_s'), vector_seal('items_b');\n\\sleep 500 ms",
	merge => "SELECT vector_merge('items_v'), vector_merge('items_d'), vector_merge('items_s'), vector_merge('items_b');\n\\sleep 2 s");
my @loads;

sub load
{
	my ($clients, @names) = @_;
	my ($out, $err) = ('', '');
	my @files;
	foreach my $name (@names)
	{
		my $file = $node->basedir . "/$name.sql";
		append_to_file($file, "$scripts{$name}\n");
		push @files, '-f', $file;
	}
	my $load = { err => \$err, out => \$out };
	$load->{run} = IPC::Run::start([ 'pgbench', '-n', '-T', $seconds, '-c', $clients, '-h', $node->host,
		'-p', $node->port, @files, 'postgres' ], '>', \$out, '2>', \$err);
	push @loads, $load;
}

# The share of the ten nearest that searches at the defaults find, compared with the truth of the same snapshot.
sub recall
{
	my ($operator) = @_;
	return $node->safe_psql('postgres', qq{
		BEGIN ISOLATION LEVEL REPEATABLE READ;
		SET LOCAL enable_indexscan = off;
		CREATE TEMP TABLE truth ON COMMIT DROP AS
			SELECT p, (SELECT array_agg(id) FROM (SELECT id FROM items ORDER BY v $operator p LIMIT 10) x) AS ids
			FROM (SELECT place(-1000000 - q) AS p FROM generate_series(1, 30) q OFFSET 0) probes;
		SET LOCAL enable_indexscan = on;
		SET LOCAL enable_seqscan = off;
		SELECT sum((SELECT count(*) FROM (SELECT id FROM items ORDER BY v $operator p LIMIT 10) x
			WHERE id = ANY (ids))) / 300.0 FROM truth;
		COMMIT});
}

my $segments = "SELECT left(string_agg(kind || ' ' || rows, ', '), 150) FROM (SELECT kind, sum(rows) AS rows
	FROM vector_segments() WHERE rows IS NOT NULL GROUP BY kind, CASE WHEN kind = 'sealed' THEN segment END ORDER BY 2 DESC) s";
load(4, 'insert', 'several', 'note', 'update', 'delete', 'search', 'angle', 'product', 'words', 'back');
load(1, $_) foreach 'vacuum', 'seal', 'merge';
my $end = time() + $seconds;
my ($worst, $times) = (1, 0);
while (time() < $end)
{
	my $operator = $times % 2 ? '<=>' : '<->';
	my $recall = recall($operator);
	note("recall $recall by $operator of rows " . $node->safe_psql('postgres', $segments));
	$worst = $recall if $recall < $worst;
	$times++;
}
$_->{run}->finish foreach @loads;
note("worst recall $worst of $times");
cmp_ok($worst, '>=', 0.95, 'recall at the defaults');
cmp_ok($times, '>', 3, 'measured all the time');
foreach my $load (@loads)
{
	is(join('', grep { !/^pgbench \(/ } split /^/m, ${ $load->{err} }), '', 'a client has nothing to complain of');
	like(${ $load->{out} }, qr/number of failed transactions: 0 /, 'and no transaction has failed');
	note($1) if ${ $load->{out} } =~ /(number of transactions actually processed: \d+)/;
}
$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()') or die 'the workers do not come to an end';
is($node->safe_psql('postgres', "VACUUM items; SELECT count(*) = vector_index_check('items_v'), count(*) = vector_index_check('items_d'),
	count(*) = vector_index_check('items_s'), count(*) = vector_index_check('items_b') FROM items"), 't|t|t|t',
	'the indexes are sound and complete');
# a graph need not lead to every node: a few rows may be missed
foreach my $operator ('<->', '<=>')
{
	cmp_ok($node->safe_psql('postgres', "SET enable_seqscan = off; SET hnsw.ef_search = 200; SET diskann.query_search_list_size = 200;
		SELECT count(*) FROM (SELECT * FROM items ORDER BY hashint8(id) LIMIT 20000) i
		WHERE id <> (SELECT id FROM items ORDER BY v $operator i.v LIMIT 1)"), '<=', 3, "every row is found by $operator, of twenty thousand");
}

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|deadlock detected|ERROR/, 'nothing bad in the log');
done_testing();
