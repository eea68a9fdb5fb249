#!/usr/bin/env python3
"""Compares the best texts by an index of bm25 with those that Lucene finds for the same terms.

usage: lucene.py --server CONNINFO [--psql PATH] [--corpus DIR] [--config NAME] [--queries N] [--best FILE] [--lucene JAR]

The texts are the titles and overviews of the demo's films, or those of --corpus (corpus.jsonl.xz and queries.jsonl.xz), the queries
some of theirs that are words without signs.  What Lucene finds is in lucene/films.txt, or --best FILE: an id, and id:score of the best
ten, a line for each query.  With --lucene, the path of lucene-core.jar, Lucene is asked (lucene/Best.java, by java), and the file is
written; a file that is there without it says which queries to ask.  Scores must be equal to the precision of the file, but for the factor
k1 + 1 that Lucene leaves out; so must be the texts, where no two have the same score.  Prints each difference; exits 1 if there is one.
"""
import argparse
import json
import lzma
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FILMS = HERE.parent.parent / "demo" / "data"
K = 10
TOLERANCE = 6e-5    # scores of the file have five digits


def lines(path):
    with lzma.open(path, "rt", encoding="utf-8") as f:
        return f.read().splitlines()


def read(folder):
    """Documents and queries, each a list of (id, text)"""
    if folder:
        documents, queries = ([json.loads(line) for line in lines(folder / f"{part}.jsonl.xz")] for part in ("corpus", "queries"))
        return ([(i, f"{x.get('title', '')} {x['text']}") for i, x in enumerate(documents)], [(i, x["text"]) for i, x in enumerate(queries)])
    films = [line.split("\t") for line in lines(FILMS / "films.tsv.xz")]
    queries = [line.split("\t") for line in lines(FILMS / "queries.tsv.xz")]
    return [(int(x[0]), f"{x[1]} {x[8]}") for x in films], [(int(x[0]), x[1]) for x in queries]


class Server:
    def __init__(self, options):
        self.args = [options.psql, "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", options.server]

    def sql(self, *statements):
        run = subprocess.run(self.args, input="\n".join(statements), text=True, capture_output=True)
        return run.stdout if run.returncode == 0 else sys.exit(run.stderr)


def copied(table, rows):
    plain = str.maketrans("\t\n\r\\", "    ")
    return "\n".join([f"COPY {table} FROM STDIN;", *(f"{i}\t{text.translate(plain)}" for i, text in rows), "\\."])


def terms(server, table, function, config):
    """Of each row: its id and its terms, with tabs between them"""
    return server.sql(f"SELECT id, (SELECT string_agg(term, E'\\t' ORDER BY position) FROM {function}('{config}', body)) FROM {table} ORDER BY id")


def ask_lucene(server, options):
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder, name) for name in ("documents", "queries")]
        for path, table, function in zip(paths, ("lucene_text", "lucene_query"), ("vector_tokenize", "vector_tokenize_query")):
            path.write_text(terms(server, table, function, options.config), encoding="utf-8")
        out = subprocess.run(["java", "-cp", options.lucene, HERE / "lucene" / "Best.java", *paths, str(K)], text=True, check=True, stdout=subprocess.PIPE).stdout
    rounded = [line.split("\t") for line in out.splitlines()]
    options.best.write_text("\n".join("\t".join([q, *(f"{x.split(':')[0]}:{float(x.split(':')[1]):.5g}" for x in found)]) for q, *found in rounded) + "\n")


def differences(ours, theirs):
    """ours and theirs: (id, score) of the best"""
    if len(ours) != len(theirs):
        yield f"{len(ours)} texts, Lucene has {len(theirs)}"
    for rank, ((i, score), (j, expected)) in enumerate(zip(ours, theirs), 1):
        if abs(score - expected) > TOLERANCE * expected:
            yield f"rank {rank}: score {score:.6g} of {i}, Lucene has {expected:.6g} of {j}"
        # the same text, unless others have its score
        elif i != j and sum(abs(s - score) <= 2 * TOLERANCE * score for _, s in theirs) == 1 and (rank < K or len(theirs) < K):
            yield f"rank {rank}: {i}, Lucene has {j}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--psql", default="psql")
    parser.add_argument("--corpus", type=pathlib.Path)
    parser.add_argument("--config", default="english")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--best", type=pathlib.Path, default=HERE / "lucene" / "films.txt")
    parser.add_argument("--lucene", metavar="JAR")
    options = parser.parse_args()
    server = Server(options)
    documents, queries = read(options.corpus)
    server.sql("CREATE EXTENSION IF NOT EXISTS vector;", "DROP TABLE IF EXISTS lucene_text, lucene_query;", "CREATE TABLE lucene_text (id int PRIMARY KEY, body text);",
               "CREATE TABLE lucene_query (id int PRIMARY KEY, body text);", copied("lucene_text", documents), copied("lucene_query", queries),
               f"CREATE INDEX lucene_text_body ON lucene_text USING bm25 (body) WITH (text_config = '{options.config}');", "ANALYZE lucene_text;",
               # queries without signs, and without phrases
               f"""DELETE FROM lucene_query WHERE EXISTS (SELECT FROM vector_tokenize_query('{options.config}', body)
                   GROUP BY clause HAVING count(*) > 1 OR bool_or(prefix OR occurs <> 'optional'));""",
               f"DELETE FROM lucene_query WHERE NOT EXISTS (SELECT FROM vector_tokenize_query('{options.config}', body));",
               f"""DELETE FROM lucene_query WHERE id NOT IN (
                   SELECT id FROM (SELECT id, row_number() OVER (ORDER BY hashint4(id)) AS n FROM lucene_query) q WHERE n <= {options.queries});""")
    if options.lucene:
        ask_lucene(server, options)
    best = {int(q): [(int(x.split(":")[0]), float(x.split(":")[1])) for x in found] for q, *found in (line.split("\t") for line in options.best.read_text().splitlines())}
    answers = server.sql("SET enable_seqscan = off;", f"""SELECT q.id, json_agg(json_build_array(s.id, -s.score / 2.2::float8) ORDER BY s.score) FROM lucene_query q,
        LATERAL (SELECT id, body <@> q.body AS score FROM lucene_text ORDER BY body <@> q.body LIMIT {K}) s GROUP BY q.id;""", "DROP TABLE lucene_text, lucene_query;")
    found = {int(line.split("\t")[0]): json.loads(line.split("\t")[1]) for line in answers.splitlines()}
    wrong = [f"query {q}: {x}" for q, theirs in best.items() for x in differences(found.get(q, []), theirs)]
    print("\n".join([*wrong, f"lucene.py: {len(best)} queries, {sum(map(len, best.values()))} texts, {len(wrong)} differences"]))
    sys.exit(bool(wrong) or not best)


if __name__ == "__main__":
    main()
