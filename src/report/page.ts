/** Builds a self-contained page: one HTML file without scripts and without anything to load from a network. */
import type { Chart } from './charts.ts';

/** The widths of the two drawings of each chart, in pixels. The page shows the drawing that fits. */
const WIDE_PX = 960;
const NARROW_PX = 360;

const CSS = `
:root { color-scheme: light dark; --line: light-dark(#d6d9de, #3a3f47); --soft: light-dark(#5b6470, #a3abb6); --card: light-dark(#f5f6f8, #1d2127); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 20px 16px 48px; max-width: ${WIDE_PX + 32}px; font: 15px/1.5 system-ui, sans-serif; background: light-dark(#fff, #121418); color: light-dark(#16191d, #e8eaed); }
h1 { font-size: 22px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 32px 0 4px; }
h3 { font-size: 14px; margin: 20px 0 0; }
p { margin: 4px 0 8px; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.point { font-size: 17px; margin: 12px 0 16px; padding: 10px 14px; border-left: 4px solid #3b82f6; background: var(--card); }
pre { margin: 6px 0; padding: 10px 12px; background: var(--card); white-space: pre-wrap; overflow-wrap: anywhere; font-size: 13px; max-height: 360px; overflow: auto; }
summary { cursor: pointer; color: var(--soft); }
dl.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: 8px; margin: 12px 0; }
dl.facts div { background: var(--card); padding: 8px 12px; }
dl.facts dt { color: var(--soft); font-size: 12px; }
dl.facts dd { margin: 0; font-size: 19px; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
ul.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 18px; padding: 0; margin: 4px 0; font-size: 13px; }
ul.legend i { display: inline-block; width: 12px; height: 12px; margin-right: 6px; vertical-align: -1px; border: 1px solid transparent; }
ul.legend i.idle { border-color: var(--soft); }
table { border-collapse: collapse; width: 100%; margin: 8px 0; font-size: 14px; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
svg { display: block; max-width: 100%; height: auto; overflow: visible; }
.narrow { display: none; }
@media (max-width: 640px) {
  .wide, thead { display: none; }
  .narrow { display: block; }
  table, tbody, tr, td { display: block; }
  td { border: 0; padding: 0; overflow-wrap: anywhere; }
  tr { border-bottom: 1px solid var(--line); padding: 6px 0; }
}
`;

/** Escapes text for use in an element or an attribute. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Returns the whole file. `title` is text, `body` is HTML. */
export function htmlPage(title: string, body: readonly string[]): string {
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escapeHtml(title)}</title>`,
    `<style>${CSS}</style></head><body>`,
    ...body,
    '</body></html>',
    '',
  ].join('\n');
}

/** Returns the HTML of a chart in both widths. */
export function chartHtml(chart: Chart): string {
  return `<div class="wide">${chart(WIDE_PX)}</div><div class="narrow">${chart(NARROW_PX)}</div>`;
}

/** Returns a chart as an SVG file. Its background is light or dark, by the reader's settings. */
export function chartFile(chart: Chart): string {
  const ground = ':root { color-scheme: light dark; color: CanvasText; background: Canvas; }';
  // The first `>` ends the opening tag, because no attribute of that tag contains a `>`.
  return chart(WIDE_PX).replace('>', `><style>${ground}</style>`);
}

/** Returns the HTML of a list of figures. Each fact is `[name, figure]`. */
export function factsHtml(facts: readonly (readonly [string, string])[]): string {
  const cells = facts.map(
    ([name, figure]) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(figure)}</dd></div>`,
  );
  return `<dl class="facts">${cells.join('')}</dl>`;
}

/** Returns the HTML of a legend. Each entry is `[colour, text]`. Without a colour the mark is an empty box. */
export function legendHtml(entries: readonly (readonly [string | undefined, string])[]): string {
  const items = entries.map(([color, text]) => {
    const mark =
      color === undefined ? '<i class="idle"></i>' : `<i style="background:${color}"></i>`;
    return `<li>${mark}${escapeHtml(text)}</li>`;
  });
  return `<ul class="legend">${items.join('')}</ul>`;
}
