/** Loads the drawing library. It is large, so it is loaded only when a chart is drawn. */
import type * as PlotModule from './plot.ts';
import { SvgDocument } from './svg-document.ts';

/** The drawing library, and the document in which it makes elements, because there is no browser here. */
export interface Plotting {
  readonly Plot: typeof PlotModule;
  readonly document: SvgDocument;
}

/** Loads the drawing library. */
export async function loadPlotting(): Promise<Plotting> {
  const Plot = await import('./plot.ts');
  return { Plot, document: new SvgDocument() };
}
