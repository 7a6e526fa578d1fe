"""Tables in Markdown, and their places in docs/performance.md."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"


def table(header, rows):
    lines = ["| " + " | ".join(map(str, cells)) + " |" for cells in [header, *rows]]
    return "\n".join([lines[0], "|" + "---|" * len(header), *lines[1:]])


def publish(name, text):
    """Prints `text` and puts it between the page's markers of this name."""
    print(text)
    page = PAGE.read_text()
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    place = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not place.search(page):
        raise SystemExit(f"{PAGE}: the markers {begin} and {end} are missing")
    PAGE.write_text(place.sub(lambda _: f"{begin}\n{text}\n{end}", page))


def processor():
    """What the figures were measured on: the vector instructions and the number of cores, no names."""
    text = Path("/proc/cpuinfo").read_text()
    flags = set(re.search(r"^flags\s*:(.*)$", text, re.MULTILINE).group(1).split())
    known = [("avx512f", "AVX-512"), ("avx512_vnni", "VNNI"), ("avx512_bf16", "bf16"), ("avx2", "AVX2")]
    names = [name for flag, name in known if flag in flags]
    return f"{text.count('processor')} cores with {', '.join(names)}"
