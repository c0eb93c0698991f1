"""Runs the program of docs/arrow.md against a server over the demo data, and
compares its tables with the server's JSON.

    arrow.py QUARREL DOCS_PAGE
"""

import contextlib
import io
import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request

ADDRESS = "127.0.0.1:19390"
# Within the demo data, seconds.
START, END = 1795475400, 1795479000


def main(quarrel, page):
    program = re.search(r"```python\n(.*?)```", open(page).read(), re.S).group(1)
    server = subprocess.Popen(
        [quarrel, "serve", "--web.listen-address", ADDRESS],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in server.stderr:
            if "ready to receive web requests" in line:
                break
        else:
            sys.exit("the server did not start")
        check(program)
    finally:
        server.terminate()
        server.wait()


def check(program):
    program = program.replace("127.0.0.1:9090", ADDRESS)
    names = {"START": START, "END": END}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "docs/arrow.md", "exec"), names)
    print(printed.getvalue())

    want = samples_of_json("rate(node_cpu_seconds_total[5m])", 60)
    table = names["table"]
    got = {}
    labels = [name for name in table.column_names if name not in ("timestamp", "value")]
    for row in table.to_pylist():
        key = tuple((name, row[name]) for name in labels if row[name] is not None)
        got.setdefault(key, []).append((row["timestamp"].timestamp(), row["value"]))
    assert len(want) > 10 and got == want, "the tidy form is not the JSON's samples"

    nested = names["series"].to_pylist()
    stored = samples_of_json("node_cpu_seconds_total", 60)
    assert len(nested) == len(stored) > 10
    for row in nested:
        points = zip((t.timestamp() for t in row["timestamps"]), row["values"])
        assert stored[tuple(row["labels"])] == list(points), row["labels"]

    import polars

    frame = polars.from_arrow(table)
    assert frame.height == table.num_rows == sum(map(len, want.values()))
    assert abs(frame["value"].sum() - table.to_pandas()["value"].sum()) < 1e-6
    print(f"{len(want)} series, {frame.height} samples: as in JSON")


def samples_of_json(query, step):
    parameters = {"query": query, "start": START, "end": END, "step": step}
    url = f"http://{ADDRESS}/api/v1/query_range?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url) as answer:
        result = json.load(answer)["data"]["result"]
    return {
        tuple(sorted(series["metric"].items())): [(t, float(v)) for t, v in series["values"]]
        for series in result
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
