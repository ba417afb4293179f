/** Random expressions over tables `t` and `u`, each written with semantic operators and with plain macros. */

/** The same text in both spellings. */
export interface Pair {
  readonly semantic: string;
  readonly plain: string;
}

export interface GeneratedQuery extends Pair {
  /** `ordered`: the order is total; `bag`: any; `changes`: compare the table `target` afterwards. */
  readonly kind: 'ordered' | 'bag' | 'changes';
}

type Part = Pair | string | number;

/** A template whose parts are written in both spellings. */
export function both(strings: TemplateStringsArray, ...parts: Part[]): Pair {
  const side = (key: keyof Pair) =>
    strings.reduce((text, piece, index) => {
      const part = parts[index - 1]!;
      return text + (typeof part === 'object' ? part[key] : String(part)) + piece;
    });
  return { semantic: side('semantic'), plain: side('plain') };
}

/** Pairs with the same text between them. */
export function joined(parts: readonly Pair[], between: string): Pair {
  return {
    semantic: parts.map(({ semantic }) => semantic).join(between),
    plain: parts.map(({ plain }) => plain).join(between),
  };
}

/** Operands on the left. */
export const TEXTS = [
  'a',
  'c',
  't.a',
  't.c',
  "a || 'x'",
  'upper(c)',
  "coalesce(a, 'none')",
  "'abc'",
];
/** Operands on the right. */
export const CRITERIA = [
  "'a'",
  "'b'",
  "''",
  "'abc'",
  'c',
  '(c)',
  "lower('B')",
  'NULL',
  "('a' || 'b')",
  "'-0'",
  "'12345678901234567890'",
  "'🙂'",
];

/** A query whose rows may come in any order. */
export function bag(pair: Pair): GeneratedQuery {
  return { kind: 'bag', ...pair };
}

/** Draws expressions from a source of random numbers in [0, 1). */
export class QueryParts {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A condition for WHERE. */
  protected condition(depth: number): Pair {
    if (depth === 0 || this.#random() < 0.3) return this.leaf();
    return this.pick([
      () => both`${this.condition(depth - 1)} AND ${this.condition(depth - 1)}`,
      () => both`(${this.condition(depth - 1)} OR ${this.condition(depth - 1)})`,
      () => both`NOT (${this.condition(depth - 1)})`,
      () => both`NOT ${this.leaf()}`,
    ])();
  }

  protected leaf(): Pair {
    return this.pick([
      () => this.boolean(),
      () => this.boolean(),
      () => this.pick([both`n > 1`, both`id % 2 = 0`, both`length(c) > 1`, both`a IS NOT NULL`]),
      () => both`(${this.boolean()}) IS ${this.maybeNot()}NULL`,
      () => both`${this.value()} IS NOT DISTINCT FROM ${this.value()}`,
      () => both`coalesce((${this.boolean()}), true)`,
      () => both`CASE WHEN ${this.boolean()} THEN ${this.boolean()} ELSE n > 1 END`,
      () => this.compared(),
    ])();
  }

  /** A BOOLEAN where one is needed: scores are compared with the threshold there. */
  protected boolean(): Pair {
    return this.operator(this.pick(TEXTS), this.pick(CRITERIA));
  }

  protected operator(a: string, b: string): Pair {
    const plain = (name: string) => `m_${name}(${a}, ${b})`;
    // A call of a constant text with a column as the criterion is refused.
    const isConstant = a === "'abc'";
    return this.pick<Pair>([
      { semantic: `${a} MEANS ${b}`, plain: plain('means') },
      { semantic: `${a} matches ${b}`, plain: plain('means') },
      { semantic: `${a} NOT MEANS ${b}`, plain: `(NOT ${plain('means')})` },
      {
        semantic: isConstant ? `(${a} MEANS ${b})` : `semantic_means(${a}, ${b})`,
        plain: plain('means'),
      },
      {
        semantic: isConstant ? `(${a} MATCHES ${b})` : `matches(${b}, ${a})`,
        plain: plain('means'),
      },
      { semantic: `${a} SAME_AS ${b}`, plain: plain('same_as') },
      {
        semantic: `(${a} TRANSLATED TO ${b}) MEANS 'B'`,
        plain: `m_means(m_translated(${a}, ${b}), 'B')`,
      },
    ]);
  }

  protected compared(): Pair {
    const [a, b] = [this.pick(TEXTS), this.pick(CRITERIA)];
    return this.pick<Pair>([
      { semantic: `${a} ABOUT ${b} > 0.3`, plain: `m_about(${a}, ${b}) > 0.3` },
      { semantic: `${a} ABOUT ${b}`, plain: `(m_about(${a}, ${b}) >= 0.5)` },
      { semantic: `NOT ${a} ALIGNS WITH ${b}`, plain: `(NOT m_aligns(${a}, ${b}) >= 0.5)` },
      { semantic: `${a} ALIGNS ${b} < n`, plain: `m_aligns(${a}, ${b}) < n` },
      { semantic: `quality(${a}) >= 0.5`, plain: `m_quality(${a}) >= 0.5` },
    ]);
  }

  /** A value for a select list. */
  protected value(): Pair {
    const [a, b] = [this.pick(TEXTS), this.pick(CRITERIA)];
    return this.pick<Pair>([
      { semantic: `(${a} ABOUT ${b})::VARCHAR`, plain: `m_about(${a}, ${b})::VARCHAR` },
      { semantic: `(${a} MEANS ${b})::VARCHAR`, plain: `m_means(${a}, ${b})::VARCHAR` },
      { semantic: `quality(${a})::VARCHAR`, plain: `m_quality(${a})::VARCHAR` },
      this.text(),
    ]);
  }

  protected text(): Pair {
    return this.operatorText(this.pick(TEXTS), this.pick(CRITERIA));
  }

  protected operatorText(a: string, b: string): Pair {
    return this.pick<Pair>([
      { semantic: `${a} EXTRACTS ${b}`, plain: `m_extracts(${a}, ${b})` },
      { semantic: `${a} ASK ${b}`, plain: `m_ask(${a}, ${b})` },
      { semantic: `${a} TRANSLATED TO ${b}`, plain: `m_translated(${a}, ${b})` },
      { semantic: `(${a} ASK ${b}) EXTRACTS 'q'`, plain: `m_extracts(m_ask(${a}, ${b}), 'q')` },
    ]);
  }

  protected maybe(pair: Pair): Pair {
    return this.#random() < 0.5 ? pair : both``;
  }

  protected maybeNot(): string {
    return this.#random() < 0.5 ? '' : 'NOT ';
  }

  protected pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)]!;
  }
}
