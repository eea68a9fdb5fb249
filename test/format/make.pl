# Makes the test data of a format: FILE.tar.gz, with a file for each index of setup.sql or of another script, as the server has it but for LSNs and
# checksums, which are zero.
#
# version-2.tar.gz was made by the last commit that wrote version 2, adead71, built and installed for PostgreSQL 15:
#
#	PATH=.../15/bin:$PATH PERL5LIB=.../pgxs/src/test/perl PG_REGRESS=.../pg_regress perl test/format/make.pl version-2.tar.gz
#
# version-3-attributes.tar.gz has the indexes of attributes.sql, as the first commits wrote that knew attributes, made by
# 2804631: make.pl version-3-attributes.tar.gz rows.sql attributes.sql
#
# version-3-diskann.tar.gz has those of diskann.sql: make.pl version-3-diskann.tar.gz rows.sql diskann.sql
#
# version-3-axes.tar.gz has that of axes.sql: make.pl version-3-axes.tar.gz rows.sql axes.sql
#
# version-3-words.tar.gz has those of words.sql, whose segments keep a document of each row, made by e8c8ec6:
# make.pl version-3-words.tar.gz rows.sql words.sql
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Old;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $target = File::Spec->rel2abs(shift @ARGV // die "usage: make.pl FILE.tar.gz [SETUP.sql ...]\n");
my $node = PostgreSQL::Test::Cluster->new('made');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nvector.background_work = off\n");
$node->start;
create_tables($node, @ARGV);
is($node->safe_psql('postgres', 'SELECT sum(wrong_searches(name, type, operator)) FROM cases'), 0, 'searches are right');
my %files = index_files($node);
$node->stop;

my $folder = PostgreSQL::Test::Utils::tempdir();
foreach my $name (sort keys %files)
{
	my $pages = slurp_file($files{$name});
	# a page begins with its LSN, 8 bytes, and its checksum
	substr($pages, $_ * 8192, 10) = "\0" x 10 foreach 0 .. length($pages) / 8192 - 1;
	open my $out, '>:raw', "$folder/$name" or die $!;
	print $out $pages;
	close $out;
}
system_or_bail('sh', '-c', 'cd "$0" && tar c --sort=name --owner=0 --group=0 --mtime=@0 * | gzip -9n >"$1"', $folder, $target);
ok(-s $target, 'made ' . (-s $target) . ' bytes');
done_testing();
