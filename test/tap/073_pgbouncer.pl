# Clients of pgbouncer in transaction mode: which settings, prepared statements, cursors and temporary tables follow a client, and
# which stay in a connection that others use.  Needs pgbouncer, from 1.18 on.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IO::Socket::UNIX;
use Test::More;

my ($program) = grep { -x $_ } map {"$_/pgbouncer"} split(/:/, $ENV{PATH}), '/usr/sbin';
plan skip_all => 'NOT TESTED: pgbouncer is not installed' unless defined $program;
my ($release) = `$program --version` =~ /PgBouncer 1\.(\d+)/ or die 'not a version that is known';

my $node = PostgreSQL::Test::Cluster->new('server');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nvector.background_work = off\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE TABLE items (id int PRIMARY KEY, v vector(8));
	INSERT INTO items SELECT n, ARRAY(SELECT sin(n * j) FROM generate_series(1, 8) j)::vector FROM generate_series(1, 3000) n;
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops);
	CREATE FUNCTION nearest(vector) RETURNS SETOF int LANGUAGE sql SET hnsw.ef_search = 300
		AS 'SELECT id FROM items ORDER BY v <-> $1 LIMIT 10';
	ALTER DATABASE postgres SET session_preload_libraries = 'vector';
	CREATE ROLE app LOGIN;
	GRANT SELECT ON items TO app});
my $user = $node->safe_psql('postgres', 'SELECT current_user');

# The pooler is a node that has a host and a port, and no server.  Each of its databases is the same one, with a pool of its own.
my $pool = PostgreSQL::Test::Cluster->new('pool');
my $folder = PostgreSQL::Test::Utils::tempdir();
my $database = sprintf 'host=%s port=%d dbname=postgres', $node->host, $node->port;
my $tracked = $release >= 20 ? 'track_extra_parameters = hnsw.ef_search, vector.target_recall' : '';
PostgreSQL::Test::Utils::append_to_file("$folder/users", qq{"$user" ""\n"app" ""\n});
PostgreSQL::Test::Utils::append_to_file("$folder/ini", <<"INI");
[databases]
one = $database pool_size=1
two = $database pool_size=2
fdw = $database pool_size=1
later = $database pool_size=1 dbname=later
connected = $database pool_size=1 connect_query='SET ivf.probes = 60; SET hnsw.ef_search = 60'
[pgbouncer]
pool_mode = transaction
listen_addr =
unix_socket_dir = ${\ $pool->host}
listen_port = ${\ $pool->port}
auth_type = trust
auth_file = $folder/users
admin_users = $user
logfile = $folder/log
pidfile = $folder/pid
$tracked
INI
system_or_bail($program, '-q', '-d', "$folder/ini");
foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
{
	last if IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $pool->host . '/.s.PGSQL.' . $pool->port);
	select undef, undef, undef, 0.1;
}

END
{
	my $status = $?;
	kill 'TERM', 0 + PostgreSQL::Test::Utils::slurp_file("$folder/pid") if defined $folder && -e "$folder/pid";
	$? = $status;
}

# What clients of a database get, each of their statements sent by itself, and the error with which one ended
sub answers
{
	my ($name, $statements, %params) = @_;
	my ($status, $out, $err) = $pool->psql($name, $statements, %params);

	return $out . ($err =~ /ERROR:\s+(.*)/ ? ($out eq '' ? '' : "\n") . "ERROR $1" : '');
}

sub set_pooler
{
	$pool->safe_psql('pgbouncer', $_) foreach map({"SET $_"} @_), 'RECONNECT';
}

my $ef = 'SHOW hnsw.ef_search;';
my $v = '[0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8]';
my $search = "SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> '$v' LIMIT 10) s;";
my $distances = 'SELECT distances FROM vector_last_scan();';

sub client
{
	return $pool->background_psql($_[0], on_error_stop => 0);
}

# What a transaction sets
is(answers('one', "BEGIN; SET LOCAL hnsw.ef_search = 100; $ef COMMIT; $ef"), "100\n40", 'SET LOCAL holds for the transaction');
is(answers('one', "SET LOCAL hnsw.ef_search = 100\\; $ef $ef"), "100\n40", 'and for statements in one string');
is(answers('one', "SELECT set_config('hnsw.ef_search', '100', true)\\; $ef $ef"), "100\n100\n40", 'and so does set_config');
my ($near, $far) = split /\n/, answers('two', "BEGIN; $search $distances COMMIT; BEGIN; SELECT count(*) FROM nearest('$v'); $distances COMMIT;") =~ s/^10\n//mgr;
cmp_ok($far, '>', $near, 'a function has the setting that it is created with');
is(answers('two', $ef), 40, 'which ends with it');

# What a client sets by itself
is(answers('one', 'SET ivfflat.probes = 7'), '', 'a client sets');
is(answers('one', 'SHOW ivfflat.probes'), 7, 'and the next has it');
my ($first, $second) = map { client('two') } 1, 2;
$first->query('SET ivfflat.probes = 5');
$second->query('BEGIN; SELECT 1');
is($first->query('SHOW ivfflat.probes'), 1, 'while another has the connection, the client itself has not');
$second->query('COMMIT');

SKIP:
{
	skip 'settings are not tracked before 1.20', 7 if $release < 20;
	$first->query('SET hnsw.ef_search = 90; SET vector.target_recall = 0.9');
	is($second->query("$ef SHOW vector.target_recall"), "40\n0", 'a setting that is tracked is not that of another client');
	$second->query('SET hnsw.ef_search = 70');
	is($first->query("$ef SHOW vector.target_recall"), "90\n0.9", 'but follows the client');
	is($second->query("BEGIN; $ef"), 70, 'each its own');
	is($first->query($ef), 90, 'in whichever connection');
	is($first->query("BEGIN; SET LOCAL hnsw.ef_search = 55; $ef COMMIT; $ef"), "55\n90", 'also after SET LOCAL');
	$second->query('COMMIT');
	is($first->query("RESET hnsw.ef_search; $ef"), 40, 'until it is reset');
	$node->safe_psql('postgres', 'CREATE DATABASE later');
	$node->safe_psql('later', 'CREATE EXTENSION vector');
	is(join(' ', map { answers('later', "SELECT '[1]'::vector; $_") } 'SET hnsw.ef_search = 90', $ef), "[1] [1]\n90",
		'without the library in each session from its start it is as of any other setting');
}
$_->quit foreach $first, $second;

# What roles and databases are given
sub as_app
{
	my ($code) = @_;
	local $ENV{PGUSER} = 'app';

	return $code->();
}

$first = as_app(sub { client('one') });
is($first->query($ef), 40, 'a connection');
$node->safe_psql('postgres', 'ALTER ROLE app SET hnsw.ef_search = 120; ALTER DATABASE postgres SET vector.target_recall = 0.9');
is($first->query("$ef SHOW vector.target_recall"), "40\n0", 'has not what its role and database were given since');
set_pooler();
is(as_app(sub { answers('one', "$ef SHOW vector.target_recall") }), "120\n0.9", 'connections after RECONNECT have');
$first->quit;
$node->safe_psql('postgres', 'ALTER ROLE app RESET ALL; ALTER DATABASE postgres RESET vector.target_recall');
is(answers('connected', "SHOW ivf.probes; $ef"), "60\n60", 'connect_query sets for all connections of a pool');
set_pooler('server_reset_query_always = 1');
is(answers('connected', "SET ivf.probes = 90; SHOW ivf.probes"), 0, 'a reset after each transaction takes all settings, this too');
is(answers('one', 'PREPARE p AS SELECT 1; EXECUTE p'), 'ERROR prepared statement "p" does not exist', 'and statements');
set_pooler('server_reset_query_always = 0');

# What a client asks for at its start
sub with_option
{
	my ($setting) = @_;
	my ($status, $out, $err) = $pool->psql('one', "SHOW $setting", connstr => $pool->connstr('one') . " options='-c $setting=100'");

	return $out . $err;
}

like(with_option('ivf.probes'), qr/unsupported startup parameter/, 'options in the connection string are refused');
is(with_option('hnsw.ef_search'), 100, 'unless for a setting that is tracked') if $release >= 20;
set_pooler('ignore_startup_parameters = options');
is(with_option('ivf.probes'), 0, 'or ignored');

# Prepared statements
sub bench
{
	my ($name, $mode) = @_;
	my $file = "$folder/$mode";
	PostgreSQL::Test::Utils::append_to_file($file, "\\set q random(1, 3000)\nSELECT id FROM items ORDER BY v <-> (SELECT v FROM items WHERE id = :q) LIMIT 10;\n")
	  unless -e $file;
	return run_command([ 'pgbench', '-n', '-c', 6, '-t', 20, '-M', $mode, '-f', $file, '-h', $pool->host, '-p', $pool->port, $name ]);
}

foreach my $mode ('simple', 'extended')
{
	my ($stdout, $stderr) = bench('two', $mode);
	like($stdout, qr{processed: 120/120}, "six clients search over two connections, protocol $mode");
}
if ($release >= 21)
{
	set_pooler('max_prepared_statements = 100');
	my ($stdout, $stderr) = bench('two', 'prepared');
	like($stdout, qr{processed: 120/120}, 'and by prepared statements');
	set_pooler('max_prepared_statements = 0');
}
my ($stdout, $stderr) = bench('two', 'prepared');
like($stderr, qr/prepared statement "[^"]*" (already exists|does not exist)/, 'which otherwise are those of a connection');
is(answers('one', 'PREPARE mine AS SELECT 5'), '', 'a statement that is prepared in SQL');
is(answers('one', 'EXECUTE mine'), 5, 'is another client\'s too');

# Cursors and temporary tables
my $cursor = "FOR SELECT id FROM items ORDER BY v <-> '$v'";
my $fetched = $node->safe_psql('postgres', "SELECT id FROM items ORDER BY v <-> '$v' LIMIT 4");
is(answers('two', "BEGIN; DECLARE c CURSOR $cursor; FETCH 2 FROM c; FETCH 2 FROM c; COMMIT"), $fetched, 'a cursor of a transaction');
is(join("\n", answers('one', "DECLARE held CURSOR WITH HOLD $cursor; FETCH 2 FROM held"), answers('one', 'FETCH 2 FROM held')), $fetched,
	'one WITH HOLD is read on by another client');
my $temporary = "CREATE TEMP TABLE mine%s AS SELECT * FROM items WHERE id <= 100; CREATE INDEX ON mine USING hnsw (v vector_l2_ops);";
is(answers('two', 'BEGIN;' . sprintf($temporary, ' ON COMMIT DROP') . "SET LOCAL enable_seqscan = off; SELECT id FROM mine ORDER BY v <-> '$v' LIMIT 1; COMMIT; SELECT id FROM mine"),
	$node->safe_psql('postgres', "SELECT id FROM items WHERE id <= 100 ORDER BY v <-> '$v' LIMIT 1") . "\nERROR relation \"mine\" does not exist",
	'a temporary table of a transaction');
is(answers('one', sprintf($temporary, '')) . answers('one', 'SELECT count(*) FROM mine'), 100, 'any other is also another client\'s');

# Functions of a session
$first = client('one');
$first->query($search);
my $own = $first->query($distances);
is(answers('one', "SELECT count(*) FROM nearest('$v')"), 10, 'another client searches');
cmp_ok($first->query($distances), '>', $own, 'vector_last_scan() is of the last scan in the connection, another client\'s');
is($first->query("BEGIN; $search $distances COMMIT"), "10\n$own", 'in the transaction of the search it is of this');
$first->quit;
my $scans = q{SELECT scans FROM vector_stat_indexes() WHERE index = 'items_v'::regclass};
my $before = answers('one', $scans);
answers('two', $search) foreach 1 .. 3;
is(answers('one', $scans), $before + 3, 'statistics are those of all');
$pool->safe_psql('pgbouncer', 'RECONNECT');
my @buffers = map { answers('one', "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) $search") =~ /Buffers: shared hit=(\d+)/ } 1, 2;
cmp_ok($buffers[0], '>', $buffers[1], 'what a connection learns at its first search other clients have');

# postgres_fdw
SKIP:
{
	skip 'postgres_fdw is not installed', 2
	  unless $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'});
	$node->safe_psql('postgres', sprintf(q{
		CREATE EXTENSION postgres_fdw;
		CREATE SERVER pooled FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%s', port '%s', dbname 'fdw', extensions 'vector');
		CREATE USER MAPPING FOR CURRENT_USER SERVER pooled;
		CREATE FOREIGN TABLE there (id int, v vector(8)) SERVER pooled OPTIONS (table_name 'items')}, $pool->host, $pool->port));
	is($node->safe_psql('postgres', "SELECT id FROM there ORDER BY v <-> '$v' LIMIT 4"), $fetched, 'postgres_fdw searches by the pooler');
	is(answers('fdw', 'SHOW search_path; SELECT count(*) FROM items'), "pg_catalog\nERROR relation \"items\" does not exist", 'but leaves its search_path to others');
}
done_testing();
