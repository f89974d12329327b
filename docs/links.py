"""Look at every link, picture, player, script and style of a built site.

python docs/links.py runs/site      prints what is broken; 1 when something is
"""

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# what a browser fetches by itself; a link that a reader clicks may leave the site
FETCHED = {"src", "srcset", "poster", "data"}


class Page(HTMLParser):
    """What one page points to, and the anchors that others may point to."""

    def __init__(self, text: str):
        super().__init__()
        self.links, self.fetched, self.anchors = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        values = {name: value or "" for name, value in attributes}
        self.anchors |= {values[key] for key in ("id", "name") if key in values}
        if "href" in values:
            loads = tag == "link" and values.get("rel") in ("stylesheet", "icon")
            (self.fetched if loads else self.links).append(values["href"])
        self.fetched += [values[key] for key in FETCHED & values.keys()]


@cache
def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def missing(page: Path, link: str) -> str | None:
    """What is wrong with a link inside the site, None when it leads somewhere."""
    target = urlsplit(link)
    path = page.parent / unquote(target.path) if target.path else page
    if not path.is_file():
        return f"{link}: there is no such file"
    anchor = unquote(target.fragment)
    if anchor and path.suffix == ".html" and anchor not in read(path).anchors:
        return f"{link}: there is no such place on that page"
    return None


def broken(site: Path) -> list[str]:
    """A line for each dead link, and for each thing that comes from another host."""
    found = []
    for path in sorted(site.rglob("*.html")):
        page = read(path)
        for link in page.links + page.fetched:
            scheme = urlsplit(link).scheme or ("//" if link.startswith("//") else "")
            if scheme and link in page.fetched and scheme != "data":
                found.append(f"{path.relative_to(site)}: loads {link[:100]}")
            elif not scheme and (wrong := missing(path, link)):
                found.append(f"{path.relative_to(site)}: {wrong}")
    return found


def main(folder: str) -> int:
    lines = broken(Path(folder))
    print("\n".join(lines))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
