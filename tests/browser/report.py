# SPDX-License-Identifier: MIT
"""report.py REPORT.html DIR: click through a report; pictures go to DIR."""
import json
import os
import re
import sys

from driver import Browser, check

page, shots = os.path.abspath(sys.argv[1]), sys.argv[2]
with open(page, encoding="utf-8") as f:
    data = json.loads(re.search(
        r'<script type="application/json" id="data">(.*?)</script>',
        f.read(), re.S).group(1))
requests = data["requests"]
b = Browser()


def rows():
    return b.run("return document.querySelectorAll('#list tbody tr').length")


def story():
    return b.run("return document.getElementById('story').innerText")


def chosen():
    return b.run("return document.querySelector('#list tr[aria-selected="
                 "true]').cells[0].innerText")


def colour(css, what):
    text = b.run("return getComputedStyle(document.querySelector(arguments[0]"
                 "))[arguments[1]]", css, what)
    return [int(float(n)) for n in re.findall(r"[\d.]+", text)[:3]]


try:
    b.open("file://" + page)
    check("Ringside" in b.run("return document.title"), "the page opens")
    check(b.run("return performance.getEntriesByType('resource').length") == 0,
          "it asks for nothing else")
    for part in ("summary", "handshake", "sequence", "latency", "requests"):
        check(b.run("return document.getElementById(arguments[0])"
                    ".getBoundingClientRect().height > 60", part),
              f"its part {part} is there")
    check(b.run("return document.querySelectorAll('svg').length") >= 3,
          "the pictures are in it")
    check(not b.run("""
        const texts = [...document.querySelectorAll('#handshake svg text')];
        return texts.filter((t) => t.getBBox().width === 0).length"""),
        "their words have a size")
    check(rows() == len(requests), f"{len(requests)} requests are listed")

    target = requests[len(requests) // 2]
    b.type("#find", f"#{target['seq']} {target['dev']}")
    check(rows() == 1, f"#{target['seq']} is found alone")
    check(f"#{target['seq']}" in story(), "and its story told at once")
    for who, step in (("frontend → ring", "pushes"), ("ring → backend", "takes"),
                      ("ring → frontend", "completes")):
        check(who in story() and step in story(), f"{who}: {step}")
    b.shot(os.path.join(shots, "story.png"))

    b.run("const f = document.getElementById('find'); f.value = '';"
          "f.dispatchEvent(new Event('input'))")
    check(rows() == len(requests), "all are back")
    b.type("#find", "nosuchthing")
    check(rows() == 0 and "No request matches" in story(), "nothing is found")
    b.run("const f = document.getElementById('find'); f.value = '';"
          "f.dispatchEvent(new Event('input'))")

    b.click("#list tbody tr:nth-child(3)")
    third = chosen()
    check(third.split()[-1] in story(), "a click tells the story")
    b.keys("Down")
    check(chosen() != third and chosen().split()[-1] in story(),
          "an arrow key goes on")
    b.keys("Up", "End")
    last = requests[-1]
    check(chosen() == f"{last['op']} #{last['seq']}", "End goes to the end")
    b.keys("/")
    check(b.run("return document.activeElement.id") == "find",
          "/ goes to the search")

    b.run("const o = document.getElementById('order'); o.value = 'total';"
          "o.dispatchEvent(new Event('change'))")
    slowest = max(requests, key=lambda r: r["total"])
    check(chosen() == f"{slowest['op']} #{slowest['seq']}",
          "the slowest comes first")

    wide = "return document.querySelector('#sequence svg').getBoundingClientRect().width"
    before = b.run(wide)
    b.size(1000, 1000)
    b.click("#sequence button.zoom")
    check(b.run(wide) > b.run("return window.innerWidth") or
          b.run(wide) > before, "a picture can be enlarged")
    b.click("#sequence button.zoom")
    check(b.run("return document.documentElement.scrollWidth <= "
                "window.innerWidth"), "a narrow window needs no scrolling")
    b.size(1500, 1100)

    check(sum(colour("body", "backgroundColor")) > 600, "light")
    b.run("window.scrollTo(0, 0)")
    b.shot(os.path.join(shots, "light.png"))
    b.media(prefers_color_scheme="dark")
    check(sum(colour("body", "backgroundColor")) < 150, "and dark")
    check(sum(colour("#sequence svg .node.rs-ring text", "fill")) > 380,
          "the pictures' words are light then")
    check(sum(colour("#handshake svg .graph > polygon", "fill")) < 150,
          "and their ground is dark")
    check(sum(colour("#handshake svg .graph > text", "fill")) > 600 and
          b.run("return getComputedStyle(document.querySelector('#handshake "
                "svg .cluster path')).fill") == "none",
          "and the handshake is legible")
    b.shot(os.path.join(shots, "dark.png"))
    for part in ("handshake", "sequence", "latency", "requests"):
        b.run("document.getElementById(arguments[0]).scrollIntoView()", part)
        b.shot(os.path.join(shots, f"dark-{part}.png"))
    check(not b.complaints(), f"the browser has no complaint {b.complaints()}")
finally:
    b.close()
