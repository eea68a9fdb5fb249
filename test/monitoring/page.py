#!/usr/bin/env python3
"""Open the page of vector_dashboard() in a headless Chromium.

usage: page.py --psql PSQL --axe AXE.js

PSQL finds a server by its environment, in whose database `page` page.sql has run
(with the variable `store`, a folder).  The page must run no script and send no request, whatever tables are called; axe-core must
find nothing serious on it, light and dark; it must not scroll sideways on a phone; and its numbers must be those of SQL.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

from browser import Browser

WIDTHS = (360, 1280)
CHECKED = "{resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']}"
ARTICLES = """[...document.querySelectorAll('article')].map(a => ({
    name: a.querySelector('h2').textContent,
    about: a.querySelector('p').textContent,
    segments: [...a.querySelectorAll('svg.bar title')].map(t => t.textContent),
    key: (a.querySelector('.key') || {}).textContent,
    searches: [...a.querySelectorAll('figure title')].map(t => t.textContent).filter(t => / searches below /.test(t)),
    curves: a.querySelectorAll('polyline').length,
    dots: a.querySelectorAll('circle:not(.nearest)').length,
    nearest: [...a.querySelectorAll('.nearest title')].map(t => t.textContent),
    terms: Object.fromEntries([...a.querySelectorAll('dl div')].map(d => [d.querySelector('dt').textContent, d.querySelector('dd').textContent]))
}))"""

# what a page shows of an index, as SQL says it
TRUTH = """SELECT coalesce(json_agg(json_build_object(
    'name', s.index::text,
    'about', format('%s on %s, %s, %s rows', a.amname, i.indrelid::regclass, pg_size_pretty(pg_relation_size(s.index)), coalesce(g.rows, 0)),
    'segments', coalesce(g.titles, '[]'),
    'key', format('sealed (%s) growing (%s rows) dead (%s rows)', s.sealed_segments, s.growing_rows, s.dead_rows),
    'searches', CASE WHEN s.scans = 0 THEN '[]' ELSE (SELECT json_agg(format('%s searches below %s ms', n, round((0.032 * 2 ^ (o - 1))::numeric, 3)) ORDER BY o)
        FROM unnest(s.latencies) WITH ORDINALITY l(n, o)) END,
    'curves', CASE WHEN a.amname IN ('sparse', 'bm25') THEN 0 ELSE (SELECT count(DISTINCT k) FROM vector_recall_curves(s.index)) END,
    'dots', CASE WHEN i.indexprs IS NULL THEN least(400, t.rows) ELSE 0 END,
    'nearest', json '[]',
    'terms', json_build_object('searches', s.scans::text, 'median', coalesce(round(s.search_p50::numeric, 2) || ' ms', '-'), '99 %', coalesce(round(s.search_p99::numeric, 2) || ' ms', '-'),
        'begun again', s.fallbacks::text, 'blocks in buffers', coalesce(round(100.0 * s.blocks_hit / nullif(s.blocks_hit + s.blocks_read, 0)) || ' %', '-'),
        'inserted', s.rows_inserted::text, 'WAL', pg_size_pretty(s.wal_bytes), 'recall', coalesce(round(s.recall::numeric, 3) || ' of ' || s.recall_k, '-'))
    ) ORDER BY pg_relation_size(s.index) DESC, s.index), '[]')
FROM vector_stat_indexes() s JOIN pg_class c ON c.oid = s.index JOIN pg_am a ON a.oid = c.relam JOIN pg_index i ON i.indexrelid = s.index,
    LATERAL (SELECT sum(rows) AS rows, json_agg(format('segment %s, %s: %s rows, %s dead, %s', segment, kind, rows, dead, pg_size_pretty(bytes)) ORDER BY kind DESC, rows DESC, segment) AS titles
        FROM vector_index_segments(s.index) WHERE kind IN ('growing', 'sealed') AND rows > 0) g,
    LATERAL (SELECT (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %s', i.indrelid::regclass), false, true, '')))[1]::text::int AS rows) t"""


class Test:
    def __init__(self, psql):
        self.psql, self.done, self.failed = psql, 0, 0

    def sql(self, text):
        return subprocess.run([self.psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "page", "-c", text], check=True, stdout=subprocess.PIPE, text=True).stdout.rstrip("\n")

    def check(self, right, name, detail=""):
        self.done += 1
        self.failed += not right
        print(f"{'ok' if right else 'not ok'} {self.done} - {name}" + ("" if right else f"\n# {detail}"))


def check_page(test, browser, path, axe, shown):
    """Everything that does not depend on the numbers; `shown` describes the page."""
    for width in WIDTHS:
        for dark in (False, True):
            where = f"{shown}, {width} pixels wide, {'dark' if dark else 'light'}"
            browser.open(path, width, dark)
            test.check(browser.evaluate("document.title") == "Indexes of page" and not browser.errors(), f"{where}: runs nothing and asks for nothing", browser.errors())
            scroll = browser.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            test.check(scroll[0] <= scroll[1] == width, f"{where}: does not scroll sideways", scroll)
            browser.evaluate(axe + "; 0")
            violations = browser.evaluate(f"axe.run(document, {CHECKED}).then(r => r.violations.map(v => [v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 200), v.nodes[0].failureSummary]))")
            test.check(not [v for v in violations if v[0] in ("serious", "critical")], f"{where}: nothing serious by axe-core", violations)
            back = browser.evaluate("getComputedStyle(document.body).backgroundColor")
            test.check((sum(map(int, back[4:-1].split(","))) < 200) == dark, f"{where}: is that", back)


def check_numbers(test, browser):
    told, true = browser.evaluate(ARTICLES), json.loads(test.sql(TRUTH))
    test.check(len(true) > 3 and len(told) == len(true), "an article for each index", len(told))
    for page, sql in zip(told, true):
        # what is empty has no key
        if not sql["segments"]:
            page["key"] = sql["key"]
        for key in sql:
            test.check(page[key] == sql[key], f"{sql['name']}: {key}", f"{page[key]} is {sql[key]} in SQL")
    workers = browser.evaluate("[...document.querySelectorAll('section:first-of-type tbody tr')].map(r => [...r.children].map(c => c.textContent).join('|'))")
    test.check(workers and workers == json.loads(test.sql("SELECT json_agg(concat_ws('|', index, phase, steps, segments, round((busy_ms / 1000)::numeric, 1) || ' s', "
                                                          "gave_way + locked, failures) ORDER BY index::text, phase) FROM vector_stat_workers()")), "what workers did", workers)
    slow = browser.evaluate("[...document.querySelectorAll('section:last-of-type tbody td:last-child')].map(t => t.textContent)")
    test.check(slow and slow == json.loads(test.sql("SELECT json_agg(description ORDER BY ended_at DESC) FROM vector_slow_searches()")), "slow searches", slow)


def check_query(test, browser, folder, axe):
    """The page of one index, and of a query."""
    index, query = "\"<img src=x onerror=alert(1)>\"", "array_fill(512, ARRAY[32])::vector"
    path = os.path.join(folder, "query.html")
    with open(path, "w", encoding="utf-8") as file:
        file.write(test.sql(f"SELECT vector_dashboard('{index}', {query}::text)"))
    check_page(test, browser, path, axe, "one index and a query")
    told = browser.evaluate(ARTICLES)
    near = json.loads(test.sql(f"SELECT json_agg('distance ' || round(distance::numeric, 4) ORDER BY distance) FROM vector_picture('{index}', {query}::text) WHERE kind = 'nearest'"))
    test.check(len(told) == 1 and len(near) == 10 and told[0]["nearest"] == near, "the nearest rows", told[0]["nearest"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--psql", required=True)
    parser.add_argument("--axe", required=True)
    options = parser.parse_args()
    with open(options.axe, encoding="utf-8") as file:
        axe = file.read()
    test = Test(options.psql)
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        path = os.path.join(folder, "page.html")
        with open(path, "w", encoding="utf-8") as file:
            file.write(test.sql("SELECT vector_dashboard()"))
        check_page(test, browser, path, axe, "all indexes")
        check_numbers(test, browser)
        check_query(test, browser, folder, axe)
    sys.exit(test.failed > 0)


main()
