/** The parts of the drawing library that charts use. The bundle keeps them in a file that only a report loads. */
export {
  areaY,
  barX,
  binX,
  dot,
  line,
  plot,
  rect,
  rectY,
  ruleX,
  ruleY,
  text,
} from '@observablehq/plot';
