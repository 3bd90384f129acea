#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Checks a page of `amanat report --html` on stdin: well-formed, nothing in it runs, nothing in it
asks for anything beside itself. Prints `text: ...` for each text node. Exit code 0, or 1 with
what is wrong on stderr."""
import sys
from html.parser import HTMLParser

VOID = {'meta', 'br', 'hr', 'img', 'link', 'input'}
KNOWN = {'html', 'head', 'meta', 'title', 'style', 'body', 'main', 'header', 'h1', 'h2', 'p', 'section',
         'small', 'bdi', 'div', 'b', 'span', 'i', 'ul', 'li', 'dl', 'dt', 'dd', 'table', 'thead', 'tbody',
         'tr', 'th', 'td', 'svg', 'g', 'defs', 'pattern', 'rect', 'path', 'text'}
ASK = {'src', 'href', 'xlink:href', 'action', 'srcset', 'data', 'background', 'poster'}


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.wrong, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.look(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.look(tag, attrs)

    def look(self, tag, attrs):
        if tag not in KNOWN:
            self.wrong.append(f'<{tag}> at {self.getpos()}')
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.wrong.append(f'an attribute twice at {self.getpos()}')
        for name, value in attrs:
            if name.startswith('on') or name in ASK:
                self.wrong.append(f'{name}={value!r} at {self.getpos()}')

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f'</{tag}> at {self.getpos()} closes nothing')

    def handle_data(self, data):
        if self.open and self.open[-1] == 'style':
            if 'url(' in data or '@import' in data:
                self.wrong.append('the style asks for something')
            return
        self.texts.append(data)
        hidden = [c for c in data if (ord(c) < 32 and c not in '\n') or 0x7f <= ord(c) < 0xa0 or
                  ord(c) in range(0x202a, 0x202f) or ord(c) in range(0x2066, 0x206a) or
                  ord(c) in range(0x200b, 0x2010)]
        if hidden:
            self.wrong.append(f'characters that hide or reorder: {hidden!r}')


page = Page()
page.feed(sys.stdin.buffer.read().decode('utf-8', errors='strict'))
page.close()
if page.open:
    page.wrong.append(f'not closed: {page.open}')
for text in page.texts:
    print(f'text: {text!r}')
for wrong in page.wrong:
    print(wrong, file=sys.stderr)
sys.exit(1 if page.wrong else 0)
