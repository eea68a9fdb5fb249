#!/bin/bash
# Build the extension, start a private PostgreSQL, load 9,750 films, search them, and show the dashboard of their indexes.
set -euo pipefail
umask 022

usage() {
	cat <<'EOT'
usage: demo/dashboard.sh [--keep] [--port N]

  --keep     leave the server running at the end
  --port N   port number in the name of the server's socket (default 54330)
  --help     this text

Like demo/run.sh, but searches the films by two indexes and writes the page that vector_dashboard() makes of that, which
is opened if there is a screen. The environment variable DASHBOARD names the file; without it the page is in the folder
that is removed at the end.
EOT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
port=54330
page=${DASHBOARD:+$(realpath -m "$DASHBOARD")}
declare -A package_of=() header_of=()
. "$here/server.sh"

begin_demo
echo "Unpacking the films ..."
unpack films queries judgments
run_sql load dashboard
page=${page:-$tmp/dashboard.html}
"${psql[@]}" -d films -Atqc 'SELECT vector_dashboard(query => (SELECT embedding::text FROM queries ORDER BY id LIMIT 1))' >"$page"
chmod 644 "$page"
echo "The page is $page"
if [[ ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]] && command -v xdg-open >/dev/null; then
	xdg-open "$page" || true
fi
end_demo
