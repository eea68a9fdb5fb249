#!/bin/bash
# Build the extension, start a primary and two standbys, spread searches over these, and promote one.
set -euo pipefail
umask 022

usage() {
	cat <<'EOF'
usage: demo/replica.sh [--keep] [--port N]

  --keep     leave the servers running at the end
  --port N   port number in the name of the primary's socket (default 54340); the standbys have the
             next two
  --help     this text

Like demo/run.sh, but with streaming replicas. Each line that begins with "ok" is a check; the exit
status is 0 if all hold.
EOF
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
port=54340
declare -A package_of=() header_of=()
. "$here/server.sh"
((port <= 65533)) || fail "--port needs a number up to 65533, as the next two are taken as well"

# ---- connections -------------------------------------------------------------------------------

# replica3 is the standby made in the place of the lost primary
declare -A port_of=([primary]=$port [replica1]=$((port + 1)) [replica2]=$((port + 2)) [replica3]=$port)

sql() {
	"$bin/psql" -XAtq -v ON_ERROR_STOP=1 "$@"
}

# Runs a statement on a server.
on() {
	sql -d "host='$dir' port=${port_of[$1]} dbname=films user=postgres" -c "$2"
}

# What a client connects to: the three servers, in an order of ports, and which of them it wants.
hosts() {
	echo "host='$dir,$dir,$dir' port=$1 dbname=films user=postgres target_session_attrs=$2"
}

# Prints what a reader connects to, the i-th of many.  Where libpq does not shuffle servers (before 16), every other
# reader names them from the last to the first.
reader() {
	local ports=$port,$((port + 1)),$((port + 2))
	if [[ $shuffles ]]; then
		echo "$(hosts "$ports" prefer-standby) load_balance_hosts=random"
	elif (($1 % 2)); then
		hosts "$((port + 2)),$((port + 1)),$port" prefer-standby
	else
		hosts "$ports" prefer-standby
	fi
}

say() {
	printf '\n%s\n' "$@"
}

check() {
	local what=$1
	shift
	if "$@"; then
		echo "ok - $what"
	else
		echo "not ok - $what"
		exit 1
	fi
}

# Waits until a condition holds on a server.
await() {
	local i
	for ((i = 0; i < 1000; i++)); do
		[[ $(on "$1" "SELECT $2") != t ]] || return 0
		sleep 0.05
	done
	fail "after a minute on $1 not yet: $2"
}

# ---- steps -------------------------------------------------------------------------------------

# Makes a standby of a server, and starts it.
add_standby() {
	"${as_server[@]}" "$bin/pg_basebackup" -h "$dir" -p "${port_of[$2]}" -U postgres -D "$dir/$1" \
		--write-recovery-conf --checkpoint=fast --no-sync
	run_server "$1" "${port_of[$1]}" \
		"-c cluster_name=$1 -c hot_standby_feedback=on -c wal_retrieve_retry_interval=200ms"
}

# Lets COMMIT on a primary wait until its two standbys, or its one, show what was written.
wait_for_standbys() {
	local primary=$1
	shift
	on "$primary" "ALTER SYSTEM SET synchronous_standby_names = 'FIRST $# ($(IFS=, && echo "$*"))'"
	on "$primary" "SELECT FROM pg_reload_conf()"
	await "$primary" "count(*) FILTER (WHERE sync_state = 'sync') = $# FROM pg_stat_replication"
	on "$primary" CHECKPOINT        # the checkpointer tells sessions to wait; it has read the setting by then
}

# Searches by the index: ten films for each hundredth one.
answers() {
	on "$1" 'SET enable_seqscan = off; SELECT id, ARRAY(SELECT id FROM films
		ORDER BY embedding <=> wanted.embedding LIMIT 10) FROM films wanted WHERE id % 100 = 0 ORDER BY id'
}

by_index() {
	on "$1" 'SET enable_seqscan = off; EXPLAIN SELECT id FROM films
		ORDER BY embedding <=> (SELECT embedding FROM films LIMIT 1) LIMIT 10' |
		grep -q 'Index Scan using films_embedding'
}

# Whether servers give a primary's answers, once its workers rest and what they wrote is there.
same_answers() {
	local name primary=$1 written want
	shift
	await "$primary" 'count(*) = 0 FROM vector_jobs()'
	written=$(on "$primary" 'SELECT pg_current_wal_lsn()')
	want=$(answers "$primary")
	(($(wc -l <<<"$want") > 50)) || return 1
	for name in "$@"; do
		await "$name" "pg_last_wal_replay_lsn() >= '$written'"
		by_index "$name" && [[ $(answers "$name") == "$want" ]] || return 1
	done
}

# The nearest film to the embedding of one that arrives is that film, on a server.
finds() {
	[[ $(on "$1" "SELECT id FROM films ORDER BY embedding <=> '${2##*$'\t'}' LIMIT 1") == "${2%%$'\t'*}" ]]
}

# Writes a film by whichever server is the primary.
write() {
	sql -d "$(hosts "$port,$((port + 1)),$((port + 2))" primary)" -c 'COPY films FROM STDIN' <<<"$1"
}

# Writes films one by one; each is to be found on the standbys at once.
arrive() {
	local film name films=$1
	shift
	while IFS= read -r film; do
		write "$film"
		for name in "$@"; do
			finds "$name" "$film" || { echo "$name does not find: $(cut -f 2 <<<"$film")"; return 1; }
		done
	done <<<"$films"
}

# Readers connect one after the other; the two standbys, and nobody else, answer them, all the same.
spread() {
	local i name found
	local -A asked=() answer=()
	for ((i = 0; i < 20 || (i < 200 && ${#asked[@]} < 2); i++)); do
		IFS='|' read -r name found < <(sql -d "$(reader "$i")" -c "
			SELECT CASE WHEN pg_is_in_recovery() THEN current_setting('cluster_name') ELSE 'the primary' END,
			ARRAY(SELECT title FROM films ORDER BY embedding <=> (SELECT embedding FROM films
			WHERE title = 'Alien') LIMIT 4)") || return 1
		asked[$name]=$((${asked[$name]:-0} + 1))
		answer[$found]=yes
	done
	echo "near to Alien: ${!answer[*]}"
	for name in "${!asked[@]}"; do
		echo "$name answered ${asked[$name]}"
	done
	((${#answer[@]} == 1 && ${#asked[@]} == 2 && ${asked[$1]:-0} > 0 && ${asked[$2]:-0} > 0))
}

# ---- the demo ----------------------------------------------------------------------------------

begin_demo
shuffles=$(sql -d "$(hosts "$port" any) load_balance_hosts=random" -c 'SELECT true' 2>/dev/null || true)
echo "Starting two standbys ..."
add_standby replica1 primary
add_standby replica2 primary
echo "Unpacking the films ..."
unpack films
cut -f 1,2,10 films.tsv >all.tsv
new=$(tail -n 21 all.tsv)
head -n -21 all.tsv >films.tsv
run_sql replica
wait_for_standbys primary replica1 replica2

say "== Searches on standbys ==" "A client names all servers and takes a standby where there is one:" "    $(reader 0)"
check "two standbys answer 20 readers alike" spread replica1 replica2
check "searches by the index give the same films on all three" same_answers primary replica1 replica2

say "== Fresh answers ==" "With synchronous_commit = remote_apply, COMMIT returns when both standbys show the row."
on primary 'ALTER DATABASE films SET synchronous_commit = remote_apply'
check "each of ten films is found by its embedding on both at once" arrive "$(head -n 10 <<<"$new")" replica1 replica2
film=$(sed -n 11p <<<"$new")
on replica2 'SELECT FROM pg_wal_replay_pause()'
await replica2 "pg_get_wal_replay_pause_state() = 'paused'"
write "$film" &
await primary "count(*) = 1 FROM pg_stat_activity WHERE query ~ '^COPY films' AND wait_event = 'SyncRep'"
if finds replica2 "$film"; then fail "replica2 shows what it should not have replayed"; fi
echo "ok - replica2 is held up: COMMIT waits"
on replica2 'SELECT FROM pg_wal_replay_resume()'
wait $!
check "replica2 goes on: COMMIT returned, and replica1 finds the film" finds replica1 "$film"
check "replica2 finds it as well" finds replica2 "$film"
count=$(on primary 'SELECT count(*) FROM films')

say "== The primary is lost =="
"${as_server[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null
check "standbys answer without a primary" spread replica1 replica2
# The one that has received more takes over, so that the other can follow.
for name in replica1 replica2; do
	await "$name" 'count(*) = 0 FROM pg_stat_wal_receiver'
done
received='SELECT greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())'
first=replica1 second=replica2
if [[ $(on replica2 "$received > '$(on replica1 "$received")'") == t ]]; then
	first=replica2 second=replica1
fi
check "$first is promoted" [ "$(on "$first" 'SELECT pg_promote()')" = t ]
on "$second" "ALTER SYSTEM SET primary_conninfo = 'host=''$dir'' port=${port_of[$first]} user=postgres'"
on "$second" 'SELECT FROM pg_reload_conf()'
wait_for_standbys "$first" "$second"
check "$second follows it on its timeline" \
	[ "$(on "$second" "SELECT received_tli FROM pg_stat_wal_receiver")" = 2 ]
check "all $count films are there" [ "$(on "$first" 'SELECT count(*) FROM films')" = "$count" ]
check "clients find the new primary, and $second each of five films at once" \
	arrive "$(sed -n 12,16p <<<"$new")" "$second"

say "== A new standby in its place =="
"${as_server[@]}" rm -rf "$dir/data"
add_standby replica3 "$first"
wait_for_standbys "$first" "$second" replica3
check "each of five more films is found on both standbys at once" \
	arrive "$(tail -n 5 <<<"$new")" "$second" replica3
check "two standbys answer 20 readers alike" spread "$second" replica3
check "searches by the index give the same films on all three" same_answers "$first" "$second" replica3

rm -f all.tsv
port=${port_of[$first]}
end_demo
