"""The look of the report: one style sheet for screens, light and dark, narrow ones, and paper."""

from __future__ import annotations

CSS = """
:root {
  color-scheme: light dark;
  --page: #f4f6f8; --sheet: #ffffff; --text: #1d2430; --muted: #5b6675; --line: #e0e5ea;
  --soft: #eef3f7; --rare: #8a5a00; --rare-soft: #fff3d6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1117; --sheet: #161b22; --text: #e6e9ee; --muted: #9aa5b4; --line: #2b333e;
    --soft: #1d2530; --rare: #f2c14e; --rare-soft: #33290f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
main { max-width: 1200px; margin: 0 auto; padding: 36px 20px 60px; }
header, section {
  background: var(--sheet); border: 1px solid var(--line); border-radius: 12px;
  padding: 26px 30px; margin-bottom: 20px;
}
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 12px; text-wrap: balance; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 10px; }
h3 { font-size: 1.02rem; margin: 26px 0 8px; }
p { margin: 0 0 12px; max-width: 82ch; }
.kicker { color: var(--muted); font-size: .85rem; margin: 0 0 8px; }
.lead { font-size: 1.06rem; }
b, h4 { white-space: nowrap; }
h4 .quiet { white-space: normal; }
.quiet, figcaption { color: var(--muted); font-size: .88rem; }
.facts {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 14px 18px;
  margin: 22px 0 0; padding: 18px 0 0; border-top: 1px solid var(--line);
}
.facts div {
  min-width: 0; display: flex; flex-direction: column-reverse; justify-content: flex-end;
}
.facts dt { color: var(--muted); font-size: .82rem; line-height: 1.3; }
.facts dd { margin: 0 0 2px; font-size: 1.3rem; font-weight: 650; line-height: 1.25; }
figure { margin: 0; }
figure.curve img { width: 100%; max-width: 960px; height: auto; display: block; }
figcaption { margin-top: 8px; max-width: 82ch; }
.pair { display: flex; flex-wrap: wrap; gap: 0 72px; }
.pair > div { min-width: 0; max-width: 100%; }
.scroll { overflow-x: auto; margin: 0 -4px; padding: 0 4px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .93rem; }
th, td { padding: 7px 16px 7px 0; text-align: right; vertical-align: top; white-space: nowrap; }
th { color: var(--muted); font-weight: 600; font-size: .85rem; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
tbody tr { border-top: 1px solid var(--line); }
td small { color: var(--muted); font-size: .82em; margin-left: 6px; }
table.stacked td small { display: block; margin: 0; }
table.stacked th { white-space: normal; }
td.best { font-weight: 700; }
.swatch {
  display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px;
  vertical-align: -1px;
}
.legend { display: flex; flex-wrap: wrap; gap: 6px 20px; margin: 4px 0 14px; font-size: .88rem; }
.legend span { white-space: nowrap; }
.dots {
  display: inline-block; width: 22px; border-top: 3px dotted var(--text); margin-right: 6px;
  vertical-align: 4px;
}
.ramp {
  display: inline-block; width: 84px; height: 11px; border-radius: 3px; vertical-align: -1px;
  margin: 0 6px; background: linear-gradient(90deg, #0b0724, #57106e, #bc3754, #f98e09, #fcffa4);
}
.round { border-top: 1px solid var(--line); padding-top: 18px; margin-top: 22px; }
.round:first-of-type { border-top: 0; padding-top: 0; margin-top: 0; }
.round > h3 { margin: 0 0 4px; font-size: 1.08rem; }
.arm { margin-top: 16px; }
.arm h4 { margin: 0 0 8px; font-size: .95rem; font-weight: 650; }
.arm h4 .quiet { font-weight: 400; margin-left: 8px; }
.cards { display: grid; gap: 16px; grid-template-columns: repeat(var(--columns), 1fr); }
.card {
  border: 1px solid var(--line); border-radius: 10px; overflow: hidden; break-inside: avoid;
  background: var(--sheet); display: flex; flex-direction: column; min-width: 0;
}
.views { display: flex; background: #000; align-items: center; justify-content: center; gap: 2px; }
.views figure { flex: 1 1 50%; min-width: 0; text-align: center; }
.views img {
  width: 100%; height: auto; max-height: 300px; object-fit: contain; display: block;
}
.card .said { padding: 11px 14px 13px; }
.card h5 { margin: 0 0 4px; font-size: .92rem; overflow-wrap: anywhere; line-height: 1.35; }
.card p, .card ul { margin: 0; font-size: .86rem; line-height: 1.45; }
.card ul { padding-left: 1.1em; color: var(--muted); }
.card .agreed { margin-top: 6px; }
.badge {
  display: inline-block; background: var(--rare-soft); color: var(--rare); font-weight: 600;
  border-radius: 999px; padding: 0 9px; font-size: .76rem; line-height: 1.6; margin-left: 4px;
}
dl.words dt { font-weight: 650; margin-top: 12px; }
dl.words dd { margin: 2px 0 0; max-width: 82ch; }
pre {
  background: var(--soft); border-radius: 8px; padding: 12px 16px;
  white-space: pre-wrap; overflow-wrap: anywhere;
  font: .86rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
}
ul.plain { padding-left: 1.15em; margin: 0 0 12px; max-width: 82ch; }
ul.plain li { margin-bottom: 4px; }
@media (max-width: 960px) { .cards { grid-template-columns: repeat(2, 1fr); } }
@media (max-width: 640px) {
  main { padding: 12px 8px 32px; }
  header, section { padding: 18px 16px; border-radius: 10px; }
  h1 { font-size: 1.38rem; }
  .cards { grid-template-columns: 1fr; }
  .facts { grid-template-columns: repeat(2, 1fr); }
}
@media print {
  :root {
    --page: #fff; --sheet: #fff; --text: #000; --muted: #444; --line: #ccc;
    --soft: #f3f3f3; --rare: #6b4600; --rare-soft: #f6ecd2;
  }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  header, section { border: 0; padding: 0 0 14pt; margin: 0; border-radius: 0; }
  .cards { grid-template-columns: repeat(3, 1fr); gap: 8pt; }
  .facts { grid-template-columns: repeat(6, 1fr); }
  .card, tr, figure { break-inside: avoid; }
  h2, h3, h4 { break-after: avoid; }
  img, .ramp, .swatch, .views { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
