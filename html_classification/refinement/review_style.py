"""How the page of the review queue looks.

Belongs here: its style sheet. Does not belong here: what stands on it (`review_page`).
"""

#: Colours have a contrast of at least 4.5 to 1 with what is behind them, light and dark.
STYLE = """\
:root { color-scheme: light dark; --back: #fff; --text: #1b1b1f; --soft: #55555f; --line: #c9c9d2; --panel: #f5f5f8;
  --link: #0b4fb3; --bar: #2f6f4f }
@media (prefers-color-scheme: dark) {
  :root { --back: #16161a; --text: #e8e8ee; --soft: #aeaebb; --line: #44444f; --panel: #202027; --link: #8fbcff;
    --bar: #79c79f }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.6rem; line-height: 1.2 }
h2 { font-size: 1.3rem; margin-top: 2.5rem; border-bottom: 1px solid var(--line) }
h3 { font-size: 1rem; margin: 0 0 .5rem }
h4 { font-size: .875rem; margin: .75rem 0 .25rem; color: var(--soft) }
a { color: var(--link) }
a:focus-visible, summary:focus-visible, .text:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
nav a { display: inline-block; padding: .5rem .75rem .5rem 0 }
code { background: var(--panel); padding: .1rem .25rem; border-radius: .25rem }
table { border-collapse: collapse; font-size: .875rem }
caption { text-align: left; font-weight: 600; padding-bottom: .25rem }
th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top }
.tables { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start }
.counts td:first-child, .counts th:first-child { text-align: right; font-variant-numeric: tabular-nums }
.wide { overflow-x: auto }
.wide table { min-width: 44rem; width: 100% }
article { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 1rem 0 }
.rank { display: inline-block; min-width: 2rem; padding: 0 .4rem; margin-right: .25rem; border-radius: .25rem;
  background: var(--text); color: var(--back); text-align: center }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 0 }
dt { font-size: .875rem; color: var(--soft) }
dd { margin: 0 }
.bar { display: inline-block; width: 6rem; height: .7rem; border: 1px solid var(--soft); vertical-align: baseline }
.bar span { display: block; height: 100%; background: var(--bar) }
.why { margin: 0; padding-left: 1.25rem }
.text { background: var(--panel); padding: .5rem .75rem; border-radius: .25rem; white-space: pre-wrap;
  unicode-bidi: isolate }
.note { color: var(--soft) }
summary { cursor: pointer; padding: .5rem 0; color: var(--link) }
@media print {
  :root { color-scheme: light; --back: #fff; --text: #000; --soft: #333; --line: #999; --panel: #fff; --link: #000 }
  body { max-width: none; padding: 0; font-size: 10pt }
  nav, details { display: none }
  article { break-inside: auto }
  h2, h3, h4, dl { break-after: avoid }
  .bar span, .rank { print-color-adjust: exact }
  .wide table { min-width: 0 }
}
"""
