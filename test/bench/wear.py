"""The part "wear" of run.py: what a table that is written costs its searches, beside a fresh index of the same rows.

Two clients of pgbench insert, update and delete rows one by one for --live-seconds, while workers seal and merge; at --live-rate
transactions a second, or as fast as they can.  Inserted rows may go and come back, so the table settles at about three fifths of
--live-rows rows, each of which the load has written.  Autovacuum is off unless --conf autovacuum=on is given.  Searches
are measured before that, at once after it, once the workers have nothing to do, after VACUUM and what the workers then do, and
after REINDEX: hops and distances of a query, which do not depend on what else the machine does, milliseconds of one client, and
recall.
"""
import statistics

HOPS = "SELECT n.hops, n.distances FROM vector_index_counters('items_index') n"
SCRIPT = """\\set r random(1, {more})
\\set i random(0, {last})
\\set what random(1, 10)
\\if :what <= 4
INSERT INTO items SELECT id + {rows}, embedding FROM more WHERE id = :r AND NOT EXISTS (SELECT FROM items WHERE id = :r + {rows});
\\elif :what <= 7
UPDATE items SET embedding = (SELECT embedding FROM more WHERE id = :r) WHERE id = :i;
\\else
DELETE FROM items WHERE id = :i;
\\endif
"""


class Wear:
    def __init__(self, bench, contestant, setting, out):
        self.bench, self.c, self.setting, self.out = bench, contestant, setting, out

    def write(self):
        b, c = self.bench, self.c
        script = b.work / "wear.pgbench"
        script.write_text(SCRIPT.format(more=b.a.live_rows, last=b.rows + b.a.live_rows, rows=b.rows))
        out = b.command(["env", "PGOPTIONS=-c synchronous_commit=off", c.bin / "pgbench", "-h", c.socket, "-U", "postgres", "-n",
                         "-M", "prepared", "-c", "2", "-j", "2", "-T", b.a.live_seconds, *(["-R", b.a.live_rate] if b.a.live_rate else []), "-f", script, "bench"])
        if "failed transactions: 0 " not in out:
            raise SystemExit(f"bench: {out}")

    def counted(self):
        return [int(x) for x in self.c.value(HOPS.replace("n.hops, n.distances", "n.hops || ' ' || n.distances")).split()]

    def look(self, name):
        """Of a query, as the table is now"""
        b, c = self.bench, self.c
        b.say(f"wear: searches {name}")
        before = self.counted()
        c.query("--clients", 1, "--count", b.nq, "--set", f"SET {self.setting}")
        after = self.counted()
        ms = [c.query("--clients", 1, "--seconds", b.a.seconds, "--warmup", 20, "--set", f"SET {self.setting}")["p50_ms"]
              for _ in range(b.a.rounds)]
        segments = c.value("SELECT string_agg(rows || CASE kind WHEN 'growing' THEN '+' ELSE '' END || CASE WHEN dead > 0 THEN ' (' || dead || ' dead)' "
                           "ELSE '' END, ', ' ORDER BY rows DESC) FROM vector_index_segments('items_index') WHERE kind IN ('growing', 'sealed')")
        rows = int(c.value("SELECT count(*) FROM items"))
        self.out[name] = {"rows": rows, "hops": (after[0] - before[0]) / b.nq, "distances": (after[1] - before[1]) / b.nq,
                          "ms": ms, "recall": b.recall_now(c, self.setting), "segments": segments}

    def measure(self):
        b, c = self.bench, self.c
        b.more_rows(c, b.a.live_rows)
        c.dirty = True
        c.psql("CREATE INDEX items_id ON items (id)", "VACUUM ANALYZE items")
        self.look("before")
        b.say("wear: writing")
        self.write()
        self.look("at once after")
        b.quiet(c)
        self.look("with idle workers")
        c.psql("VACUUM items")
        b.quiet(c)
        self.look("after VACUUM")
        c.psql("REINDEX INDEX items_index")
        self.look("after REINDEX")
        c.psql("DROP INDEX items_id")


# -------------------------------------------------------------------- report

def report(t):
    """Lines of the table"""
    if not t:
        return []
    fresh = t["after REINDEX"]
    ms = statistics.median(fresh["ms"])
    lines = ["", "A table that was written: hops, distances, ms a query, one client; each times after REINDEX; recall; rows; rows of segments"]
    for name, x in t.items():
        now = statistics.median(x["ms"])
        lines.append(f"  {name:18} {x['hops']:7.0f} {x['hops'] / max(fresh['hops'], 1):6.2f} {x['distances']:8.0f} {x['distances'] / fresh['distances']:6.2f}"
                     f" {now:8.3f} {now / ms:6.2f}   {x['recall']:.4f} {x['rows']:9} {x['segments']}")
    return lines
