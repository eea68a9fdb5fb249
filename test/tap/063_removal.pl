# An index that is dropped, emptied or built again, or whose database is dropped, while a worker seals, merges or tiers it: the
# command goes through, and the worker leaves no file, no error and no object behind
use strict;
use warnings;
use File::Find;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'workers are ours' if $ENV{VECTOR_PEER};

my $store = PostgreSQL::Test::Utils::tempdir;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
jit = off
vector.idle_merge_delay = 0
vector.merge_factor = 2
vector.tier_retention = 0
CONF
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION vector');
plan skip_all => 'not compiled with wait points' if !has_wait_points($node);

my $database = 'postgres';
sub sql { return $node->safe_psql($database, @_); }

my %columns = (sparse => '(v::sparsevec(16)) sparsevec_ip_ops', bm25 => 'words');
my %options = (%with, diskann => 'seal_rows = 200, storage = full', bm25 => "seal_rows = 200, text_config = 'pg_catalog.simple'");
my $off = 'SET vector.background_work = off;';

sub insert
{
	my ($before) = @_;
	return "$before INSERT INTO items SELECT n, place(n), 'word' || n % 50 || ' thing' FROM generate_series(1, 300) n";
}

sub create
{
	my ($method, $more) = @_;
	my $column = $columns{$method} // 'v vector_l2_ops';
	sql("CREATE TABLE items (id int, v vector(16), words text);
		CREATE INDEX items_v ON items USING $method ($column) WITH ($options{$method}$more)");
	return;
}

# What there is to do for a worker, and where it stops.
my %work = (
	seal => sub { my ($method) = @_; create($method, ''); sql(insert('')); },
	merge => sub {
		my ($method) = @_;
		create($method, '');
		sql(insert($off) . "; SELECT vector_seal('items_v')");
		sql(insert($off) . "; SELECT vector_seal('items_v')");
		sql('VACUUM items');
	},
	tier => sub {
		my ($method) = @_;
		create($method, ", tier = cold, tier_after = '0', tier_min_rows = 1");
		sql(insert($off) . "; SELECT vector_seal('items_v')");
		sql('VACUUM items');
	});

sub objects
{
	my $count = 0;
	find(sub { $count++ if -f $_ }, $store);
	return $count;
}

# Files in the database's folder that belong to no relation, and temporary ones.
sub leaked
{
	sql('CHECKPOINT');
	my $files = sql(q{SELECT coalesce(string_agg(name, ' '), '') FROM pg_ls_dir((SELECT 'base/' || oid FROM pg_database
		WHERE datname = current_database())) name
		WHERE name ~ '^[0-9]' AND regexp_replace(name, '[_.].*', '')::oid NOT IN
			(SELECT pg_relation_filenode(oid) FROM pg_class WHERE pg_relation_filenode(oid) IS NOT NULL)});
	# but for the cache of what is read from stores, which is one
	my $temporary = join ' ', grep { !/pgsql_tmp_vector/ } glob $node->data_dir . '/base/pgsql_tmp/*';
	return $files . $temporary;
}

sub done
{
	my ($name) = @_;
	ok($node->poll_query_until($database, 'SELECT count(*) = 0 FROM vector_jobs()'), "$name: no job is left")
	  or diag(sql('SELECT * FROM vector_jobs()'));
	return;
}

my @cases = (
	[ 'merge', 'diskann', 'grow', 'DROP INDEX items_v' ],
	[ 'merge', 'diskann', 'flip', 'DROP TABLE items' ],
	[ 'merge', 'diskann', 'reserved', 'TRUNCATE items' ],
	[ 'merge', 'diskann', 'closed', 'REINDEX INDEX items_v' ],
	[ 'merge', 'diskann', 'counted', 'REINDEX INDEX CONCURRENTLY items_v' ],
	[ 'seal', 'diskann', 'grow', 'DROP TABLE items' ],
	[ 'seal', 'hnsw', 'grow', 'REINDEX TABLE items' ],
	[ 'merge', 'ivf', 'write', 'TRUNCATE items' ],
	[ 'merge', 'sparse', 'write', 'DROP INDEX items_v' ],
	[ 'merge', 'bm25', 'write', 'TRUNCATE items' ],
	[ 'tier', 'diskann', 'store', 'DROP INDEX items_v' ],
	[ 'tier', 'diskann', 'stored', 'TRUNCATE items' ],
	[ 'tier', 'diskann', 'stored', 'REINDEX INDEX items_v' ],
	[ 'tier', 'ivf', 'store', 'DROP TABLE items' ],
	[ 'merge', 'diskann', 'grow', 'DROP DATABASE victim' ],
	[ 'tier', 'diskann', 'stored', 'DROP DATABASE victim' ]);

foreach my $case (@cases)
{
	my ($work, $method, $place, $command) = @$case;
	my $name = "$work of $method at $place, $command";
	my $whole = $command =~ /DATABASE/;

	$database = $whole ? 'victim' : 'postgres';
	$node->safe_psql('postgres', 'CREATE DATABASE victim') if $whole;
	if ($whole || $case == $cases[0])
	{
		sql("CREATE EXTENSION IF NOT EXISTS vector;
			CREATE FUNCTION place(id bigint) RETURNS vector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
				\$\$SELECT array_agg((hashint8extended(id, d) & 1023)::real)::vector FROM generate_series(1, 16) d\$\$;
			CREATE SERVER cold FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path '$store')");
	}
	set_for_all($node, "vector.wait_point = '$place!'");
	{
		# only workers stop
		local $ENV{PGOPTIONS} = '-c vector.wait_point=';
		$work{$work}->($method);
		ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity
			WHERE backend_type = 'vector worker' AND wait_event = 'PgSleep'}), "$name: a worker stops")
		  or diag(sql('SELECT * FROM vector_jobs()'));
		my ($status, $stdout, $stderr) = $node->psql($whole ? 'postgres' : $database,
			"SET client_min_messages = warning; $command");
		is("$status$stderr", '0', "$name: goes through");
		# what is new may be worked on
		set_for_all($node, "vector.wait_point = ''");
		$database = 'postgres';
		done($name);
		if ($command =~ /REINDEX/)
		{
			is(sql("SELECT count(*) - vector_index_check('items_v') FROM items"), 0, "$name: the index is sound");
		}
		sql('DROP TABLE IF EXISTS items');
		done("$name, dropped");
		is(leaked(), '', "$name: no file is left");
	}
}
sql("SELECT txid_current(); SELECT vector_tier_collect('cold')");
is(objects(), 0, 'no object is left that is not collected');
is(sql("SELECT count(*) FROM pg_locks WHERE locktype IN ('page', 'advisory')"), 0, 'and no lock');

my @lines = grep { /PANIC|TRAP|signal|ERROR|FATAL|WARNING/ } split /\n/, slurp_file($node->logfile);
is(join("\n", @lines), '', 'nothing bad in the log');
$node->stop;
done_testing();
