# Indexes of format version 2 are read, written, and merged away
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/../format";
use Items;
use Old;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'the format is ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
jit = off
vector.background_work = off
vector.idle_merge_delay = 0
CONF
$node->start;
create_tables($node);
put_files($node, 'version-2.tar.gz', plain => \&fill_directory);

# A directory of version 2 that is full: extents that were retired long ago, after the file's end.
sub fill_directory
{
	my ($pages) = @_;
	my $count = unpack 'V', substr $pages, 120, 4;
	substr($pages, 128 + $_ * 40, 40) = pack 'VvvVVQ<Q<q<', 1000 + $_, 4, 0, 1_000_000 + $_, 1, 0, 3, 0 foreach $count .. 200;
	substr($pages, 96, 4) = pack 'V', 2000;    # the next uid
	substr($pages, 120, 4) = pack 'V', 201;
	return $pages;
}

sub sql { return $node->safe_psql('postgres', @_); }

my $wrong = 'SELECT sum(wrong_searches(name, type, operator)) FROM cases';
my $versions = "SELECT DISTINCT version FROM vector_segments() WHERE kind IN ('growing', 'sealed') ORDER BY version";

# Every row of each table is in its index, once, and searches give what the table has.
sub sound
{
	my ($name, $at) = @_;
	$at //= $node;
	is($at->safe_psql('postgres', $wrong), 0, "$name: searches are right");
	my $counts = $at->safe_psql('postgres', "SELECT string_agg(format('(SELECT vector_index_check(%L) - count(*) FROM %I)',
		name || '_v', name), '+') FROM cases");
	is($at->safe_psql('postgres', "SELECT $counts"), 0, "$name: the indexes are sound and complete");
}

is(sql($versions), 2, 'segments are of version 2');
is(sql("SELECT count(*) FROM vector_segments() WHERE index = 'plain_v'::regclass"), 201, 'with a full directory');
is(sql("SELECT string_agg(DISTINCT kind || ' ' || count, ', ') FROM (SELECT kind, count(*) FROM vector_segments()
	WHERE kind IN ('growing', 'sealed') AND dead > 0 GROUP BY kind) s"), 'growing 7, sealed 14', 'with dead rows');
like(sql("SET enable_seqscan = off; EXPLAIN SELECT * FROM $_->[0] ORDER BY v $_->[1] '$_->[2]'"), qr/Index Scan using $_->[0]_v/,
	"the planner uses $_->[0]_v")
  foreach ['coded', '<->', '[1,1,1,1,1,1,1,1]'], ['sparse', '<->', '{1:1}/8'], ['lists', '<->', '[1,1,1,1,1,1,1,1]'];
sound('version 2');

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
sound('standby', $standby);

sub sound_everywhere
{
	my ($name) = @_;
	sound($name);
	$node->wait_for_catchup($standby);
	sound("$name, standby", $standby);
}

# Inserting rows does not change the directory.
sql('SELECT add_rows(name, 71, 74) FROM cases');
is(sql($versions), 2, 'rows are inserted into segments of version 2');
sound_everywhere('inserted');

# The first change converts it: a growing segment is sealed.
sql('SELECT vector_seal((name || \'_v\')::regclass) FROM cases');
is(sql("SELECT kind, version, count(*) FROM vector_segments() WHERE kind IN ('growing', 'sealed')
	GROUP BY kind, version ORDER BY version"), "sealed|2|14\nsealed|3|7", 'what is sealed now is of version 3');
is(sql("SELECT string_agg(DISTINCT method, ', ') FROM vector_segments() WHERE index = 'coded_v'::regclass AND kind = 'sealed'"),
	'flat, graph', 'graphs, and few rows flat');
is(sql("SELECT DISTINCT method FROM vector_segments() WHERE index = 'flat_v'::regclass AND kind = 'sealed'"), 'lists', 'lists');
sql('SELECT add_rows(name, 75, 84) FROM cases');
sound_everywhere('converted');
$node->stop('immediate');
$node->start;
sound_everywhere('recovered');

# Dead rows, and workers.
sql("SELECT format('DELETE FROM %I WHERE id %% 27 = 5', name) FROM cases \\gexec");
set_for_all($node, 'vector.background_work = on');
sql("SELECT format('VACUUM %I', name) FROM cases \\gexec");
ok($node->poll_query_until('postgres', "SELECT bool_and(version = 3) FROM vector_segments() WHERE kind <> 'retired'"),
	'workers write segments again until none is of version 2');
sound_everywhere('merged');
# What a later library wrote is refused, with a hint: another version (at byte 68 of the file), features (at byte 124).
foreach ([68, pack('v', 4), 'has format version 4, this library knows 2 to 3'],
	[124, pack('V', 1 << 30), 'has features that this library does not know'])
{
	my ($place, $bytes, $error) = @$_;
	my %files = index_files($node);
	$node->stop;
	open my $file, '+<:raw', $files{coded} or die $!;
	sysseek $file, $place, 0;
	sysread $file, my $before, length $bytes;
	sysseek $file, $place, 0;
	syswrite $file, $bytes;
	$node->start;
	my ($code, $out, $stderr) = $node->psql('postgres', "SET enable_seqscan = off; SELECT count(*) FROM
		(SELECT 1 FROM coded ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 1) s; SELECT add_rows('coded', 100, 100)");
	like($stderr, qr/WARNING:  index "coded_v" is not in the format.*ERROR:  index "coded_v" $error.*HINT:  Use the library/s, $error);
	is($out, 1, 'the table can be read');
	$node->stop;
	sysseek $file, $place, 0;
	syswrite $file, $before;
	close $file;
	$node->start;
}
sound('as it was');

done_testing();
