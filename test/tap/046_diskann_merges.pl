# Background workers seal and merge segments of diskann, which keep no vectors
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
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
vector.idle_merge_delay = 0
CONF
$node->start;
create_items($node, 16, 'postgres');
sub sql { return $node->safe_psql('postgres', @_); }
sql('CREATE INDEX items_v ON items USING diskann (v vector_l2_ops) WITH (seal_rows = 300)');

my $idle = 'SELECT count(*) = 0 FROM vector_jobs()';
my $sealed = "SELECT count(*) FROM vector_segments() WHERE kind = 'sealed'";

sub sound
{
	my ($name) = @_;
	ok($node->poll_query_until('postgres', $idle), "$name: the workers end");
	like(sql("VACUUM items; SELECT count(*), vector_index_check('items_v') FROM items"),
		qr/^(\d+)\|\1$/, "$name: the index is sound and complete");
	is(lost_rows($node, 'id % 7, id', 200), 0, "$name: rows are found");
}

# processes that make the first segments at the same time, and many more after them
my @inserting = map {
	my ($from, $to) = ($_ * 1500 + 1, $_ * 1500 + 1500);
	IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-c',
			"INSERT INTO items SELECT n, place(n) FROM generate_series($from, $to) n" ])
} 0 .. 3;
$_->finish foreach @inserting;
is(sql('SELECT count(*) FROM items'), 6000, 'rows are inserted at the same time');
sound('inserted');
cmp_ok(sql($sealed), '<=', 6, 'segments are merged');

# most rows die, their segments are merged with themselves, and new ones with these
sql('DELETE FROM items WHERE id % 4 > 0');
sql('VACUUM items');
sound('deleted');
is(sql("SELECT count(*) FROM vector_segments() WHERE kind = 'sealed' AND dead > rows / 2"), 0, 'dead rows leave the segments');
sql('INSERT INTO items SELECT n, place(n) FROM generate_series(1, 6000) n WHERE n % 4 > 0');
sound('inserted again');
cmp_ok(sql($sealed), '<=', 6, 'segments are merged again');

done_testing();
