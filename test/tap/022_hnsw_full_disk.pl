# A full disk, whatever the index does: a clear error, nothing lost, no blocks leaked
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'segments are ours' if $ENV{VECTOR_PEER};

# a limit on the size of files simulates a full disk: write fails
my $limit = 6 * 1024;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => ['--wal-segsize=1']);
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
maintenance_work_mem = 16MB
vector.idle_merge_delay = 0
CONF
$node->start;
create_items($node, 100);
$node->safe_psql('postgres',
	'CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (seal_rows = 300)');

sub restart
{
	my ($limited) = @_;
	$node->stop;
	if (!$limited)
	{
		$node->start;
		return;
	}
	system_or_bail('bash', '-c', "ulimit -f $limit; exec pg_ctl -w -D '" . $node->data_dir . "' -l '"
		. $node->logfile . "' start >/dev/null");
	$node->_update_pid(1);
}

my $next = 1;

# Inserts, and returns the error message.
sub insert
{
	my ($count, $settings) = @_;
	my ($low, $high) = ($next, $next + $count - 1);
	$next += $count;
	my ($code, $out, $error) = $node->psql('postgres', ($settings // '')
		. "INSERT INTO items SELECT n, place(n) FROM generate_series($low, $high) n");
	return $error;
}

sub sound
{
	my ($name) = @_;
	is($node->safe_psql('postgres', "SELECT count(*) = vector_index_check('items_v') FROM items
		WHERE id IS NOT NULL"), 't', "$name: the index is sound and complete");
	# a graph need not lead to every node: a few rows may be missed
	cmp_ok(lost_rows($node, 'id % 7, id', 100), '<=', 3, "$name: rows are found") or diag($node->safe_psql('postgres',
		"SELECT string_agg(kind || ' ' || rows, ', ') FROM vector_segments() WHERE rows IS NOT NULL"));
}

my $full = qr/could not (?:extend|write)[^\n]*(?:File too large|No space left)|wrote only \d+ of \d+ bytes/;
my $session = 'LOAD $$vector$$; SET vector.background_work = off;';
foreach my $case ([ 'sealed by workers', '' ], [ 'sealed by the session', $session ],
	[ 'with attributes', $session, 'hnsw', ', id, (repeat(md5(id::text), id % 20))' ],
	[ 'diskann', '', 'diskann', ', (repeat(md5(id::text), id % 30))' ],
	[ 'sparse', $session, 'sparse', ', id' ],
	[ 'bm25', $session, 'bm25', ', id' ])
{
	my ($name, $settings, $method, $attributes) = @$case;
	$node->safe_psql('postgres', "DROP INDEX items_v;
		CREATE INDEX items_v ON items USING $method (@{[ column_of($method, 100) ]}$attributes) WITH (@{[ $with{$method} =~ s/200/300/r ]})") if $method;
	restart(1);
	my $error = '';
	for (my $i = 0; $i < 400 && $error eq ''; $i++)
	{
		$error = insert(100, $settings);
	}
	like($error, $full, "$name: an insert meets the full disk");
	unlike($error, qr/PANIC|server closed/, "$name: and that is all");
	$node->safe_psql('postgres', 'SELECT count(*) FROM items');

	# by hand it fails with a clear error, or finds room
	foreach my $sql ("SELECT vector_seal('items_v')", "SELECT vector_merge('items_v')",
		'REINDEX INDEX items_v', 'VACUUM items')
	{
		my ($code, $out, $message) = $node->psql('postgres', $sql);
		ok($code == 0 || $message =~ $full, "$name: $sql works or says why not") or diag($message);
	}
	restart(0);
	$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON) items');
	sound($name);
	is(insert(400), '', "$name: with space again it goes on");
	$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM vector_jobs() WHERE state <> 'failed'")
	  or die 'the workers do not come to an end';
	sound("$name, later");
	is($node->safe_psql('postgres', "SELECT count(*) FROM vector_segments() WHERE kind = 'reserved'"), 0,
		"$name: nothing is reserved by nobody");
	$node->safe_psql('postgres', "DELETE FROM items WHERE id < $next - 500; VACUUM (INDEX_CLEANUP ON) items;
		SELECT vector_seal('items_v'), vector_merge('items_v'); SELECT txid_current();
		VACUUM (INDEX_CLEANUP ON) items");
	my $size = $node->safe_psql('postgres', "SELECT pg_relation_size('items_v')");
	$node->safe_psql('postgres', 'REINDEX INDEX items_v');
	cmp_ok($size, '<=', 1.5 * $node->safe_psql('postgres', "SELECT pg_relation_size('items_v')"),
		"$name: no blocks are leaked");
}

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11/, 'nothing bad in the log');
done_testing();
