#!/bin/bash
# Build the extension, start a private PostgreSQL, load 9,750 films and search them.
set -euo pipefail
umask 022

usage() {
	cat <<'EOF'
usage: demo/run.sh [--keep] [--port N]

  --keep     leave the server running at the end
  --port N   port number in the name of the server's socket (default 54329)
  --help     this text

Installs what is missing with apt-get (as root on Debian or Ubuntu; elsewhere it names what is
missing), builds the extension and shows searches over real films. Uses any PostgreSQL 15 to 18
that is found, the newest first; the environment variable PG_CONFIG chooses another.

Everything but the packages lives in one folder under ${TMPDIR:-/tmp} that is removed when the
server stops: the build, a copy of the postgres program that finds the extension there, and the
database. The server listens on a Unix socket in that folder only.
EOF
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
port=54329
declare -A package_of=() header_of=()
. "$here/server.sh"

begin_demo
echo "Unpacking the films ..."
unpack films queries judgments
run_sql load 1-meaning 2-filters 3-hybrid 4-similar 5-quality 6-index
end_demo
