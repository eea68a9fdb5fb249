#!/usr/bin/env python3
"""Turn the examples of a document into a regression test, and keep the two together.

usage: extract.py [--check | --fill] [NAME ...]

Every ```sql block of the documents below goes to sql/NAME.sql.  A ```text block that follows a
```sql block shows what the block prints, and must be what expected/NAME.out holds.

  (no option)  writes sql/NAME.sql
  --check      fails if sql/NAME.sql or a ```text block is not what the documents and
               expected/NAME.out say
  --fill       writes the ```text blocks of the document from expected/NAME.out
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCUMENTS = {
    "readme": "README.md",
    "from_milvus": "docs/from-milvus.md",
    "from_pgvector": "docs/from-pgvector.md",
    "migrating_examples": "docs/migrating.md",
    "types_examples": "docs/types.md",
    "index_examples": "docs/indexes.md",
    "filtering_examples": "docs/filtering.md",
    "hybrid_examples": "docs/hybrid.md",
    "text_examples": "docs/text.md",
    "multivector_examples": "docs/multivector.md",
    "recall_examples": "docs/recall.md",
    "joins_examples": "docs/joins.md",
    "operations_examples": "docs/operations.md",
}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```\n", re.M | re.S)
HEADING = re.compile(r"^#+ (.*)$", re.M)


def read(path):
    """The contents of a file of the project, empty where there is none."""
    if not os.path.exists(os.path.join(ROOT, path)):
        return ""
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def write(path, text):
    with open(os.path.join(ROOT, path), "w", encoding="utf-8") as f:
        f.write(text)


def marker(number, heading):
    return f"-- {number}. {heading}"


def sql_blocks(text):
    """(match, marker, match of the text block that follows or None) of every sql block."""
    blocks = list(BLOCK.finditer(text))
    found = []
    for i, block in enumerate(blocks):
        if block[1] != "sql":
            continue
        heading = [h[1] for h in HEADING.finditer(text, 0, block.start())][-1]
        following = blocks[i + 1] if i + 1 < len(blocks) else None
        if following and (following[1] != "text" or text[block.end():following.start()].strip()):
            following = None
        found.append((block, marker(len(found) + 1, heading), following))
    return found


def make_sql(text, path):
    parts = [f"-- Made from {path} by test/docs/extract.py: change that document, not this file.\n"]
    for block, mark, _ in sql_blocks(text):
        parts.append(f"\n{mark}\n{block[2]}")
    return "".join(parts)


def outputs(text, expected):
    """What each sql block prints, by its marker: the lines that are not statements."""
    lines = [line.rstrip() for line in expected.splitlines()]
    result = {}
    blocks = sql_blocks(text)
    for i, (block, mark, _) in enumerate(blocks):
        if mark not in lines:
            sys.exit(f"'{mark}' is not in the expected output: run the test first")
        end = lines.index(blocks[i + 1][1]) if i + 1 < len(blocks) else len(lines)
        statements = [line.rstrip() for line in block[2].splitlines() if line]
        printed = []
        for line in lines[lines.index(mark) + 1:end]:
            if statements and line == statements[0]:
                statements.pop(0)
            else:
                printed.append(line)
        result[mark] = "\n".join(printed).strip("\n") + "\n"
    return result


def main():
    args = sys.argv[1:]
    mode = args.pop(0) if args and args[0].startswith("--") else "--write"
    names = args or list(DOCUMENTS)
    if mode not in ("--write", "--check", "--fill") or not set(names) <= set(DOCUMENTS):
        sys.exit(__doc__)
    failed = 0
    for number, name in enumerate(names, 1):
        path = DOCUMENTS[name]
        text = read(path)
        sql = make_sql(text, path)
        if mode == "--write":
            write(f"sql/{name}.sql", sql)
            continue
        wrong = []
        if read(f"sql/{name}.sql") != sql:
            wrong.append(f"sql/{name}.sql is not what the document says: run test/docs/extract.py")
        else:
            printed = outputs(text, read(f"expected/{name}.out"))
            for _, mark, shown in reversed(sql_blocks(text)):
                if shown is None or shown[2] == printed[mark]:
                    continue
                if mode == "--fill":
                    text = text[:shown.start(2)] + printed[mark] + text[shown.end(2):]
                else:
                    wrong.append(f"the output below '{mark[3:]}' is not what it prints: "
                                 "run test/docs/extract.py --fill")
        if mode == "--fill" and not wrong:
            write(path, text)
        failed += bool(wrong)
        print(("not ok" if wrong else "ok"), number, "-", path)
        for line in wrong:
            print("#", line)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
