# Indexes of an older format: the tables of setup.sql or other scripts, whose index files are kept here
package Old;

use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Utils;

our @EXPORT = qw(create_tables index_files put_files);

# Makes the tables and their indexes.
sub create_tables
{
	my ($node, @setup) = @_;
	@setup = 'setup.sql' if !@setup;
	$node->safe_psql('postgres', slurp_file(__FILE__ =~ s/Old\.pm$/$_/r)) foreach @setup;
	return;
}

# The paths of the indexes' files by name, of a running server.
sub index_files
{
	my ($node) = @_;
	return map { split /\|/ } split /\n/, $node->safe_psql('postgres',
		"SELECT name, current_setting('data_directory') || '/' || pg_relation_filepath((name || '_v')::regclass) FROM cases");
}

# Puts files that make.pl made into the indexes' places, changed by functions of some names; the server is started again.
sub put_files
{
	my ($node, $archive, %change) = @_;
	my %files = index_files($node);
	my $folder = PostgreSQL::Test::Utils::tempdir();
	my $checksums = $node->safe_psql('postgres', 'SHOW data_checksums');
	$node->stop;
	system_or_bail('pg_checksums', '--disable', '-D', $node->data_dir) if $checksums eq 'on';
	system_or_bail('sh', '-c', 'gzip -dc "$0" | tar xC "$1"', __FILE__ =~ s/Old\.pm$/$archive/r, $folder);
	foreach my $name (sort keys %files)
	{
		my $pages = slurp_file("$folder/$name");
		$pages = $change{$name}->($pages) if $change{$name};
		open my $out, '>:raw', $files{$name} or die "$files{$name}: $!";
		print $out $pages;
		close $out;
	}
	$node->start;
	return;
}

1;
