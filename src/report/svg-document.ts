/** A document for the drawing library, which makes its elements in a browser's document: as much of one as SVG needs. */

const SVG = 'http://www.w3.org/2000/svg';

type SvgNode = SvgElement | SvgText;

/** A document that makes SVG elements. */
export class SvgDocument {
  readonly documentElement: SvgElement;

  constructor() {
    this.documentElement = new SvgElement(this, SVG, 'svg');
  }

  createElementNS(namespace: string, name: string): SvgElement {
    return new SvgElement(this, namespace, name);
  }
}

class SvgText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get outerHTML(): string {
    return escaped(this.text);
  }
}

/** The properties of an element's `style`. They are assigned with camelCase names, or set with CSS names. */
class Style {
  [name: string]: unknown;

  setProperty(name: string, value: unknown): void {
    this[name] = value;
  }
}

class SvgElement {
  readonly ownerDocument: SvgDocument;
  readonly namespaceURI: string;
  readonly tagName: string;
  readonly style = new Style();
  readonly #attributes = new Map<string, string>();
  #children: SvgNode[] = [];
  #parent: SvgElement | undefined;

  constructor(ownerDocument: SvgDocument, namespaceURI: string, tagName: string) {
    this.ownerDocument = ownerDocument;
    this.namespaceURI = namespaceURI;
    this.tagName = tagName;
  }

  get parentNode(): SvgElement | undefined {
    return this.#parent;
  }

  setAttribute(name: string, value: unknown): void {
    this.#attributes.set(name, String(value));
  }

  removeAttribute(name: string): void {
    this.#attributes.delete(name);
  }

  appendChild(child: SvgElement): SvgElement {
    return this.insertBefore(child, null);
  }

  /** Puts `child` before `next`, or at the end. Takes it from where it was. */
  insertBefore(child: SvgElement, next: SvgNode | null): SvgElement {
    const parent = child.#parent;
    if (parent !== undefined) parent.#children = parent.#children.filter((one) => one !== child);
    const index = next === null ? -1 : this.#children.indexOf(next);
    this.#children.splice(index < 0 ? this.#children.length : index, 0, child);
    child.#parent = this;
    return child;
  }

  set textContent(text: unknown) {
    this.#children = [new SvgText(String(text))];
  }

  get outerHTML(): string {
    const style = Object.entries(this.style)
      .map(([name, value]) => `${cssName(name)}:${value}`)
      .join(';');
    const attributes = [...this.#attributes, ...(style === '' ? [] : [['style', style] as const])]
      .map(([name, value]) => ` ${name}="${escaped(value).replaceAll('"', '&quot;')}"`)
      .join('');
    const content = this.#children.map((child) => child.outerHTML).join('');
    const start = `<${this.tagName}${attributes}`;
    return content === '' ? `${start}/>` : `${start}>${content}</${this.tagName}>`;
  }
}

function cssName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
