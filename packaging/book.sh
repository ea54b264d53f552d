#!/usr/bin/env bash
# Builds the book with the pages of reference that the program writes, and looks whether every link of the result leads somewhere.
#
# usage: packaging/book.sh KANALYZE [FOLDER]     FOLDER is $CARGO_TARGET_DIR/book if it is not given
set -euo pipefail
cd "$(dirname "$0")/.."
build=${CARGO_TARGET_DIR:-target}
kanalyze=${1:?name the program, such as target/release/kanalyze}
mkdir -p "$build"
out=${2:-$(cd "$build" && pwd)/book}
mdbook=$build/tools/bin/mdbook
[ -x "$mdbook" ] || mdbook=$(command -v mdbook) || { echo "book.sh: no mdbook: run packaging/tools.sh" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r docs "$work/docs"
"$kanalyze" generate reference "$work/docs/reference"
said=$("$mdbook" build "$work/docs" --dest-dir "$out" 2>&1) || { echo "$said" >&2; exit 1; }
# A warning of mdBook is a fault of the book.
if printf '%s\n' "$said" | grep -E 'WARN|ERROR' >&2; then exit 1; fi
rm -rf "$out/examples"
python3 - "$out" <<'PYTHON'
import html.parser, os, sys, urllib.parse
out = sys.argv[1]

class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.names = [], set()
    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or (tag == "a" and name == "name"):
                self.names.add(value)
            elif name in ("href", "src") and value and tag != "link":
                self.links.append(value)

pages = {}
for folder, _, files in os.walk(out):
    for name in files:
        if name.endswith(".html"):
            page = Page()
            page.feed(open(os.path.join(folder, name), encoding="utf-8").read())
            pages[os.path.join(folder, name)] = page
broken = []
for path, page in pages.items():
    # These two are shown elsewhere than they lie, or whole.
    if os.path.basename(path) in ("404.html", "toc.html", "print.html"):
        continue
    for link in page.links:
        parts = urllib.parse.urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        to = os.path.normpath(os.path.join(os.path.dirname(path), urllib.parse.unquote(parts.path))) if parts.path else path
        if not os.path.exists(to):
            broken.append(f"{path}: {link}")
        elif parts.fragment and to in pages and urllib.parse.unquote(parts.fragment) not in pages[to].names:
            broken.append(f"{path}: {link}: no such place")
if broken:
    sys.exit("links that lead nowhere:\n" + "\n".join(broken))
print(f"the book: {len(pages)} pages in {out}, {sum(len(page.links) for page in pages.values())} links, none broken")
PYTHON
