#!/usr/bin/env python3
"""Make what Prometheus and Grafana need to watch indexes, from one description of the metrics.

usage: monitoring.py [--check]

Writes into docs/monitoring queries.yaml (for postgres_exporter), alerts.yaml (rules for Prometheus) and
dashboard.json (for Grafana), and sql/monitoring_queries.sql, the test that runs the queries.  --check fails if one of these is not
what this script makes, or if an alert or a panel names a metric that no query has.
"""
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# labels: name -> SQL.  The exporter adds `server`, the database server's address.
DATABASE = {"database": "current_database()"}
INDEX = {**DATABASE, "schema": "n.nspname", "index": "c.relname"}
OF_INDEX = "%s JOIN pg_class c ON c.oid = s.index JOIN pg_namespace n ON n.oid = c.relnamespace"

# name -> (FROM, labels, {column: (usage, description[, SQL])}); the SQL of a column is s.COLUMN, unless it is given
METRICS = {
    "vector_index": (
        OF_INDEX % "vector_stat_indexes() s" + " JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_class t ON t.oid = i.indrelid",
        {**INDEX, "table": "t.relname"}, {
            "scans": ("COUNTER", "searches"),
            "rounds": ("COUNTER", "rounds of searches"),
            "hops": ("COUNTER", "nodes of graphs that searches visited"),
            "distances": ("COUNTER", "distances that searches computed or estimated"),
            "blocks_hit": ("COUNTER", "blocks that searches found in shared buffers"),
            "blocks_read": ("COUNTER", "blocks that searches did not find there"),
            "fallbacks": ("COUNTER", "searches begun again among the rows that meet a condition"),
            "rows_returned": ("COUNTER", "rows that searches found"),
            "rows_inserted": ("COUNTER", "rows inserted"),
            "rows_removed": ("COUNTER", "rows that VACUUM found dead"),
            "seals": ("COUNTER", "seals of growing segments"),
            "merges": ("COUNTER", "merges of sealed segments"),
            "wal_bytes": ("COUNTER", "bytes of WAL"),
            "growing_rows": ("GAUGE", "rows that are not in a sealed segment"),
            "sealed_segments": ("GAUGE", "sealed segments"),
            "dead_rows": ("GAUGE", "rows that are dead and not yet merged away"),
            "recall": ("GAUGE", "recall as vector_recall measured it last; NaN: never", "coalesce(s.recall, 'NaN')"),
            "target_recall": ("GAUGE", "vector.target_recall of the exporter's sessions, as of the database; 0: none",
                              "coalesce(nullif(current_setting('vector.target_recall', true), ''), '0')::float8"),
            "bytes": ("GAUGE", "size of the file", "pg_relation_size(c.oid)"),
            "rows": ("GAUGE", "rows, dead ones included", "(SELECT coalesce(sum(g.rows), 0)::bigint FROM vector_index_segments(c.oid) g)"),
        }),
    "vector_search": (
        OF_INDEX % "vector_stat_indexes() s", INDEX, {
            "seconds": ("HISTOGRAM", "time of searches, until the first row and for further rounds",
                        "(SELECT array_agg(0.000032 * 2 ^ (i - 1) ORDER BY i) FROM generate_series(1, 24) i)::float8[]"),
            "seconds_bucket": (None, "", "(SELECT array_agg(sum ORDER BY i) FROM (SELECT i, sum(l) OVER (ORDER BY i)::bigint AS sum "
                                         "FROM unnest(s.latencies) WITH ORDINALITY u(l, i)) b)"),
            "seconds_sum": (None, "", "s.search_ms / 1000"),
            "seconds_count": (None, "", "s.scans"),
        }),
    "vector_worker": (
        OF_INDEX % "vector_stat_workers() s", {**INDEX, "phase": "s.phase"}, {
            "steps": ("COUNTER", "steps of background workers"),
            "segments": ("COUNTER", "segments that these replaced"),
            "busy_seconds": ("COUNTER", "time of these steps", "s.busy_ms / 1000"),
            "gave_way": ("COUNTER", "steps abandoned for another session"),
            "locked": ("COUNTER", "steps not begun, because the index was locked"),
            "failures": ("COUNTER", "steps that failed"),
        }),
    "vector_job": (
        "vector_jobs() s GROUP BY s.state", {**DATABASE, "state": "s.state"}, {
            "jobs": ("GAUGE", "jobs of background workers", "count(*)"),
        }),
    "vector_tier": (
        "vector_stat_tier() s", {**DATABASE, "store": "s.server"}, {
            "remote_bytes": ("GAUGE", "bytes of indexes in the store"),
            "gets": ("COUNTER", "reads from the store"),
            "bytes_read": ("COUNTER", "bytes read from the store"),
            "hits": ("COUNTER", "pages found in the cache"),
            "misses": ("COUNTER", "pages waited for"),
            "retries": ("COUNTER", "requests repeated"),
            "errors": ("COUNTER", "requests that failed"),
        }),
}

# name, expression, for, severity, summary
ALERTS = [
    ("VectorGrowingRows", "vector_index_growing_rows > 100000 and vector_index_growing_rows > 0.1 * vector_index_rows", "15m", "warning",
     "Index {{ $labels.index }} has {{ $value }} rows that are not sealed: searches compare them one by one. Look at vector_jobs()."),
    ("VectorDeadRows", "vector_index_dead_rows > 10000 and vector_index_dead_rows > 0.3 * vector_index_rows", "1h", "warning",
     "Of the rows of index {{ $labels.index }}, more than 30 % are dead and not merged away."),
    ("VectorManySegments", "vector_index_sealed_segments > 40", "1h", "warning",
     "Index {{ $labels.index }} has {{ $value }} sealed segments: merges are behind, and a search visits each."),
    ("VectorRecallLow", "vector_index_recall < vector_index_target_recall - 0.01 or (vector_index_recall < 0.9 and vector_index_target_recall == 0)", "5m", "warning",
     "vector_recall measured {{ $value }} for index {{ $labels.index }}: less than vector.target_recall or, where there is none, than 0.9."),
    ("VectorWorkerFails", "increase(vector_worker_failures[15m]) > 0", "0m", "critical",
     "A background worker failed at {{ $labels.phase }} index {{ $labels.index }}: last_error of vector_jobs() says why."),
    ("VectorJobsWait", 'sum by (database) (vector_job_jobs{state="waiting"}) > 10', "15m", "warning",
     "{{ $value }} indexes wait for a background worker: raise vector.max_maintenance_workers."),
    ("VectorSlowSearches", "histogram_quantile(0.99, sum by (index, le) (rate(vector_search_seconds_bucket[5m]))) > 0.5", "10m", "warning",
     "1 % of the searches of index {{ $labels.index }} take more than {{ $value }} s."),
    ("VectorTierErrors", "increase(vector_tier_errors[5m]) > 0", "5m", "critical",
     "Requests to the object store {{ $labels.store }} fail: last_error of vector_stat_tier() says why."),
]

# title, unit, expressions with legends
PANELS = [
    ("Searches per second", "ops", [("sum by (index) (rate(vector_index_scans[$__rate_interval]))", "{{index}}")]),
    ("Time of searches, 99 %", "s", [("histogram_quantile(0.99, sum by (index, le) (rate(vector_search_seconds_bucket[$__rate_interval])))", "{{index}}")]),
    ("Time of searches, mean", "s", [("sum by (index) (rate(vector_search_seconds_sum[$__rate_interval])) / sum by (index) (rate(vector_search_seconds_count[$__rate_interval]))", "{{index}}")]),
    ("Recall, as measured last", "percentunit", [("vector_index_recall", "{{index}}"), ("max by (database) (vector_index_target_recall > 0)", "target of {{database}}")]),
    ("Distances of a search", "short", [("sum by (index) (rate(vector_index_distances[$__rate_interval])) / sum by (index) (rate(vector_index_scans[$__rate_interval]))", "{{index}}")]),
    ("Blocks not in shared buffers", "ops", [("sum by (index) (rate(vector_index_blocks_read[$__rate_interval]))", "{{index}}")]),
    ("Searches begun again", "ops", [("sum by (index) (rate(vector_index_fallbacks[$__rate_interval]))", "{{index}}")]),
    ("Rows not sealed", "short", [("vector_index_growing_rows", "{{index}}")]),
    ("Sealed segments", "short", [("vector_index_sealed_segments", "{{index}}")]),
    ("Dead part of the rows", "percentunit", [("vector_index_dead_rows / (vector_index_rows > 0)", "{{index}}")]),
    ("Size", "bytes", [("vector_index_bytes", "{{index}}"), ("vector_tier_remote_bytes", "{{store}}")]),
    ("Rows inserted and removed per second", "ops", [("sum by (index) (rate(vector_index_rows_inserted[$__rate_interval]))", "{{index}} inserted"),
                                                     ("sum by (index) (rate(vector_index_rows_removed[$__rate_interval]))", "{{index}} removed")]),
    ("WAL per second", "Bps", [("sum by (index) (rate(vector_index_wal_bytes[$__rate_interval]))", "{{index}}")]),
    ("Workers at once", "short", [("sum by (phase) (rate(vector_worker_busy_seconds[$__rate_interval]))", "{{phase}}")]),
    ("Jobs of workers", "short", [("sum by (state) (vector_job_jobs)", "{{state}}")]),
    ("Failures of workers", "short", [("sum by (index, phase) (increase(vector_worker_failures[$__rate_interval]))", "{{index}} {{phase}}")]),
    ("Reads of object stores", "ops", [("sum by (store) (rate(vector_tier_gets[$__rate_interval]))", "{{store}}"), ("sum by (store) (rate(vector_tier_errors[$__rate_interval]))", "{{store}} errors")]),
]


def indented(text, by):
    return "".join(" " * by + line + "\n" for line in text.splitlines())


def query(name):
    """The SQL of a query, a column a line."""
    source, labels, columns = METRICS[name]
    selected = list(labels.items()) + [(column, rest[0] if rest else f"s.{column}") for column, (_, _, *rest) in columns.items()]
    return "SELECT " + ",\n  ".join(sql if sql == f"s.{column}" else f'{sql} AS "{column}"' for column, sql in selected) + f"\nFROM {source}"


def queries():
    out = "# Made by test/docs/monitoring.py: queries for postgres_exporter (--extend.query-path)\n"
    for name, (_, labels, columns) in METRICS.items():
        out += f"{name}:\n  query: |\n{indented(query(name), 4)}  metrics:\n"
        for column, (usage, description, *_) in [(label, ("LABEL", "")) for label in labels] + list(columns.items()):
            if usage:
                out += f"    - {column}:\n        usage: {usage}\n        description: {json.dumps(description)}\n"
    return out


def alerts():
    out = "# Made by test/docs/monitoring.py: rules for Prometheus (rule_files)\ngroups:\n  - name: vector\n    rules:\n"
    for name, expression, time, severity, summary in ALERTS:
        out += (f"      - alert: {name}\n        expr: {json.dumps(expression)}\n        for: {time}\n        labels:\n"
                f"          severity: {severity}\n        annotations:\n          summary: {json.dumps(summary)}\n")
    return out


def dashboard():
    source = {"type": "prometheus", "uid": "${source}"}
    panels = []
    for i, (title, unit, targets) in enumerate(PANELS):
        panels.append({
            "id": i + 1, "type": "timeseries", "title": title, "datasource": source,
            "gridPos": {"h": 8, "w": 8, "x": i % 3 * 8, "y": i // 3 * 8},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
            "options": {"legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}, "tooltip": {"mode": "multi", "sort": "desc"}},
            "targets": [{"refId": chr(65 + n), "datasource": source, "expr": expression, "legendFormat": legend, "range": True}
                        for n, (expression, legend) in enumerate(targets)],
        })
    return json.dumps({
        "title": "Indexes on vectors", "uid": "vector-indexes", "schemaVersion": 39, "version": 1, "editable": True,
        "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "tags": ["postgresql", "vector"],
        "templating": {"list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]},
        "annotations": {"list": []}, "panels": panels,
    }, indent=1) + "\n"


def test():
    out = "-- Made by test/docs/monitoring.py: the queries run, and have the columns that the exporter is told of\n"
    out += """CREATE TABLE monitored (id int, v vector(3));
INSERT INTO monitored SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 100) n;
CREATE INDEX monitored_v ON monitored USING hnsw (v vector_l2_ops);
SET enable_seqscan = off;
SELECT count(*) FROM generate_series(1, 5) i, LATERAL (SELECT id FROM monitored ORDER BY v <-> ARRAY[i, i, i]::vector LIMIT 1) s;
RESET enable_seqscan;
"""
    for name in METRICS:
        out += (f"CREATE TEMP VIEW monitoring_{name} AS\n{query(name)};\n"
                f"SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'monitoring_{name}'::regclass AND attnum > 0 ORDER BY attnum;\n"
                f"SELECT count(*) >= 0 AS runs FROM monitoring_{name};\n")
    out += """-- the classes of a histogram are cumulative, and the last has all
SELECT bool_and(seconds_bucket[24] = seconds_count AND array_length(seconds, 1) = array_length(seconds_bucket, 1)
\tAND NOT EXISTS (SELECT FROM generate_series(2, 24) i WHERE seconds_bucket[i] < seconds_bucket[i - 1] OR seconds[i] <= seconds[i - 1])) AS histograms
FROM monitoring_vector_search WHERE index = 'monitored_v';
SELECT "table", scans, rows, recall, bytes > 0 AS bytes FROM monitoring_vector_index WHERE index = 'monitored_v';
DROP TABLE monitored;
"""
    return out


FILES = {
    "docs/monitoring/queries.yaml": queries, "docs/monitoring/alerts.yaml": alerts,
    "docs/monitoring/dashboard.json": dashboard, "sql/monitoring_queries.sql": test,
}


def metrics():
    """The names that the exporter gives to what the queries return."""
    names = set()
    for name, (_, _, columns) in METRICS.items():
        for column, (usage, *_) in columns.items():
            if usage == "HISTOGRAM":
                names |= {f"{name}_{column}_{part}" for part in ("bucket", "sum", "count")}
            elif usage:
                names.add(f"{name}_{column}")
    return names


def main():
    unknown = []
    expressions = [e for _, e, *_ in ALERTS] + [e for _, _, targets in PANELS for e, _ in targets]
    for expression in expressions:
        unknown += [n for n in re.findall(r"\bvector_\w+", expression) if n not in metrics()]
        if expression.count("(") != expression.count(")"):
            unknown.append(expression)
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in json.loads(dashboard())["panels"]]
    if len(set(places)) != len(places):
        unknown.append("two panels in one place")
    if unknown:
        sys.exit("not ok 1 - no query has: " + ", ".join(unknown))
    for path, make in FILES.items():
        path = os.path.join(ROOT, path)
        if "--check" in sys.argv[1:]:
            if not os.path.exists(path) or open(path).read() != make():
                sys.exit(f"not ok 1 - {path} is not what test/docs/monitoring.py makes")
        else:
            with open(path, "w") as file:
                file.write(make())
    print(f"ok 1 - {len(metrics())} metrics, {len(ALERTS)} alerts, {len(PANELS)} panels")


if __name__ == "__main__":
    main()
