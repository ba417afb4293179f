/**
 * The functions that stand in the operators' places while a query is run with the least and with the most that its open
 * answers may let in. A known question has its answer; an open one is noted, and has a stand-in.
 */
import type { DuckDBVector } from '@duckdb/node-api';
import { nodeApi } from '../../duck/node-api.ts';
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { Session } from '../../duck/session.ts';
import { setNull } from '../../duck/set-null.ts';
import type { Answer, AnswerBook, Tuple } from '../ask/answer-book.ts';
import { hasCodes, type LookUpChunk, readChunk, readTuple } from '../look-up/chunk.ts';
import { argumentType, aritiesOf, nativeType } from '../look-up/look-up.ts';
import { canBeCoded, NATIVE_TYPES, textPlaces } from '../look-up/native-types.ts';
import { TextCodes } from '../look-up/text-codes.ts';
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

/** A question, and what the latest pass that met it knows of it. */
export class Question {
  readonly key: string;
  readonly book: AnswerBook;
  readonly tuple: Tuple;
  #pass: Pass | undefined;
  #answer: Answer | undefined;
  #isLetIn = false;
  #isPolar = false;
  #isExact = false;

  constructor(key: string, book: AnswerBook, tuple: Tuple) {
    this.key = key;
    this.book = book;
    this.tuple = tuple;
  }

  /** The answer; undefined if it is not known. The pass then notes the question. */
  answerIn(pass: Pass, polarity: Polarity): Answer | undefined {
    if (this.#pass !== pass) {
      this.#pass = pass;
      this.#answer ??= this.book.answerOf(this.tuple);
      this.#isLetIn = pass.hopes(this.key);
      this.#isPolar = false;
      this.#isExact = false;
      if (this.#answer === undefined) pass.open.set(this.key, this);
    }
    if (this.#answer !== undefined) return this.#answer;
    if (polarity === 0 && !this.#isExact) {
      this.#isExact = true;
      pass.exact.add(this.key);
    } else if (polarity !== 0 && !this.#isPolar) {
      this.#isPolar = true;
      pass.polar.add(this.key);
    }
    return undefined;
  }

  /** The stand-in in the pass that met it. */
  standIn(polarity: Polarity): boolean {
    return polarity === -1 ? !this.#isLetIn : this.#isLetIn;
  }
}

/** What one run of the query met. `hopes` tells whether an open question's stand-in lets rows in or keeps them out. */
export class Pass {
  readonly hopes: (key: string) => boolean;
  /** The open questions, in the order in which they were met. */
  readonly open = new Map<string, Question>();
  /** Those of them that stand at a place with, and without, a polarity. */
  readonly polar = new Set<string>();
  readonly exact = new Set<string>();
  /** Look-ups of values, and of codes. */
  lookUps = 0;
  coded = 0;

  constructor(hopes: Pass['hopes']) {
    this.hopes = hopes;
  }
}

/** The functions of one statement. They are for one query at a time. */
export class BoundedLookUps {
  /** The same operators under the names of these functions. */
  readonly uses: readonly OperatorUse[];
  readonly #written: ReadonlyMap<OperatorUse, OperatorUse>;
  readonly #books: readonly AnswerBook[];
  readonly #session: Session;
  readonly #questions = new Map<string, Question>();
  readonly #codes: TextCodes<Question>;
  #pass: Pass | undefined;
  /** How many questions have codes. */
  #codedCount = 0;
  #hasCodedFunctions = false;
  /** A pass with more look-ups of values than this is given up. */
  mostLookUps = Infinity;
  /** True if the pass was given up. */
  hasTooMany = false;

  private constructor(
    written: readonly OperatorUse[],
    { session, inTransaction }: { readonly session: Session; readonly inTransaction: boolean },
  ) {
    this.#session = session;
    this.#codes = new TextCodes(session);
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
    const { session, stop } = statement;
    const { inTransaction } = read;
    const made = new BoundedLookUps(read.uses, { session, inTransaction });
    await made.#register(false, stop.signal);
    return made;
  }

  async #register(isCoded: boolean, signal?: AbortSignal): Promise<void> {
    const uses = isCoded ? this.uses.filter(canBeCoded) : this.uses;
    await this.#session.inTurn(async (connection) => {
      for (const use of uses) {
        for (const scalar of this.#functionsOf(use, isCoded)) {
          connection.registerScalarFunction(scalar);
        }
      }
    }, signal);
  }

  async release(): Promise<void> {
    await this.#codes.remove();
    for (const { names } of this.uses) names.release();
  }

  /** The question with this key. Some pass has met it. */
  question(key: string): Question {
    return this.#questions.get(key)!;
  }

  /** How many of the questions that were met have no codes. */
  get uncoded(): number {
    return this.#questions.size - this.#codedCount;
  }

  /** Gives codes to the texts of all questions that were met. The query has to be prepared again. */
  async code(): Promise<void> {
    if (!this.#hasCodedFunctions) await this.#register(true);
    this.#hasCodedFunctions = true;
    this.#codedCount = this.#questions.size;
    const entries = [...this.#questions.values()].map((question) => ({
      book: question.book,
      tuple: question.tuple,
      value: question,
    }));
    await this.#codes.install(
      entries,
      this.uses,
      ({ names }) => [names.call, names.miss].map((macro) => ({ macro, calls: codedName(macro) })),
      ['polarity'],
    );
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

  #functionsOf(use: OperatorUse, isCoded: boolean) {
    const api = nodeApi();
    const { operator } = use.book;
    const places = isCoded ? textPlaces(operator) : [];
    const type = typeOfUse(use);
    const make = (
      name: string,
      arity: number,
      returnType: ReturnType<typeof nativeType>,
      give: Give,
    ) =>
      api.DuckDBScalarFunction.create({
        name: isCoded ? codedName(name) : name,
        parameterTypes: [
          ...operator.args.slice(0, arity).map((arg) => argumentType(arg.type)),
          ...places.map(() => api.INTEGER),
          api.BIGINT,
        ],
        returnType,
        volatile: true,
        specialHandling: true,
        mainFunction: (_info, input, output) => {
          const polarities = input.getColumnVector(arity + places.length);
          this.#chunk(use.book, give, readChunk(input, arity, places), polarities, output);
        },
      });
    return aritiesOf(use.book.operator).flatMap((arity) => [
      make(
        use.names.call,
        arity,
        NATIVE_TYPES.has(type) ? nativeType(type) : api.VARCHAR,
        (question, pass, polarity) => {
          const answer = question.answerIn(pass, polarity);
          if (answer !== undefined) return readAnswer(use, answer);
          return type === 'BOOLEAN' ? question.standIn(polarity) : null;
        },
      ),
      make(use.names.miss, arity, api.BOOLEAN, (question, pass, polarity) =>
        question.answerIn(pass, polarity) === undefined ? question.standIn(polarity) : null,
      ),
    ]);
  }

  #chunk(
    book: AnswerBook,
    give: Give,
    chunk: LookUpChunk,
    polarities: DuckDBVector,
    output: DuckDBVector,
  ): void {
    const pass = this.#pass!;
    const find = hasCodes(chunk) ? this.#codes.finder(book, chunk) : undefined;
    for (let row = 0; row < chunk.rowCount; row += 1) {
      let question = find?.(row);
      if (question === undefined) {
        pass.lookUps += 1;
        question = this.#met(book, chunk.columns, row);
      } else pass.coded += 1;
      const polarity = (Number(polarities.getItem(row)) - 1) as Polarity;
      const value = question === undefined ? null : give(question, pass, polarity);
      if (value === null) setNull(output, row);
      else output.setItem(row, value);
    }
    output.flush();
    if (pass.lookUps > this.mostLookUps) {
      this.hasTooMany = true;
      throw new Error('too many look-ups');
    }
  }

  /** The question of a row; undefined if one of its arguments is NULL. */
  #met(book: AnswerBook, columns: readonly DuckDBVector[], row: number): Question | undefined {
    const tuple = readTuple(columns, row);
    if (tuple === undefined) return undefined;
    const key = `${this.#books.indexOf(book)} ${book.keyOf(tuple)}`;
    let question = this.#questions.get(key);
    if (question === undefined) {
      question = new Question(key, book, tuple);
      this.#questions.set(key, question);
    }
    return question;
  }
}

/** The value of a question in a pass. */
type Give = (question: Question, pass: Pass, polarity: Polarity) => Answer;

/** The function that takes the codes of its texts. */
function codedName(name: string): string {
  return `${name}_coded`;
}
