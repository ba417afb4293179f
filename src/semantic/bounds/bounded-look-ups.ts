/**
 * The functions that stand in the operators' places while a query is run with the least and with the most that its open
 * answers may let in. A known question has its answer; an open one is noted, and has a stand-in.
 */
import type { DuckDBVector } from '@duckdb/node-api';
import { nodeApi } from '../../duck/node-api.ts';
import type { SqlNode } from '../../duck/parse-sql.ts';
import { setNull } from '../../duck/set-null.ts';
import type { Answer, AnswerBook, Tuple } from '../ask/answer-book.ts';
import { argumentType, aritiesOf, nativeType, readTuple } from '../look-up/look-up.ts';
import { NATIVE_TYPES } from '../look-up/native-types.ts';
import { castTo, givenArguments } from '../plan/cast.ts';
import { functionCall, integer, nodesOf } from '../plan/query-tree.ts';
import { takeSymbol } from '../read/symbols.ts';
import { type OperatorUse, readAnswer, typeOfUse, typesOf } from '../read/use.ts';
import type { SemanticQuery } from '../semantic-query.ts';

/**
 * What TRUE at an operator's place does to the result: 1 lets rows in, -1 keeps rows out. At 0 anything may happen, so
 * that the result is not known before the answer is.
 */
export type Polarity = 1 | 0 | -1;

export interface Question {
  readonly book: AnswerBook;
  readonly tuple: Tuple;
}

/** What one run of the query met. `hopes` tells whether an open question's stand-in lets rows in or keeps them out. */
export class Pass {
  readonly hopes: (key: string) => boolean;
  /** The open questions, in the order in which they were met. */
  readonly open = new Map<string, Question>();
  /** Those of them that stand at a place with, and without, a polarity. */
  readonly polar = new Set<string>();
  readonly exact = new Set<string>();
  lookUps = 0;

  constructor(hopes: Pass['hopes']) {
    this.hopes = hopes;
  }
}

/** A pass with more look-ups than this is given up. */
const MOST_LOOK_UPS = 200_000;

/** The functions of one statement. They are for one query at a time. */
export class BoundedLookUps {
  /** The same operators under the names of these functions. */
  readonly uses: readonly OperatorUse[];
  readonly #written: ReadonlyMap<OperatorUse, OperatorUse>;
  readonly #books: readonly AnswerBook[];
  #pass: Pass | undefined;
  /** True if the pass was given up. */
  hasTooMany = false;

  private constructor(written: readonly OperatorUse[], inTransaction: boolean) {
    this.#written = new Map(
      written.map((use) => {
        const { operator } = use.book;
        return [
          use,
          { ...use, names: takeSymbol(`bounded ${typesOf(operator, use.reading)}`, inTransaction) },
        ];
      }),
    );
    this.uses = [...this.#written.values()];
    this.#books = [...new Set(written.map(({ book }) => book))];
  }

  static async of({ read, statement }: SemanticQuery): Promise<BoundedLookUps> {
    const made = new BoundedLookUps(read.uses, read.inTransaction);
    const { session, stop } = statement;
    await session.inTurn(async (connection) => {
      for (const use of made.uses) {
        for (const scalar of made.#functionsOf(use)) connection.registerScalarFunction(scalar);
      }
    }, stop.signal);
    return made;
  }

  release(): void {
    for (const { names } of this.uses) names.release();
  }

  /** Runs `work` while look-ups belong to this pass. */
  async during<T>(pass: Pass, work: () => Promise<T>): Promise<T> {
    this.#pass = pass;
    this.hasTooMany = false;
    try {
      return await work();
    } finally {
      this.#pass = undefined;
    }
  }

  /** The operator's value. `call` is the node of the operator, with its arguments rewritten already. */
  value(written: OperatorUse, call: SqlNode, polarity: Polarity): SqlNode {
    const use = this.#written.get(written)!;
    const type = typeOfUse(use);
    const value = this.#call(use.names.call, use, call, polarity);
    return { ...(NATIVE_TYPES.has(type) ? value : castTo(value, type)), alias: call['alias'] };
  }

  /** NULL where the question is known; else TRUE where its stand-in lets rows in, and FALSE where it does not. */
  standIn(written: OperatorUse, call: SqlNode, polarity: Polarity): SqlNode {
    const use = this.#written.get(written)!;
    return this.#call(use.names.miss, use, call, polarity);
  }

  #call(name: string, { book }: OperatorUse, call: SqlNode, polarity: Polarity): SqlNode {
    const args = givenArguments(nodesOf(call['children']), book.operator);
    // DuckDB reads no negative literal in a tree.
    return functionCall(name, [...args, integer(polarity + 1)]);
  }

  #functionsOf(use: OperatorUse) {
    const api = nodeApi();
    const { args } = use.book.operator;
    const type = typeOfUse(use);
    const make = (
      name: string,
      arity: number,
      returnType: ReturnType<typeof nativeType>,
      give: (tuple: Tuple | undefined, polarity: Polarity) => Answer,
    ) =>
      api.DuckDBScalarFunction.create({
        name,
        parameterTypes: [...args.slice(0, arity).map((arg) => argumentType(arg.type)), api.BIGINT],
        returnType,
        volatile: true,
        specialHandling: true,
        mainFunction: (_info, input, output) => {
          const columns = Array.from({ length: arity }, (_, at) => input.getColumnVector(at));
          const polarities = input.getColumnVector(arity);
          this.#chunk(columns, polarities, input.rowCount, output, give);
        },
      });
    return aritiesOf(use.book.operator).flatMap((arity) => [
      make(
        use.names.call,
        arity,
        NATIVE_TYPES.has(type) ? nativeType(type) : api.VARCHAR,
        (tuple, polarity) => {
          if (tuple === undefined) return null;
          const answer = this.#answerOf(use, tuple, polarity);
          if (answer !== undefined) return readAnswer(use, answer.value);
          return type === 'BOOLEAN' ? this.#hopes(use, tuple, polarity) : null;
        },
      ),
      make(use.names.miss, arity, api.BOOLEAN, (tuple, polarity) => {
        if (tuple === undefined || this.#answerOf(use, tuple, polarity) !== undefined) return null;
        return this.#hopes(use, tuple, polarity);
      }),
    ]);
  }

  #chunk(
    columns: readonly DuckDBVector[],
    polarities: DuckDBVector,
    rowCount: number,
    output: DuckDBVector,
    give: (tuple: Tuple | undefined, polarity: Polarity) => Answer,
  ): void {
    const pass = this.#pass;
    pass!.lookUps += rowCount;
    for (let row = 0; row < rowCount; row += 1) {
      const polarity = (Number(polarities.getItem(row)) - 1) as Polarity;
      const value = give(readTuple(columns, row), polarity);
      if (value === null) setNull(output, row);
      else output.setItem(row, value);
    }
    output.flush();
    if (pass!.lookUps > MOST_LOOK_UPS) {
      this.hasTooMany = true;
      throw new Error('too many look-ups');
    }
  }

  /** The answer, if it is known; else notes the question. */
  #answerOf(
    { book }: OperatorUse,
    tuple: Tuple,
    polarity: Polarity,
  ): { readonly value: Answer } | undefined {
    const value = book.answerOf(tuple);
    if (value !== undefined) return { value };
    const key = this.#keyOf(book, tuple);
    const { open, polar, exact } = this.#pass!;
    if (!open.has(key)) open.set(key, { book, tuple });
    (polarity === 0 ? exact : polar).add(key);
    return undefined;
  }

  #hopes({ book }: OperatorUse, tuple: Tuple, polarity: Polarity): boolean {
    const isLetIn = this.#pass!.hopes(this.#keyOf(book, tuple));
    return polarity === -1 ? !isLetIn : isLetIn;
  }

  #keyOf(book: AnswerBook, tuple: Tuple): string {
    return `${this.#books.indexOf(book)} ${book.keyOf(tuple)}`;
  }
}
