# VACUUM seals within its own limits: autovacuum in autovacuum_work_mem, and both with cost delay
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'sealing is ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
fsync = off
autovacuum_naptime = 1s
autovacuum_vacuum_insert_threshold = 100
autovacuum_vacuum_insert_scale_factor = 0
autovacuum_work_mem = 1MB
maintenance_work_mem = 64MB
vector.background_work = off
CONF
$node->start;
create_place($node, 16);

sub sql { return $node->safe_psql('postgres', @_); }
sub create
{
	my ($table, $seal_rows) = @_;
	sql("CREATE TABLE $table (v vector(16)) WITH (autovacuum_enabled = off);
		CREATE INDEX ${table}_v ON $table USING hnsw (v vector_l1_ops) WITH (seal_rows = $seal_rows)");
}
my $sealed = "SELECT count(*) FILTER (WHERE kind = 'sealed'), count(*) FILTER (WHERE kind = 'growing') FROM vector_segments()";

# graphs of nodes without codes are as large as the memory allows
create('large', 64000);
sql('INSERT INTO large SELECT place(n) FROM generate_series(1, 6000) n; ALTER TABLE large SET (autovacuum_enabled = on)');
ok($node->poll_query_until('postgres', "SELECT count(*) FILTER (WHERE kind = 'growing') = 0 FROM vector_segments()"),
	'autovacuum seals');
my ($segments) = split(/\|/, sql($sealed));
cmp_ok($segments, '>=', 2, 'in autovacuum_work_mem');
sql('ALTER TABLE large SET (autovacuum_enabled = off); TRUNCATE large;
	INSERT INTO large SELECT place(n) FROM generate_series(1, 6000) n; VACUUM large');
is(sql($sealed), '1|0', 'VACUUM in maintenance_work_mem');
sql('DROP TABLE large');

# VACUUM sleeps while it seals, because of the cost of reading rows
create('small', 1000);
sql('INSERT INTO small SELECT place(n) FROM generate_series(1, 600) n');
my $vacuum = $node->background_psql('postgres', on_error_stop => 0);
$vacuum->query_until(qr/begun/, "SET vacuum_cost_page_dirty = 0;\nSET vacuum_cost_page_miss = 0;\nSET vacuum_cost_delay = 100;
	\\echo begun\nVACUUM small;\n");
my $cleans = "FROM pg_stat_progress_vacuum p JOIN pg_stat_activity a USING (pid)
	WHERE phase = 'cleaning up indexes' AND wait_event = 'VacuumDelay'";
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 $cleans"), 'a seal of VACUUM sleeps');
sql("SELECT pg_cancel_backend(pid) $cleans");
$vacuum->quit;
is(sql("SELECT count(*) FROM vector_segments() WHERE kind = 'reserved'"), 0, 'and can be cancelled');
sql('VACUUM small');
is(sql($sealed), '1|0', 'without a delay it comes to its end');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11/, 'nothing bad in the log');
done_testing();
