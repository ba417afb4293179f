/** The workload of `--workload auto`: tables, and random statements of every shape over them. A seed determines it. */
import { createRandom } from '../sim/random.ts';

const CRITERIA = ['eco-friendly', 'about sound', 'for children', 'a complaint', 'made of metal'];
const SIZES = [10, 30, 100];
const PARALLEL = [1, 5, 10, 50];

/** The file name of the cascade that the workload's MAPs run. The file is in the folder of the collection. */
export const COLLECT_CASCADE = 'collect_ask.yaml';
export const COLLECT_CASCADE_TEXT = `cascade_id: collect_ask
inputs_schema: { d: string }
cells:
  - name: ask
    instructions: "What is this about? {{ input.d }}"
`;

const TABLES = [
  `CREATE TABLE items AS SELECT i AS id, 'item ' || i || ' of the list' AS d, i % 7 AS kind, i * 1.5 AS price FROM range(1000) r(i)`,
  `CREATE TABLE notes AS SELECT i AS id, 'note ' || (i % 40) AS d, i % 3 AS kind FROM range(1000) r(i)`,
];

/** Returns a statement of one shape, for random values. */
type Shape = (draw: Draw) => string;

interface Draw {
  readonly table: string;
  readonly rows: number;
  readonly parallel: number;
  readonly criterion: string;
  readonly number: number;
}

const map = ({ parallel }: Draw, query: string) =>
  `RVBBIT MAP PARALLEL ${parallel} '${COLLECT_CASCADE}' AS answer USING (${query})`;
const semantic = ({ parallel }: Draw, query: string) => `-- @ parallel: ${parallel}\n${query}`;
const part = ({ table, rows }: Draw) => `(SELECT * FROM ${table} WHERE id < ${rows})`;

const SHAPES: readonly Shape[] = [
  (draw) => map(draw, `SELECT id, d FROM ${part(draw)} ORDER BY id`),
  (draw) => map(draw, `SELECT d, count(*) AS n FROM ${part(draw)} GROUP BY d ORDER BY d`),
  (draw) => map(draw, `SELECT id, d FROM ${draw.table} ORDER BY id LIMIT ${draw.rows}`),
  (draw) =>
    `CREATE TABLE made_${draw.number} AS ${map(draw, `SELECT id, d FROM ${part(draw)} ORDER BY id`)}`,
  (draw) =>
    semantic(
      draw,
      `SELECT id FROM ${part(draw)} WHERE kind = 1 AND d MEANS '${draw.criterion}' ORDER BY id`,
    ),
  (draw) =>
    semantic(draw, `SELECT id FROM ${part(draw)} WHERE d MEANS '${draw.criterion}' LIMIT 5`),
  (draw) =>
    semantic(
      draw,
      `SELECT kind, count(*) AS n FROM ${part(draw)} WHERE d MEANS '${draw.criterion}' GROUP BY kind ORDER BY kind`,
    ),
  (draw) =>
    semantic(
      draw,
      `SELECT id, d ABOUT '${draw.criterion}' AS score FROM ${part(draw)} ORDER BY score DESC, id`,
    ),
  (draw) =>
    semantic(
      draw,
      `CREATE TABLE kept_${draw.number} AS SELECT id FROM ${part(draw)} WHERE d MEANS '${draw.criterion}'`,
    ),
  (draw) =>
    semantic(
      draw,
      `SELECT i.id FROM ${part(draw)} i JOIN notes n ON i.id = n.id WHERE i.d MEANS '${draw.criterion}' ORDER BY i.id`,
    ),
];

/** Returns the statements that make the tables, then `count` statements that use all shapes equally often. */
export function generatedWorkload(count: number, seed: number): string[] {
  const random = createRandom(seed);
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const statements = Array.from({ length: count }, (_, number) =>
    SHAPES[number % SHAPES.length]!({
      table: one(['items', 'notes']),
      rows: one(SIZES),
      parallel: one(PARALLEL),
      criterion: one(CRITERIA),
      number,
    }),
  );
  return [...TABLES, ...statements];
}
