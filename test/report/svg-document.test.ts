/** The document of the drawings: what it writes is SVG that a browser reads as it was made. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SvgDocument } from '../../src/report/svg-document.ts';

const SVG = 'http://www.w3.org/2000/svg';

test('attributes, styles, children and text are written, an element without children in short', () => {
  const document = new SvgDocument();
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('width', 40);
  svg.setAttribute('height', 20);
  svg.removeAttribute('height');
  Object.assign(svg.style, { fontSize: '12px' });
  svg.style.setProperty('fill-opacity', 0.5);
  const title = document.createElementNS(SVG, 'title');
  svg.appendChild(document.createElementNS(SVG, 'rect')).setAttribute('x', 1);
  svg.appendChild(title).textContent = 'a';
  title.textContent = 'b';
  assert.is(
    svg.outerHTML,
    '<svg width="40" style="font-size:12px;fill-opacity:0.5"><rect x="1"/><title>b</title></svg>',
  );
});

test('an element that is put somewhere else is no longer where it was', () => {
  const document = new SvgDocument();
  const [from, to, moved, last] = ['a', 'b', 'c', 'd'].map((name) =>
    document.createElementNS(SVG, name),
  );
  from!.appendChild(moved!);
  to!.appendChild(last!);
  to!.insertBefore(moved!, last!);
  assert.equal([from!.outerHTML, to!.outerHTML], ['<a/>', '<b><c/><d/></b>']);
  assert.is(moved!.parentNode, to);
});

test('text that looks like markup stays text', () => {
  const text = new SvgDocument().createElementNS(SVG, 'text');
  text.setAttribute('title', '"><script>');
  text.textContent = '</text><script>&';
  assert.is(
    text.outerHTML,
    '<text title="&quot;&gt;&lt;script&gt;">&lt;/text&gt;&lt;script&gt;&amp;</text>',
  );
});

test.run();
