# Around the index: serializable transactions, several databases, concurrent CREATE EXTENSION, an update of the
# extension and of the server during background work
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'workers are ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nmax_wal_size = 2GB\nvector.idle_merge_delay = 0");
$node->start;

# many sessions create the extension at once: one succeeds, the others get an error, or find it
$node->safe_psql('postgres', 'CREATE DATABASE one');
my @sessions = map { my ($out, $err) = ('', '');
	{ err => \$err, run => IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('one'), '-c',
		'CREATE EXTENSION IF NOT EXISTS vector' ], '>', \$out, '2>', \$err) } } 1 .. 6;
$_->{run}->finish foreach @sessions;
is(scalar(grep { ${ $_->{err} } =~ /ERROR/ && ${ $_->{err} } !~ /duplicate key|already exists/ } @sessions), 0,
	'CREATE EXTENSION by several at once');
is($node->safe_psql('one', "SELECT count(*) FROM pg_extension WHERE extname = 'vector'"), 1, 'one has made it');

my $table = q{
	CREATE FUNCTION place(id bigint) RETURNS vector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
		$$SELECT array_agg((hashint8extended(id, d) & 1023)::real)::public.vector
		FROM generate_series(1, 16) d$$;
	CREATE TABLE items (id int PRIMARY KEY, v vector(16));
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (seal_rows = 200);
	INSERT INTO items SELECT n, place(n) FROM generate_series(1, 300) n};
$node->safe_psql('one', $table);

# a database made from a template with an index has an index of its own
$node->poll_query_until('one', 'SELECT count(*) = 0 FROM vector_jobs()') or die;
$node->safe_psql('postgres', 'CREATE DATABASE two TEMPLATE one');

sub insert
{
	my ($low, $high) = @_;
	return "INSERT INTO items SELECT n, place(n) FROM generate_series($low, $high) n";
}

sub sound
{
	my ($server, $database, $rows, $name) = @_;
	$server->poll_query_until($database, 'SELECT count(*) = 0 FROM vector_jobs()') or die 'workers do not end';
	is($server->safe_psql($database, "VACUUM items; SELECT count(*), vector_index_check('items_v') FROM items;
		SET enable_seqscan = off; SET hnsw.ef_search = 200;
		SELECT count(*) FROM items i WHERE id <> (SELECT id FROM items ORDER BY v <-> i.v LIMIT 1)"),
		"$rows|$rows\n0", "$name: the index is sound and complete");
}
foreach my $part (1 .. 5)
{
	$node->safe_psql('one', insert(400 * $part, 400 * $part + 299));
	$node->safe_psql('two', insert(400 * $part, 400 * $part + 399));
}
sound($node, 'one', 1800, 'one of two databases');
sound($node, 'two', 2300, 'the other');

# serializable: two transactions that each look for the nearest row and add one that the other would have found
my @both = map { $node->background_psql('one', on_error_stop => 0) } 1, 2;
foreach my $session (@both)
{
	$session->query('SET enable_seqscan = off');
	$session->query('BEGIN ISOLATION LEVEL SERIALIZABLE');
	$session->query('SELECT id FROM items ORDER BY v <-> place(-5) LIMIT 1');
}
$both[$_]->query('INSERT INTO items VALUES (' . (10000 + $_) . ', place(-5))') foreach 0, 1;
$_->query('COMMIT') foreach @both;
$_->quit foreach @both;
is($node->safe_psql('one', 'SELECT count(*) FROM items WHERE id >= 10000'), 1,
	'of two that are not serializable one fails');
$node->safe_psql('one', 'DELETE FROM items WHERE id >= 10000');

SKIP:
{
	skip 'there is no other version', 2 if $node->safe_psql('one',
		"SELECT count(*) FROM pg_available_extension_versions WHERE name = 'vector' AND version = 'test'") == 0;
	my ($out, $err) = ('', '');
	my $load = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('one'),
		map { ('-c', insert(20000 + 100 * $_, 20099 + 100 * $_)) } 0 .. 19 ], '>', \$out, '2>', \$err);
	$node->poll_query_until('one', 'SELECT count(*) > 0 FROM vector_jobs()');
	$node->safe_psql('one', "ALTER EXTENSION vector UPDATE TO 'test'");
	foreach my $rows (201 .. 210)
	{
		$node->safe_psql('one', "ALTER INDEX items_v SET (seal_rows = $rows)");
	}
	$load->finish;
	is($err, '', 'inserts go on while the extension is updated and options change');
	sound($node, 'one', 3800, 'updated');
	$node->safe_psql('one', 'DELETE FROM items WHERE id >= 20000; UPDATE pg_extension SET extversion = (SELECT
		default_version FROM pg_available_extensions WHERE name = $$vector$$) WHERE extname = $$vector$$');
}

# pg_upgrade, with growing segments and dead rows in the index
$node->safe_psql('one', insert(3001, 3100) . '; DELETE FROM items WHERE id <= 100');
$node->safe_psql('one', 'CREATE DATABASE every');
$node->safe_psql('every', 'CREATE EXTENSION vector; ALTER DATABASE every SET vector.background_work = off');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$FindBin::RealBin/../compat/every_method.sql", $node->connstr('every') ],
	'indexes of every method');
my $segments = q{SELECT index, segment, kind, rows, dead, method FROM vector_segments() WHERE kind IN ('growing', 'sealed') ORDER BY 1, 2};
my $answers = 'SELECT * FROM every_answers(true)';
my @before = map { $node->safe_psql('every', $_) } $segments, $answers;
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
$new->append_conf('postgresql.conf', "shared_preload_libraries = 'vector'\nautovacuum = off");
$node->stop;
my $bin = `pg_config --bindir`;
chomp $bin;
foreach my $check ('--check', '--copy')
{
	my @command = ('pg_upgrade', '-b', $bin, '-B', $bin, '-d', $node->data_dir, '-D',
		$new->data_dir, '-s', $new->host, '-p', $node->port, '-P', $new->port);
	push @command, '--check' if $check eq '--check';
	chdir $new->basedir;
	command_ok(\@command, "pg_upgrade $check");
}
$new->start;
sound($new, 'one', 1800, 'upgraded');
sound($new, 'two', 2300, 'the other database, upgraded');
is($new->safe_psql('every', $segments), $before[0], 'every method, upgraded: the segments are as they were');
is($new->safe_psql('every', $answers), $before[1], 'every method, upgraded: and answer the same');
$new->safe_psql('every', 'SELECT every_fill(801, 1200); VACUUM every_row');
is($new->safe_psql('every', 'SELECT i.index, i.distances, s.distances FROM every_answers(true) i JOIN every_answers(false) s USING (index)
	WHERE i.distances IS DISTINCT FROM s.distances'), '', 'every method, upgraded: and find what is inserted');
is($new->safe_psql('every', q{SELECT relname FROM pg_class WHERE relname ~ '^every_' AND relkind = 'i' AND relname !~ 'pkey'
	AND vector_index_check(oid::regclass) <> (SELECT count(*) FROM every_row)}), '', 'every method, upgraded: sound and complete');
$new->safe_psql('one', insert(5001, 5600));
sound($new, 'one', 2400, 'and it goes on');
$new->stop;
unlike(slurp_file($_->logfile), qr/PANIC|TRAP|signal 11/, 'nothing bad in the log') foreach $node, $new;
done_testing();
