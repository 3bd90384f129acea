#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""report_browser PAGE: shows a report's page in headless Chromium, on a screen and on paper.

Ends with 0 if the browser makes the elements of it that we wrote and no others, paints them,
runs no script and prints every row; else with 1 and a sentence."""
import os
import re
import struct
import subprocess
import sys
import tempfile
import zlib

SECONDS = 120


def chromium(folder, page, *options):
    """What it prints. Nothing but the page is fetched: there is no host that it could find."""
    return subprocess.run(
        ['chromium', '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
         '--disable-background-networking', '--no-first-run', '--host-resolver-rules=MAP * ~NOTFOUND',
         f'--user-data-dir={folder}/profile', *options, f'file://{os.path.abspath(page)}'],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        timeout=SECONDS, check=True).stdout


def sure(sentence, true):
    if not true:
        sys.exit(f'{sys.argv[1]}: not so: {sentence}')


def pixels(path):
    """The width, and the bytes of the lines of a PNG file, filters included."""
    with open(path, 'rb') as f:
        data = f.read()
    at, idat, width = 8, b'', 0
    while at < len(data):
        size, kind = struct.unpack_from('>I4s', data, at)
        if kind == b'IHDR':
            width = struct.unpack_from('>I', data, at + 8)[0]
        if kind == b'IDAT':
            idat += data[at + 8:at + 8 + size]
        at += 12 + size
    return width, zlib.decompress(idat)


def on_screen(folder, page):
    dom = chromium(folder, page, '--dump-dom')
    sure('the page arrives whole', '</html>' in dom)
    sure('a name makes no element', not re.search(r'<script|<img|<iframe|\son\w+="', dom, re.I))
    sure('there are pictures and tables', dom.count('<svg') >= 2 and dom.count('<table') >= 3)
    shot = os.path.join(folder, 'shot.png')
    chromium(folder, page, '--window-size=1000,1400', f'--screenshot={shot}')
    width, lines = pixels(shot)
    sure(f'it is as wide as the window: {width}', width == 1000)
    sure('something is painted', len(set(lines)) > 64)


def on_paper(folder, page):
    sheet = os.path.join(folder, 'page.pdf')
    chromium(folder, page, f'--print-to-pdf={sheet}')
    with open(sheet, 'rb') as f:
        data = f.read()
    sure('it prints', data.startswith(b'%PDF-') and len(re.findall(rb'/Type\s*/Page\b', data)) >= 2)


def main():
    with tempfile.TemporaryDirectory() as folder:
        on_screen(folder, sys.argv[1])
        on_paper(folder, sys.argv[1])


main()
