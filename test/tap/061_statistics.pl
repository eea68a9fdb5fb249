# Cumulative statistics: other sessions see them, background workers are counted, a clean restart keeps them if the library is
# preloaded, a crash ends them, and a damaged file is as none
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'statistics are ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
restart_after_crash = on
shared_preload_libraries = 'vector'
vector.idle_merge_delay = 0
CONF
$node->start;
create_items($node, 8);

sub sql { return $node->safe_psql('postgres', @_); }
sub counters { return sql("SELECT $_[0] FROM vector_stat_indexes() WHERE index = 'items_v'::regclass"); }
sub search { sql("SET enable_seqscan = off; SELECT id FROM items ORDER BY v <-> place($_) LIMIT 3") for 1 .. $_[0]; }

sql("DROP TABLE IF EXISTS items; CREATE TABLE items (id int, v vector(8));
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (seal_rows = 100)");
search(5);
is(counters('scans'), 5, 'a session sees what others have done');

# workers
sql("INSERT INTO items SELECT n, place(n) FROM generate_series(1, 1000) n");
$node->poll_query_until('postgres', "SELECT sum(steps) FILTER (WHERE phase = 'sealing') > 0 FROM vector_stat_workers()")
	or die 'no worker has sealed';
$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()') or die 'workers do not end';
is(sql("SELECT bool_and(segments >= steps AND busy_ms > 0 AND failures = 0) FROM vector_stat_workers() WHERE phase = 'sealing'"), 't',
	'workers are counted');
is(counters('rows_inserted, seals > 0, wal_bytes > 0'), '1000|t|t', 'and their work with the index');

# a clean restart
sql("SELECT vector_recall('items_v', k => 3, samples => 5)");
my $recall = counters('recall, recall_k, recall_at');
my $before = counters('scans, hops, rows_inserted, seals, merges, stats_since');
$node->restart;
is(counters('scans, hops, rows_inserted, seals, merges, stats_since'), $before, 'a restart keeps the statistics');
is(counters('recall, recall_k, recall_at'), $recall, 'and the last recall');
ok(!-e $node->data_dir . '/pg_stat/vector_counters', 'there is no file while the server runs');
search(2);
cmp_ok(counters('scans'), '==', (split /\|/, $before)[0] + 2, 'and they go on');

# a damaged file
$node->stop;
my $file = $node->data_dir . '/pg_stat/vector_counters';
ok(-e $file, 'a stopped server has a file');
open my $handle, '+<', $file or die;
seek $handle, 1000, 0;
print $handle 'x' x 100;
close $handle;
$node->start;
is(counters('scans, rows_inserted'), '0|0', 'a damaged file is as none');
search(3);
is(counters('scans'), 3, 'and statistics begin anew');
ok(!-e $file, 'without it');

# a process crashes: the server begins anew by itself
my $victim = $node->background_psql('postgres', on_error_stop => 0);
my $victim_pid = $victim->query_safe('SELECT pg_backend_pid()');
kill 'KILL', $victim_pid;
$node->poll_query_until('postgres', 'SELECT true') or die 'the server does not come back';
is(counters('scans'), 0, 'the crash of a process ends the statistics');
search(1);
is(counters('scans'), 1, 'after which searches are counted');
eval { $victim->quit };

# a search that takes long is logged, with its statement
my $offset = -s $node->logfile;
sql("SET vector.log_min_duration = 0; SET enable_seqscan = off; SELECT id FROM items ORDER BY v <-> place(1) LIMIT 3 /* slow */");
like(slurp_file($node->logfile, $offset),
	qr/LOG:  search of index "public\.items_v" took \d+\.\d{3} ms\n.*DETAIL:  hnsw\.ef_search = 40; \d+ segments.*\n.*STATEMENT:.*slow/,
	'a slow search is logged');

# not preloaded: they live as long as the server
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;
search(4);
is(counters('scans >= 4'), 't', 'without preloading');
$node->restart;
is(counters('scans'), 0, 'a restart ends them');
$node->stop;
done_testing();
